"""A duration is a number of seconds, text of one, or a timedelta; it is checked before anything is sent."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import BaseSensorOperator

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.tasks.sensor import OF_AIRFLOW
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.sandbox.connections import ready_connections
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.testing import forget_connections
from tests.core.harness import Runner
from tests.core.offered import make, tasks

FORMS = [60, 60.0, "60", " 60 ", timedelta(minutes=1)]
WRONG = ["soon", "{{ params.seconds }}", True, -1, "-1", float("nan"), "nan", float("inf"), "inf", [60], {}]
WRONG += [timedelta(seconds=-1), 10**400]


def durations(kind: type[Any]) -> set[str]:
    """Return the parameters of a task that its constructors declare as durations, Airflow's own included."""
    own = {
        name
        for base in kind.__mro__
        if "__init__" in vars(base)
        for name, one in inspect.signature(inspect.unwrap(vars(base)["__init__"])).parameters.items()
        if "Duration" in str(one.annotation).split("|")[0]
    }
    return own | set(OF_AIRFLOW if issubclass(kind, BaseSensorOperator) else ())


PARAMETERS = [(kind, name) for kind in tasks() for name in sorted(durations(kind))]


def named(value: Any) -> str:
    return value.__name__ if inspect.isclass(value) else repr(value)


@pytest.fixture
def vendors(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> SandboxServer:
    """Every vendor, each with the connection that its tasks use by default."""
    for connection in ready_connections():
        fields = json.dumps(connection.fields(sandbox.url))
        monkeypatch.setenv(f"AIRFLOW_CONN_{connection.conn_id.upper()}", fields)
    forget_connections()
    return sandbox


def requests(sandbox: SandboxServer) -> dict[str, Any]:
    return {one.mount: sandbox.control.requests(one.mount) for one in ready_connections()}


def test_every_task_has_some() -> None:
    for kind in tasks():
        assert durations(kind) & {"settle", "timeout"}, kind


@pytest.mark.parametrize(("kind", "name"), PARAMETERS, ids=named)
def test_every_form_is_taken(kind: type[Any], name: str) -> None:
    for value in FORMS:
        task = make(kind, **{name: value})
        task.check_ahead()
        assert seconds_of(getattr(task, name), name) == 60


@pytest.mark.parametrize(("kind", "name"), PARAMETERS, ids=named)
def test_a_wrong_one_is_refused_before_anything_is_sent(
    vendors: SandboxServer, kind: type[Any], name: str
) -> None:
    more: Mapping[str, Any] = {"wait_for_completion": True} if "poke_interval" in kind.durations else {}
    more = {} if issubclass(kind, BaseSensorOperator) else more
    given = {field: "1" for field in kind.template_fields if not field.endswith("_conn_id")}
    for value in WRONG:
        runner = Runner(lambda value=value: make(kind, **{**given, **more, name: value}))  # type: ignore[misc]
        with pytest.raises(InvalidInput, match=f"^{name} must be a number of seconds or a timedelta, got "):
            runner.run()
        assert not runner.store or not runner.store.values
    assert not any(requests(vendors).values())
