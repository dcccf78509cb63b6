"""The Pigeon Post hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.connection.methods import aiterating, blocking, iterating, nonblocking
from airflow_provider_workflows.core.protocol.operation import Operation

from .api import PigeonApi
from .connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.settings import Settings


class PigeonHook(WorkflowHook[PigeonApi]):
    """Calls a loft."""

    form = FORM

    def __init__(self, pigeon_conn_id: str = FORM.default_conn_id) -> None:
        super().__init__(pigeon_conn_id)

    send = blocking(PigeonApi.send)
    asend = nonblocking(PigeonApi.send)
    look_at = blocking(PigeonApi.look)
    alook_at = nonblocking(PigeonApi.look)
    list_letters = blocking(PigeonApi.list_letters)
    alist_letters = nonblocking(PigeonApi.list_letters)
    iterate_letters = iterating(PigeonApi.list_letters)
    aiterate_letters = aiterating(PigeonApi.list_letters)

    def make_api(self, settings: Settings) -> PigeonApi:
        """Return the API of a connection's loft."""
        return PigeonApi(ring=settings.password, flock=settings.options["flock"])

    def probe(self, api: PigeonApi) -> Operation[str]:
        """Ask for a letter that there is not."""
        yield from api.look("none")
        return "Reached the loft"
