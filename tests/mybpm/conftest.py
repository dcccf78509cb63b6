"""The sandbox's MyBPM, the connection ``mybpm_default`` to it, and the same clock as for the base."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.conftest import clock as clock

USER, PASSWORD = "airflow@example.com", "sesame"
API_TOKEN = "sandbox-api-token"

#: Runs an operation on the default connection, in a worker or on an event loop.
Run = Callable[[Callable[[MyBPMApi], Operation[Any]]], Any]


@dataclass(frozen=True)
class MyBPMServer:
    """The sandbox's MyBPM."""

    url: str
    control: Control
    connect: Callable[..., None]

    def fault(self, endpoint: str, kind: str, **details: Any) -> str:
        """Set a fault; returns its id, to ask for its hits."""
        return self.control.fault("mybpm", endpoint, kind, **details)

    def effects(self) -> dict[str, int]:
        """What really happened there."""
        return {name: number for name, number in self._counted().items() if name != "requests"}

    def requests(self, endpoint: str) -> int:
        return int(self._counted()["requests"].get(endpoint, 0))

    def record(self, remote_id: str) -> dict[str, Any]:
        (found,) = (one for one in self.control.records("mybpm") if one["id"] == remote_id)
        return found

    def command(self, name: str, **arguments: Any) -> None:
        self.control.command("mybpm", name, **arguments)

    def _counted(self) -> dict[str, Any]:
        return self.control.effects("mybpm")


@pytest.fixture
def mybpm(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> MyBPMServer:
    url = sandbox.vendor_url("mybpm")

    def connect(conn_id: str = "mybpm_default", **changes: Any) -> None:
        """(Re)define a connection; ``extra`` is merged into the default one."""
        extra = {"timezone": "GMT+0600", "timeout": 5, **changes.pop("extra", {})}
        fields = {"conn_type": "mybpm", "host": url, "login": USER, "password": PASSWORD, **changes}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))
        forget_connections()

    connect()
    return MyBPMServer(url=url, control=sandbox.control, connect=connect)


@pytest.fixture(params=["session", "API token"])
def each_login(request: pytest.FixtureRequest, mybpm: MyBPMServer) -> MyBPMServer:
    """The same server, by a session token and by an API token in turn."""
    if request.param == "API token":
        mybpm.connect(login="", password=API_TOKEN)
    return mybpm


@pytest.fixture(params=["worker", "triggerer"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run an operation, by the hook's synchronous half and by its asynchronous one."""
    if request.param == "worker":
        return lambda make: MyBPMHook().run(make)
    return lambda make: asyncio.run(MyBPMHook().arun(make))
