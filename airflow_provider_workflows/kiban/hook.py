"""The Kiban hook."""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.methods import blocking, nonblocking
from airflow_provider_workflows.base.settings import misstated
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.connection import FORM, HOSTS
from airflow_provider_workflows.protocol.errors import PermissionDenied
from airflow_provider_workflows.protocol.operation import Operation

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings
    from airflow_provider_workflows.protocol.retry import Retry


class KibanHook(WorkflowHook[KibanApi]):
    """
    Calls Kiban Workfloo.

    Each method is an operation of :class:`~airflow_provider_workflows.kiban.api.KibanApi` with the same
    arguments; those that begin with ``a`` are coroutines.

    :param kiban_conn_id: the Airflow connection, of type ``kiban``
    :param retry: how often a repeatable request is repeated, and after how long
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
    history = blocking(KibanApi.history)
    ahistory = nonblocking(KibanApi.history)
    file = blocking(KibanApi.file)
    afile = nonblocking(KibanApi.file)
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
        Return the API of a connection's space.

        :raises InvalidConnection: the key is not bare
        """
        if settings.password.strip().lower().startswith("bearer ") or settings.password.split() != [
            settings.password
        ]:
            expected = "must be the bare key; with Bearer before it Kiban answers 401"
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
        """List one execution, which has no effect but to show that the key is good."""
        environment = "sandbox" if api.sandbox else "production"
        try:
            yield from api.history(items_per_page=1)
        except PermissionDenied as error:
            message = f"Kiban Workfloo ({environment}) knows the API key, which may not list executions"
            raise error.retold(message) from None
        return f"Kiban Workfloo ({environment}) accepts the API key"
