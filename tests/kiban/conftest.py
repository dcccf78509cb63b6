"""The sandbox's Kiban, with the connection ``kiban_default`` that leads to it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.conftest import clock as clock
from tests.kiban.server import KEY, KibanServer

Run = Callable[[Callable[[KibanApi], Operation[Any]]], Any]


@pytest.fixture
def kiban(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> KibanServer:
    """Kiban in sandbox mode."""

    def connect(conn_id: str = "kiban_default", **changes: Any) -> None:
        extra = {"environment": "sandbox", "timeout": 5, **changes.pop("extra", {})}
        fields = {"conn_type": "kiban", "host": sandbox.vendor_url("kiban"), "password": KEY, **changes}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))
        forget_connections()

    connect()
    return KibanServer(sandbox.control, sandbox.vendor_url("kiban"), connect)


@pytest.fixture(params=["requests", "aiohttp"])
def run(request: pytest.FixtureRequest) -> Run:
    """Run an operation on the default connection, in a worker or on an event loop; failures repeat fast."""
    retry = Retry(attempts=2, base=0.01)
    if request.param == "requests":
        return lambda operation: KibanHook(retry=retry).run(operation)
    return lambda operation: asyncio.run(KibanHook(retry=retry).arun(operation))
