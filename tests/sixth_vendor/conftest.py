"""A sandbox with a sixth vendor, the connection to it, and a task that uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.base.conftest import new_process as new_process
from tests.base.harness import Clock, Runner
from tests.sixth_vendor.loft import RING, Loft
from tests.sixth_vendor.pigeon.operators import PigeonSendOperator

UI_URL = "https://loft.example.com/letters/{letter}?as=page"


@pytest.fixture
def loft(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SandboxServer]:
    """A sandbox with the sixth vendor's double as its one more entry, and the connection to it."""
    monkeypatch.setitem(registry.BUILDERS, "pigeon", lambda table, clock: [Loft(table, clock)])
    declaration = tmp_path / "processes.toml"
    declaration.write_text("[pigeon]\n")
    with SandboxServer(declaration) as server:
        extra = {"ui_url": UI_URL}
        fields = {
            "conn_type": "pigeon",
            "host": server.vendor_url("pigeon"),
            "password": RING,
            "extra": extra,
        }
        monkeypatch.setenv("AIRFLOW_CONN_PIGEON_DEFAULT", json.dumps(fields))
        yield server


@pytest.fixture
def clock(loft: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(loft.control).install(monkeypatch)


def sending(clock: Clock | None = None, **arguments: Any) -> Runner:
    arguments = {"to": "Ada", "text": "hello", **arguments}
    return Runner(lambda: PigeonSendOperator(task_id="send", **arguments), clock=clock)
