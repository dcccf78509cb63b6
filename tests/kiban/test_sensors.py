"""Kiban's sensors against the sandbox, in all three modes with the same result."""

from __future__ import annotations

import logging
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, LostTrack, NotFound, RunFailed
from airflow_provider_workflows.kiban.sensors import KibanStepSensor, KibanWorkflooSensor
from tests.core.airflow_names import AirflowSensorTimeout, AirflowSkipException
from tests.core.harness import Clock, Runner
from tests.kiban.server import EXPIRING, FAILING, FORM, LOAN, NOBODY, REVIEW, KibanServer

MODES: dict[str, dict[str, Any]] = {
    "poke": {"deferrable": False},
    "reschedule": {"deferrable": False, "mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}
IN_ALL_MODES = pytest.mark.parametrize("mode", MODES)


def end_of(clock: Clock, execution_id: str, mode: str = "poke", **how: Any) -> Runner:
    how = {"timeout": 300, "poke_interval": 20, **MODES[mode], **how}
    return Runner(lambda: KibanWorkflooSensor(task_id="end", execution_id=execution_id, **how), clock=clock)


def step_of(clock: Clock, execution_id: str, mode: str = "poke", **how: Any) -> Runner:
    how = {"timeout": 300, "poke_interval": 20, **MODES[mode], **how}
    return Runner(lambda: KibanStepSensor(task_id="step", execution_id=execution_id, **how), clock=clock)


@IN_ALL_MODES
def test_end(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start()
    clock.after(30, lambda: kiban.answer(execution_id, settle=0, values=FORM))
    runner = end_of(clock, execution_id, mode, result_fields=["nodes.Decision.variables.score.value"])
    assert runner.run() == {
        "id": execution_id,
        "status": "SUCCESS",
        "labels": ["low risk", "accepted"],
        "fields": {"nodes.Decision.variables.score.value": 712},
    }
    assert runner.ti.xcoms == {"remote": {"vendor": "Kiban Workfloo", "id": execution_id}}
    assert (len(runner.triggers) > 0) is (mode == "deferrable")
    assert (len(runner.reschedules) > 0) is (mode == "reschedule")


@IN_ALL_MODES
def test_step(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start(REVIEW)
    clock.after(30, lambda: kiban.answer(execution_id, settle=0))
    found = step_of(clock, execution_id, mode, node="Back office", state="REVIEW").run()
    assert {name: found[name] for name in ("id", "node_name", "node_type", "phase", "state")} == {
        "id": execution_id,
        "node_name": "Back office",
        "node_type": "VALIDATION",
        "phase": "",
        "state": "REVIEW",
    }


@IN_ALL_MODES
@pytest.mark.parametrize(
    ("workfloo", "action", "says"),
    [
        (FAILING, "answer", "ended with ERROR"),
        (LOAN, "cancel", "was cancelled by a person at"),
        (EXPIRING, None, "expired"),
    ],
)
def test_bad_ends(
    kiban: KibanServer, clock: Clock, mode: str, workfloo: str, action: str | None, says: str
) -> None:
    execution_id = kiban.start(workfloo)
    if action:
        clock.after(30, lambda: kiban.command(action, execution_id=execution_id))
    with pytest.raises(RunFailed, match=says):
        end_of(clock, execution_id, mode).run()


@IN_ALL_MODES
def test_a_step_that_will_not_come(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start()
    clock.after(30, lambda: kiban.answer(execution_id, settle=0, values=FORM))
    with pytest.raises(RunFailed, match=r"ended with SUCCESS, so it will not reach step DOCUMENT \["):
        step_of(clock, execution_id, mode, node_type="DOCUMENT").run()


@IN_ALL_MODES
@pytest.mark.parametrize(
    "words", [{"status": "PAUSED"}, {"node_type": "SIGNATURE"}], ids=["status", "node type"]
)
def test_unknown_words_are_waited_on_with_a_warning_until_the_timeout(
    kiban: KibanServer, clock: Clock, caplog: pytest.LogCaptureFixture, mode: str, words: dict[str, str]
) -> None:
    execution_id = kiban.start()
    kiban.command("pretend", execution_id=execution_id, **words)
    with caplog.at_level(logging.INFO), pytest.raises(AirflowSensorTimeout, match="does not know"):
        end_of(clock, execution_id, mode).run()
    warned = [one for one in caplog.records if "which this package does not know" in one.message]
    assert {one.levelname for one in warned} == {"WARNING"}


@IN_ALL_MODES
def test_unknown_words_do_not_hide_the_end(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start()
    kiban.command("pretend", execution_id=execution_id, status="PAUSED")
    clock.after(20, lambda: kiban.command("pretend", execution_id=execution_id, status="SUCCESS"))
    assert end_of(clock, execution_id, mode).run()["status"] == "SUCCESS"


def test_an_execution_that_kiban_does_not_know(kiban: KibanServer, clock: Clock) -> None:
    with pytest.raises(NotFound):
        end_of(clock, NOBODY).run()


@IN_ALL_MODES
def test_silence_for_too_long(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start()
    kiban.fault("status", "throttled", times=99, retry_after=40)
    with pytest.raises(LostTrack):
        end_of(clock, execution_id, mode, tolerance=100).run()


def test_soft_fail_skips_on_the_timeout_alone(kiban: KibanServer, clock: Clock) -> None:
    execution_id = kiban.start()
    with pytest.raises(AirflowSkipException):
        end_of(clock, execution_id, soft_fail=True).run()
    kiban.command("cancel", execution_id=execution_id)
    with pytest.raises(RunFailed):
        end_of(clock, execution_id, soft_fail=True).run()


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"node": ""},
        {"node_type": "None"},
        {"node": "x", "state": ""},
        {"node": "x", "execution_id": ""},
        {"node": "x", "execution_id": "None"},
    ],
    ids=str,
)
def test_wrong_step(kiban: KibanServer, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Runner(lambda: KibanStepSensor(task_id="step", **{"execution_id": "e1", **wrong})).run()
    assert kiban.effects()["requests"] == {}


@pytest.mark.parametrize(
    "wrong",
    [{"execution_id": None}, {"result_fields": "nodes.x"}, {"result_fields": [1]}, {"result_fields": {}}],
    ids=str,
)
def test_wrong_end(kiban: KibanServer, wrong: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Runner(lambda: KibanWorkflooSensor(task_id="end", **{"execution_id": "e1", **wrong})).run()
    assert kiban.effects()["requests"] == {}


def test_result_fields_may_be_json_text(kiban: KibanServer, clock: Clock) -> None:
    execution_id = kiban.start()
    kiban.answer(execution_id, values=FORM)
    assert end_of(clock, execution_id, result_fields='["sceneryName"]').run()["fields"] == {"sceneryName": ""}


def test_all_inputs_are_templates() -> None:
    assert set(KibanWorkflooSensor.template_fields) == {"execution_id", "result_fields", "kiban_conn_id"}
    assert set(KibanStepSensor.template_fields) == {
        "execution_id",
        "node",
        "node_type",
        "phase",
        "state",
        "kiban_conn_id",
    }
