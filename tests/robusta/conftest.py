"""The sandbox's Robusta, the connection ``robusta_default`` to it, and the same clock as for the base."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.conftest import clock as clock


@dataclass(frozen=True)
class RobustaServer:
    """The sandbox's Robusta."""

    url: str
    control: Control
    connect: Callable[..., None]

    def fault(self, endpoint: str, kind: str, **details: Any) -> str:
        """Set a fault; returns its id, to ask for its hits."""
        return self.control.fault("robusta", endpoint, kind, **details)

    def effects(self) -> dict[str, Any]:
        """What really happened there: processes saved, runs begun, requests by endpoint."""
        return self.control.effects("robusta")

    def requests(self, endpoint: str) -> int:
        return int(self.effects()["requests"].get(endpoint, 0))

    def record(self, spid: str) -> dict[str, Any]:
        (found,) = (one for one in self.control.records("robusta") if one["id"] == spid)
        return found

    def only_record(self) -> dict[str, Any]:
        (found,) = self.control.records("robusta")
        return found


@pytest.fixture
def robusta(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> RobustaServer:
    url = sandbox.vendor_url("robusta")

    def connect(conn_id: str = "robusta_default", **changes: Any) -> None:
        """(Re)define a connection; ``extra`` is merged into the default one."""
        extra = {"time_zone": "Europe/Istanbul", "timeout": 5, **changes.pop("extra", {})}
        fields = {"conn_type": "robusta", "host": url, "login": "airflow", "password": "sesame", **changes}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))
        forget_connections()

    connect()
    return RobustaServer(url=url, control=sandbox.control, connect=connect)
