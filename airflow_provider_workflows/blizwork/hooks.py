"""The BlizWork hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.blizwork.api.operations import PRODUCTION, BlizWorkApi
from airflow_provider_workflows.blizwork.connection import FORM, RATES
from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import aiterating, blocking, iterating, nonblocking
from airflow_provider_workflows.core.protocol.operation import Operation

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.retry import Retry


class BlizWorkHook(WorkflowHook[BlizWorkApi]):
    """
    Calls BlizWork for one organisation.

    Each method runs the operation of the same name of
    :class:`~airflow_provider_workflows.blizwork.api.operations.BlizWorkApi`; methods with the prefix ``a``
    are coroutines.

    :param blizwork_conn_id: id of an Airflow connection of type ``blizwork``
    :param retry: how often and after what pause to repeat a request that may be repeated
    """

    form = FORM
    account_fields = ("company_id",)

    def __init__(self, blizwork_conn_id: str = FORM.default_conn_id, *, retry: Retry | None = None) -> None:
        super().__init__(blizwork_conn_id, retry=retry)

    init_case = blocking(BlizWorkApi.init_case)
    ainit_case = nonblocking(BlizWorkApi.init_case)
    exec_activity = blocking(BlizWorkApi.exec_activity)
    aexec_activity = nonblocking(BlizWorkApi.exec_activity)
    load_case = blocking(BlizWorkApi.load_case)
    aload_case = nonblocking(BlizWorkApi.load_case)
    list_cases = blocking(BlizWorkApi.list_cases)
    alist_cases = nonblocking(BlizWorkApi.list_cases)
    iterate_cases = iterating(BlizWorkApi.list_cases)
    aiterate_cases = aiterating(BlizWorkApi.list_cases)
    upload_attachment = blocking(BlizWorkApi.upload_attachment)
    aupload_attachment = nonblocking(BlizWorkApi.upload_attachment)
    send_notification = blocking(BlizWorkApi.send_notification)
    asend_notification = nonblocking(BlizWorkApi.send_notification)
    list_master_data = blocking(BlizWorkApi.list_master_data)
    alist_master_data = nonblocking(BlizWorkApi.list_master_data)
    iterate_master_data = iterating(BlizWorkApi.list_master_data)
    aiterate_master_data = aiterating(BlizWorkApi.list_master_data)
    upsert_master_data = blocking(BlizWorkApi.upsert_master_data)
    aupsert_master_data = nonblocking(BlizWorkApi.upsert_master_data)
    delete_master_data = blocking(BlizWorkApi.delete_master_data)
    adelete_master_data = nonblocking(BlizWorkApi.delete_master_data)

    @property
    def where(self) -> str:
        """The vendor's server, account and environment; none is the same as production."""
        return f"{super().where} {self.get_conn().environment or PRODUCTION}"

    def make_api(self, settings: Settings) -> BlizWorkApi:
        """Return the API for a connection."""
        return BlizWorkApi(
            token=settings.password,
            user_id=settings.login,
            company_id=settings.options["company_id"],
            environment=settings.options["environment"],
            rate=self.rate(settings),
        )

    def rate(self, settings: Settings) -> float | None:
        """Return how many requests a second are allowed: as the connection says, else by the plan."""
        plan = settings.options["plan"]
        return super().rate(settings) or (RATES[plan] if plan else None)

    def limited_account(self, settings: Settings) -> tuple[str, ...]:
        """Return the organisation: its plan is for all of its users and both environments."""
        return (settings.options["company_id"],)

    def probe(self, api: BlizWorkApi) -> Operation[str]:
        """Read a case that cannot exist; this checks the token and changes nothing."""
        return api.probe()
