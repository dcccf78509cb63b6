"""A time that passes only when someone sleeps."""

from __future__ import annotations

import pytest

from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.core.harness import Clock


@pytest.fixture
def clock(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(sandbox.control).install(monkeypatch)
