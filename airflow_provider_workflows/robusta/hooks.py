"""The Robusta hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pendulum

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import blocking, nonblocking
from airflow_provider_workflows.core.connection.settings import misstated
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.robusta.api.operations import RobustaApi
from airflow_provider_workflows.robusta.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings
    from airflow_provider_workflows.core.protocol.retry import Retry


class RobustaHook(WorkflowHook[RobustaApi]):
    """
    Calls a Robusta Orchestrator.

    Each method runs the operation of the same name of
    :class:`~airflow_provider_workflows.robusta.api.operations.RobustaApi`; methods with the prefix ``a`` are
    coroutines.

    :param robusta_conn_id: id of an Airflow connection of type ``robusta``
    :param retry: how often and after what pause to repeat a request that may be repeated
    """

    form = FORM

    def __init__(self, robusta_conn_id: str = FORM.default_conn_id, *, retry: Retry | None = None) -> None:
        super().__init__(robusta_conn_id, retry=retry)

    start_process = blocking(RobustaApi.start_process)
    astart_process = nonblocking(RobustaApi.start_process)
    process_status = blocking(RobustaApi.process_status)
    aprocess_status = nonblocking(RobustaApi.process_status)

    def make_api(self, settings: Settings) -> RobustaApi:
        """
        Return the API for a connection.

        :raises InvalidConnection: the login contains a colon, or the time zone does not exist
        """
        if ":" in settings.login:
            expected = "must not contain a colon, because HTTP Basic authentication ends the login at a colon"
            raise misstated(FORM, self.conn_id, "login", expected)
        return RobustaApi(login=settings.login, password=settings.password, zone=self._zone(settings))

    def probe(self, api: RobustaApi) -> Operation[str]:
        """Check that the server answers; no documented call checks a login and changes nothing."""
        yield from api.reach()
        return "Robusta was reached, but the credentials were not checked: no documented call can check them"

    def _zone(self, settings: Settings) -> pendulum.Timezone | None:
        name = settings.options["time_zone"]
        if name is None:
            return None
        try:
            zone: pendulum.Timezone = pendulum.timezone(name)
            return zone
        except (ValueError, OSError):
            # OSError: only the first part of a name, such as Europe, is a folder of the time zone database.
            expected = f"must be an IANA name such as Europe/Istanbul, got {name!r}"
            raise misstated(FORM, self.conn_id, "time_zone", expected) from None
