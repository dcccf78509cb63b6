"""The OMFlow hook."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import aiterating, blocking, iterating, nonblocking
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.retry import Retry


class OMFlowHook(WorkflowHook[OMFlowApi]):
    """
    Calls an OMFlow server.

    Each method runs the operation of the same name of
    :class:`~airflow_provider_workflows.omflow.api.operations.OMFlowApi`; methods with the prefix ``a`` are
    coroutines.

    :param omflow_conn_id: id of an Airflow connection of type ``omflow``
    :param retry: how often and after what pause to repeat a request that may be repeated
    """

    form = FORM

    def __init__(self, omflow_conn_id: str = FORM.default_conn_id, *, retry: Retry | None = None) -> None:
        super().__init__(omflow_conn_id, retry=retry)

    open_order = blocking(OMFlowApi.open_order)
    aopen_order = nonblocking(OMFlowApi.open_order)
    push_order = blocking(OMFlowApi.push_order)
    apush_order = nonblocking(OMFlowApi.push_order)
    delete_order = blocking(OMFlowApi.delete_order)
    adelete_order = nonblocking(OMFlowApi.delete_order)
    query = blocking(OMFlowApi.query)
    aquery = nonblocking(OMFlowApi.query)
    list_rows = blocking(OMFlowApi.list_rows)
    alist_rows = nonblocking(OMFlowApi.list_rows)
    iterate_rows = iterating(OMFlowApi.list_rows)
    aiterate_rows = aiterating(OMFlowApi.list_rows)
    order_state = blocking(OMFlowApi.order_state)
    aorder_state = nonblocking(OMFlowApi.order_state)
    find_order = blocking(OMFlowApi.find_order)
    afind_order = nonblocking(OMFlowApi.find_order)
    upload_files = blocking(OMFlowApi.upload_files)
    aupload_files = nonblocking(OMFlowApi.upload_files)
    list_files = blocking(OMFlowApi.list_files)
    alist_files = nonblocking(OMFlowApi.list_files)
    iterate_files = iterating(OMFlowApi.list_files)
    aiterate_files = aiterating(OMFlowApi.list_files)

    def make_api(self, settings: Settings) -> OMFlowApi:
        """Return the API for a connection."""
        return OMFlowApi(
            login=settings.login, password=settings.password, version=settings.options["server_version"]
        )

    def headers(self, settings: Settings) -> dict[str, str]:
        """Add the language of the server's messages to the headers."""
        language = settings.options["language"]
        return super().headers(settings) | ({"Accept-Language": language} if language else {})

    def fetch_credential(self, api: OMFlowApi) -> Callable[[], Operation[str]]:
        """Return the operation that fetches the security code."""
        return api.security_code

    def probe(self, api: OMFlowApi) -> Operation[str]:
        """List one of the user's tasks; this checks that calls are accepted, and changes nothing."""
        yield from api.check_calls()
        return f"Logged in to OMFlow as {api.login}"
