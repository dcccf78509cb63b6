"""A sandbox with a sixth vendor, the connection to it, and a task that uses it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.connections import ready_connections
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.harness import Clock, Runner
from tests.sandbox.distribution import install
from tests.sixth_vendor.pigeon_loft import VENDOR
from tests.sixth_vendor.pigeon_post.operators import PigeonSendOperator

#: The loft lets in whoever knows it.
RING = "ring-4711-secret"
#: It is tested in a copy of the project, where it stands in its place.
collect_ignore = ["inside"]
UI_URL = "https://loft.example.com/letters/{letter}?as=page"


@pytest.fixture
def loft(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SandboxServer]:
    """A sandbox in which another distribution's entry point brings the sixth vendor, and its connection."""
    install(tmp_path, monkeypatch, pigeon="tests.sixth_vendor.pigeon_loft:VENDOR")
    (connection,) = ready_connections({VENDOR.name: {}})
    with SandboxServer({VENDOR.name: {}}) as server:
        fields = {**connection.fields(server.url), "extra": {"ui_url": UI_URL}}
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.conn_id.upper()}", json.dumps(fields))
        forget_connections()
        yield server


@pytest.fixture
def clock(loft: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(loft.control).install(monkeypatch)


def sending(clock: Clock | None = None, **arguments: Any) -> Runner:
    arguments = {"to": "Ada", "text": "hello", **arguments}
    return Runner(lambda: PigeonSendOperator(task_id="send", **arguments), clock=clock)
