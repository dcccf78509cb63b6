"""The Kiban hook."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import aiterating, blocking, iterating, nonblocking
from airflow_provider_workflows.core.connection.settings import misstated
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.exceptions import PermissionDenied
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.connection import FORM, HOSTS

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.retry import Retry


class KibanHook(WorkflowHook[KibanApi]):
    """
    Calls Kiban Workfloo.

    Each method runs the operation of the same name of
    :class:`~airflow_provider_workflows.kiban.api.operations.KibanApi`; methods with the prefix ``a`` are
    coroutines.

    :param kiban_conn_id: id of an Airflow connection of type ``kiban``
    :param retry: how often and after what pause to repeat a request that may be repeated
    """

    form = FORM
    account_fields = ("environment",)

    def __init__(self, kiban_conn_id: str = FORM.default_conn_id, *, retry: Retry | None = None) -> None:
        super().__init__(kiban_conn_id, retry=retry)

    start = blocking(KibanApi.start)
    astart = nonblocking(KibanApi.start)
    start_pool = blocking(KibanApi.start_pool)
    astart_pool = nonblocking(KibanApi.start_pool)
    status = blocking(KibanApi.status)
    astatus = nonblocking(KibanApi.status)
    detail = blocking(KibanApi.detail)
    adetail = nonblocking(KibanApi.detail)
    list_executions = blocking(KibanApi.list_executions)
    alist_executions = nonblocking(KibanApi.list_executions)
    iterate_executions = iterating(KibanApi.list_executions)
    aiterate_executions = aiterating(KibanApi.list_executions)
    file = blocking(KibanApi.file)
    afile = nonblocking(KibanApi.file)
    validate_field = blocking(KibanApi.validate_field)
    avalidate_field = nonblocking(KibanApi.validate_field)
    send_form = blocking(KibanApi.send_form)
    asend_form = nonblocking(KibanApi.send_form)
    send_document = blocking(KibanApi.send_document)
    asend_document = nonblocking(KibanApi.send_document)
    send_correction = blocking(KibanApi.send_correction)
    asend_correction = nonblocking(KibanApi.send_correction)
    send_review = blocking(KibanApi.send_review)
    asend_review = nonblocking(KibanApi.send_review)
    answer = blocking(KibanApi.answer)
    aanswer = nonblocking(KibanApi.answer)
    await_move = blocking(KibanApi.await_move)
    aawait_move = nonblocking(KibanApi.await_move)
    send_nip = blocking(KibanApi.send_nip)
    asend_nip = nonblocking(KibanApi.send_nip)
    resend_nip = blocking(KibanApi.resend_nip)
    aresend_nip = nonblocking(KibanApi.resend_nip)
    validate_nip = blocking(KibanApi.validate_nip)
    avalidate_nip = nonblocking(KibanApi.validate_nip)
    validate_otp = blocking(KibanApi.validate_otp)
    avalidate_otp = nonblocking(KibanApi.validate_otp)
    fallback_otp = blocking(KibanApi.fallback_otp)
    afallback_otp = nonblocking(KibanApi.fallback_otp)

    def make_api(self, settings: Settings) -> KibanApi:
        """
        Return the API for a connection.

        :raises InvalidConnection: the password is not just the key
        """
        if settings.password.strip().lower().startswith("bearer ") or settings.password.split() != [
            settings.password
        ]:
            expected = "must be the key alone; with Bearer before it, Kiban answers 401"
            raise misstated(FORM, self.conn_id, "password", expected)
        on_sandbox_host = urlsplit(settings.base_url).hostname == urlsplit(HOSTS["sandbox"]).hostname
        return KibanApi(
            key=settings.password,
            sandbox=settings.options["environment"] == "sandbox" or on_sandbox_host,
            callback_key=settings.options["callback_x_api_key"],
        )

    def headers(self, settings: Settings) -> dict[str, str]:
        """Add the API key."""
        return super().headers(settings) | {"x-api-key": settings.password}

    def probe(self, api: KibanApi) -> Operation[str]:
        """List one execution; this checks the key and changes nothing."""
        environment = "sandbox" if api.sandbox else "production"
        try:
            yield from api.list_executions(size=1)
        except PermissionDenied as error:
            message = f"Kiban Workfloo ({environment}) accepted the API key, but it may not list executions"
            raise error.with_message(message) from None
        return f"Kiban Workfloo ({environment}) accepted the API key"
