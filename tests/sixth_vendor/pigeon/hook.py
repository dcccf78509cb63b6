"""The Pigeon Post hook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.base.hook import WorkflowHook
from airflow_provider_workflows.base.methods import blocking, nonblocking
from airflow_provider_workflows.protocol.operation import Operation
from tests.sixth_vendor.pigeon.api import PigeonApi
from tests.sixth_vendor.pigeon.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings


class PigeonHook(WorkflowHook[PigeonApi]):
    """Calls a loft."""

    form = FORM

    def __init__(self, pigeon_conn_id: str = FORM.default_conn_id) -> None:
        super().__init__(pigeon_conn_id)

    send = blocking(PigeonApi.send)
    asend = nonblocking(PigeonApi.send)
    look_at = blocking(PigeonApi.look)
    alook_at = nonblocking(PigeonApi.look)
    book = blocking(PigeonApi.book)
    abook = nonblocking(PigeonApi.book)

    def make_api(self, settings: Settings) -> PigeonApi:
        """Return the API of a connection's loft."""
        return PigeonApi(ring=settings.password, flock=settings.options["flock"])

    def probe(self, api: PigeonApi) -> Operation[str]:
        """Look at the letter that every loft has."""
        yield from api.look("none")
        return "Reached the loft"
