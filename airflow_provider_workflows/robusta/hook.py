"""The Robusta hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pendulum

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.methods import blocking, nonblocking
from airflow_provider_workflows.base.settings import misstated
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.robusta.api import RobustaApi
from airflow_provider_workflows.robusta.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings
    from airflow_provider_workflows.protocol.retry import Retry


class RobustaHook(WorkflowHook[RobustaApi]):
    """
    Calls a Robusta Orchestrator.

    Each method is an operation of :class:`~airflow_provider_workflows.robusta.api.RobustaApi` with the same
    arguments; those that begin with ``a`` are coroutines.

    :param robusta_conn_id: the Airflow connection, of type ``robusta``
    :param retry: how often a repeatable request is repeated, and after how long
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
        Return the API of a connection's server and user.

        :raises InvalidConnection: the login has a colon, or there is no such time zone
        """
        if ":" in settings.login:
            expected = "must not have a colon, with which HTTP Basic ends it"
            raise misstated(FORM, self.conn_id, "login", expected)
        return RobustaApi(login=settings.login, password=settings.password, zone=self._zone(settings))

    def probe(self, api: RobustaApi) -> Operation[str]:
        """Reach the server; no call is documented that would check a login without an effect."""
        yield from api.reach()
        return "Robusta reached; credentials cannot be checked, since it documents no call that would"

    def _zone(self, settings: Settings) -> pendulum.Timezone | None:
        name = settings.options["time_zone"]
        if name is None:
            return None
        try:
            zone: pendulum.Timezone = pendulum.timezone(name)
            return zone
        except (ValueError, OSError):
            # OSError: a part of a name, such as Europe, is a folder of the time zone database.
            expected = f"must be an IANA name such as Europe/Istanbul, got {name!r}"
            raise misstated(FORM, self.conn_id, "time_zone", expected) from None
