"""The sandbox's BlizWork, the connection ``blizwork_default`` to it, and the same clock as for the base."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.conftest import clock as clock

COMPANY = "5f0c3a1be2d94a7c8b6e1d20"
USER = "airflow@example.com"
TOKEN = "sandbox-token"

#: Runs an operation on the default connection, in a worker or on an event loop.
Run = Callable[[Callable[[BlizWorkApi], Operation[Any]]], Any]


@dataclass(frozen=True)
class BlizWorkServer:
    """The sandbox's BlizWork."""

    url: str
    control: Control
    connect: Callable[..., None]

    def fault(self, endpoint: str, kind: str, **details: Any) -> str:
        """Set a fault; returns its id, to ask for its hits."""
        return self.control.fault("blizwork", endpoint, kind, **details)

    def answer(self, endpoint: str, code: int, **details: Any) -> None:
        """Order a result code in place of the true answer."""
        self.control.command("blizwork", "answer", endpoint=endpoint, code=code, **details)

    def effects(self) -> dict[str, Any]:
        """What really happened there, and requests by endpoint."""
        return self.control.effects("blizwork")

    def requests(self, endpoint: str) -> int:
        return int(self.effects()["requests"].get(endpoint, 0))

    def record(self, remote_id: str) -> dict[str, Any]:
        (found,) = (one for one in self.control.records("blizwork") if one["id"] == remote_id)
        return found

    def by_hand(self, workflow: str, case: int, form: str, to: str) -> None:
        """Run an activity as another person would."""
        self.control.command("blizwork", "run", workflow=workflow, case=case, form=form, to=to)


@pytest.fixture
def blizwork(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> BlizWorkServer:
    url = sandbox.vendor_url("blizwork")

    def connect(conn_id: str = "blizwork_default", **changes: Any) -> None:
        """(Re)define a connection; ``extra`` is merged into the default one."""
        extra = {"company_id": COMPANY, "timeout": 5, **changes.pop("extra", {})}
        fields = {"conn_type": "blizwork", "host": url, "login": USER, "password": TOKEN, **changes}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))
        forget_connections()

    connect()
    return BlizWorkServer(url=url, control=sandbox.control, connect=connect)


QUICK = Retry(attempts=2, base=0.01)


@pytest.fixture(params=["requests", "aiohttp"])
def run(request: pytest.FixtureRequest) -> Run:
    if request.param == "requests":
        return lambda operation: BlizWorkHook(retry=QUICK).run(operation)
    return lambda operation: asyncio.run(BlizWorkHook(retry=QUICK).arun(operation))
