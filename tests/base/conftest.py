"""A time that passes only when someone sleeps."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.transport import credentials
from tests.base.harness import Clock


@pytest.fixture(autouse=True)
def new_process() -> None:
    """Forget the security codes that earlier tests fetched, as a new worker process knows none."""
    credentials.forget()


@pytest.fixture
def clock(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(sandbox.control).install(monkeypatch)
