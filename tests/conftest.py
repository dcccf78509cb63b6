"""What all tests share: an Airflow home of their own, a running sandbox, connections to it."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# Before anything imports Airflow, which creates its home at import.
os.environ.setdefault("AIRFLOW_HOME", str(Path(__file__).parent.parent / ".airflow" / "unit-tests"))
# The tests have conditions, feeds and a vendor of their own, which a triggerer imports only if it may.
os.environ.setdefault("AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES", "airflow.* tests.*")

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.airflow_private import FORGET_SECRETS, private

# A busy machine is no defect of the code.
settings.register_profile("unhurried", deadline=None)
settings.load_profile("unhurried")
set_hypothesis_home_dir(Path(__file__).parent.parent / ".cache" / "hypothesis")

#: The files that take longest come first; else one process is busy with them after all others have ended.
LONGEST = (
    "test_pytest_plugin.py",
    "transport/test_same_outcome.py",
    "omflow/test_operators.py",
    "tasks/test_sensor.py",
    "transport/test_proxy_faults.py",
    "test_typing.py",
    "sixth_vendor/test_outside.py",
    "sixth_vendor/test_inside.py",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: not item.path.as_posix().endswith(LONGEST))


@pytest.fixture(autouse=True)
def new_process() -> None:
    """Forget the connections and secrets of earlier tests, as a new worker process knows none."""
    forget_connections()
    private(FORGET_SECRETS)()


@pytest.fixture(scope="session")
def sandbox_server() -> Iterator[SandboxServer]:
    with SandboxServer() as server:
        yield server


@pytest.fixture
def sandbox(sandbox_server: SandboxServer) -> SandboxServer:
    """The one sandbox of the test run, as if fresh."""
    sandbox_server.control.reset()
    return sandbox_server


@dataclass(frozen=True)
class OMFlowServer:
    """One of the sandbox's OMFlow servers, and the connection ``omflow_default`` that leads to it."""

    version: str
    url: str
    control: Control
    connect: Callable[..., None]

    @property
    def name(self) -> str:
        """The sandbox's name of it."""
        return f"omflow-{self.version}"

    def fault(self, endpoint: str, kind: str, **details: Any) -> str:
        """Set a fault; returns its id, to ask for its hits."""
        return self.control.fault(self.name, endpoint, kind, **details)

    def effects(self) -> dict[str, Any]:
        """What really happened there: opened, pushed, deleted, uploaded, requests by endpoint."""
        return self.control.effects(self.name)


def omflow_of(version: str, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> OMFlowServer:
    """Lead ``omflow_default`` to a sandbox's server of a version."""
    url = sandbox.omflow_url(version)

    def connect(conn_id: str = "omflow_default", *, forget: bool = True, **changes: Any) -> None:
        """
        (Re)define a connection.

        :param forget: whether hooks that have read it before read it again at once
        :param changes: fields that differ; ``extra`` is merged into the default one
        """
        extra = {"language": "en", "server_version": version, "timeout": 5, **changes.pop("extra", {})}
        fields = {"conn_type": "omflow", "host": url, "login": "airflow", "password": "sesame", **changes}
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps({**fields, "extra": extra}))
        if forget:
            forget_connections()

    connect()
    return OMFlowServer(version=version, url=url, control=sandbox.control, connect=connect)


@pytest.fixture
def omflow(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> OMFlowServer:
    """OMFlow 1.2, with ``omflow_default`` leading to it."""
    return omflow_of("1.2", sandbox, monkeypatch)


@pytest.fixture(params=["1.1", "1.2"])
def each_omflow(
    request: pytest.FixtureRequest, sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> OMFlowServer:
    """Each OMFlow version in turn, with ``omflow_default`` leading to it."""
    return omflow_of(request.param, sandbox, monkeypatch)
