"""The BlizWork hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.methods import blocking, nonblocking
from airflow_provider_workflows.blizwork.api import BlizWorkApi
from airflow_provider_workflows.blizwork.connection import FORM, RATES
from airflow_provider_workflows.protocol.operation import Operation

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings
    from airflow_provider_workflows.protocol.retry import Retry


class BlizWorkHook(WorkflowHook[BlizWorkApi]):
    """
    Calls BlizWork for one organisation.

    Each method is an operation of :class:`~airflow_provider_workflows.blizwork.api.BlizWorkApi` with the same
    arguments; those that begin with ``a`` are coroutines.

    :param blizwork_conn_id: the Airflow connection, of type ``blizwork``
    :param retry: how often a repeatable request is repeated, and after how long
    """

    form = FORM
    account_fields = ("company_id", "environment")

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
    upload_attachment = blocking(BlizWorkApi.upload_attachment)
    aupload_attachment = nonblocking(BlizWorkApi.upload_attachment)
    send_notification = blocking(BlizWorkApi.send_notification)
    asend_notification = nonblocking(BlizWorkApi.send_notification)
    query_master_data = blocking(BlizWorkApi.query_master_data)
    aquery_master_data = nonblocking(BlizWorkApi.query_master_data)
    upsert_master_data = blocking(BlizWorkApi.upsert_master_data)
    aupsert_master_data = nonblocking(BlizWorkApi.upsert_master_data)
    delete_master_data = blocking(BlizWorkApi.delete_master_data)
    adelete_master_data = nonblocking(BlizWorkApi.delete_master_data)

    def make_api(self, settings: Settings) -> BlizWorkApi:
        """Return the API of a connection's organisation and user."""
        plan = settings.options["plan"]
        return BlizWorkApi(
            token=settings.password,
            user_id=settings.login,
            company_id=settings.options["company_id"],
            environment=settings.options["environment"],
            rate=RATES[plan] if plan else None,
        )

    def probe(self, api: BlizWorkApi) -> Operation[str]:
        """Ask for a case that cannot be there, which has no effect but to show that the token is good."""
        return api.probe()
