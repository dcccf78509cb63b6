"""A running sandbox, and clients of its two OMFlow servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.declaration import DEFAULT_FILE
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import OMFlowClient


@pytest.fixture(scope="session")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SandboxServer]:
    """The shipped processes, but with a latency of 10 s: nothing moves unless a test moves the clock."""
    declared = DEFAULT_FILE.read_text(encoding="utf-8")
    patient = declared.replace("latency = 0.2", "latency = 10")
    assert patient != declared
    path = tmp_path_factory.mktemp("sandbox") / "processes.toml"
    path.write_text(patient, encoding="utf-8")
    with SandboxServer(path) as server:
        yield server


@pytest.fixture
def server(shared_server: SandboxServer) -> SandboxServer:
    """The one sandbox of the test run, as if fresh."""
    shared_server.control.reset()
    return shared_server


@pytest.fixture
def control(server: SandboxServer) -> Control:
    return server.control


@pytest.fixture
def old(server: SandboxServer) -> Iterator[OMFlowClient]:
    """A client of the 1.1 server, as recorded."""
    client = OMFlowClient(server.omflow_url("1.1"))
    yield client
    client.close()


@pytest.fixture
def new(server: SandboxServer) -> Iterator[OMFlowClient]:
    """A client of the 1.2 server, as the vendor's manual describes it."""
    client = OMFlowClient(server.omflow_url("1.2"))
    yield client
    client.close()


@pytest.fixture(params=["1.1", "1.2"])
def either(server: SandboxServer, request: pytest.FixtureRequest) -> Iterator[OMFlowClient]:
    """A client of each server in turn."""
    client = OMFlowClient(server.omflow_url(request.param))
    yield client
    client.close()
