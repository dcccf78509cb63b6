"""A running sandbox, and clients of its two OMFlow servers."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import OMFlowClient


@pytest.fixture(scope="session")
def shared_server() -> Iterator[SandboxServer]:
    """
    The shipped processes, but with a latency of 10 s: nothing moves unless a test moves the clock.

    Each step is one commit, so that the ids of rows follow from the order of the requests.
    """
    declared = load_declaration()
    declared["omflow"] |= {"latency": 10, "torn_writes": 0}
    with SandboxServer(declared) as server:
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
