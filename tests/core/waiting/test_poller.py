"""Waiting inside a task: what is logged, kept and sent along. Its endings are tested with the sensors."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.core.waiting.poller import KEY, hand_over_lag, result_of
from airflow_provider_workflows.core.waiting.schedule import Failed, Wait, WaitState, report
from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.airflow_names import AirflowSensorTimeout, TaskDeferred
from tests.core.harness import Clock, Runner
from tests.omflow.orders import open_order

CLOSED = OrderClosed(api_path="p", data_no=7)
STATE = WaitState.begin(now=0, timeout=10, cap=5, tolerance=None)


@pytest.mark.parametrize(("setting", "lag"), [(None, 10.0), ("5", 10.0), ("12.5", 17.5)])
def test_hand_over_lag(monkeypatch: pytest.MonkeyPatch, setting: str | None, lag: float) -> None:
    monkeypatch.delenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", raising=False)
    if setting is not None:
        monkeypatch.setenv("AIRFLOW__WORKERS__MIN_HEARTBEAT_INTERVAL", setting)
    assert hand_over_lag() == lag


def reported(caplog: pytest.LogCaptureFixture, outcome: Any, verdict: Any) -> list[str]:
    with caplog.at_level(logging.DEBUG):
        report(logging.getLogger("x"), CLOSED, outcome, before=STATE, verdict=verdict)
    return [record.levelname for record in caplog.records]


def moved(detail: str) -> Wait:
    return Wait(WaitState(**{**STATE.to_json(), "detail": detail}))


def test_a_change_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(caplog, Pending("running"), moved("running")) == ["INFO"]
    assert "Waiting for the end of OMFlow order p/7: running" in caplog.text


def test_a_change_that_was_not_foreseen_is_a_warning(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(caplog, Pending("in limbo", warning=True), moved("in limbo")) == ["WARNING"]


def test_no_change_is_not(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(caplog, Pending(""), moved("")) == []


def test_a_look_without_answer_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    assert reported(caplog, exceptions.ServiceUnavailable("away"), moved("")) == ["WARNING"]


@pytest.mark.parametrize("verdict", [Done(1), Failed(exceptions.RunFailed("no"))], ids=["done", "failed"])
def test_an_ending_is_told_by_the_task_itself(caplog: pytest.LogCaptureFixture, verdict: Any) -> None:
    assert reported(caplog, Pending(), verdict) == []


@pytest.mark.parametrize("kind", [exceptions.RunFailed, exceptions.LostTrack, exceptions.Throttled])
def test_an_error_keeps_its_class_and_facts_on_its_way_from_the_triggerer(kind: Any) -> None:
    error = kind("no", vendor="OMFlow", operation="wait", code=404, retry_after=3.0)
    event = json.loads(json.dumps({"status": "failed", "error": error.to_json()}))
    with pytest.raises(kind) as caught:
        result_of(event)
    assert caught.type is kind
    assert vars(caught.value) == vars(error)


def test_what_is_kept_says_nothing_of_where_the_vendor_is(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    runner = Runner(
        lambda: OMFlowOrderSensor(
            task_id="end", api_path="two-step", data_no=data_no, deferrable=True, prepoll=0, timeout=60
        ),
        clock=clock,
    )
    with pytest.raises(AirflowSensorTimeout):
        runner.run()
    assert runner.store is not None
    kept = [*runner.store.values.values(), *runner.triggers]
    assert KEY in runner.store.values
    assert runner.triggers
    assert not any("://" in text or "airflow" in text.replace("airflow_provider", "") for text in kept)


def test_everything_that_resuming_needs_is_in_the_event(omflow: OMFlowServer, clock: Clock) -> None:
    # Airflow's dag.test() drops whatever else is given along.
    data_no = open_order(omflow, "two-step")
    sensor = OMFlowOrderSensor(
        task_id="end", api_path="two-step", data_no=data_no, deferrable=True, prepoll=0
    )
    with pytest.raises(TaskDeferred) as caught:
        sensor.execute(Runner(lambda: sensor).context)
    assert not caught.value.kwargs
    assert caught.value.method_name == "execute_complete"
