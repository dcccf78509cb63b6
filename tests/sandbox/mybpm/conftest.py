"""A client of the sandbox's MyBPM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.mybpm.client import MyBPMClient


@pytest.fixture
def client(server: SandboxServer) -> Iterator[MyBPMClient]:
    client = MyBPMClient(server.vendor_url("mybpm"))
    yield client
    client.close()
