"""MyBPM's sensors against the sandbox, in poke, reschedule and deferrable."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from airflow.sdk import BaseSensorOperator

from airflow_provider_workflows.exceptions import AuthenticationFailed, InvalidInput, NotFound, RunFailed
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.mybpm.sensors import MyBPMFieldSensor, MyBPMStateSensor
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.harness import Clock, Runner, raised
from tests.mybpm.conftest import PASSWORD, MyBPMServer

CHECKED, YES = "statusChk@000002", "decisionYes~0001"
ANYWHERE = "aaaaBBBBcccc0001"
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}


def decided(server: MyBPMServer, boi_id: str) -> None:
    server.command("choose", bo_code="REQUEST", boi_id=boi_id, choice="Approve")


def removed(server: MyBPMServer, boi_id: str) -> None:
    server.command("set_state", bo_code="REQUEST", boi_id=boi_id, state="REMOVED")


def locked_out(server: MyBPMServer, boi_id: str) -> None:
    server.command("remove_user", email="airflow@example.com")
    server.command("expire_logins")


def nothing(server: MyBPMServer, boi_id: str) -> None:
    pass


@dataclass(frozen=True)
class Story:
    """An instance, what happens to it after a minute, and how the sensor on it ends."""

    sensor: type[MyBPMFieldSensor] | type[MyBPMStateSensor]
    waits_for: dict[str, Any]
    ending: Any
    event: Callable[[MyBPMServer, str], None] = nothing
    bo_code: str = "REQUEST"


STORIES = {
    "value": Story(
        MyBPMFieldSensor,
        {"field": "STATUS", "value": CHECKED},
        {"field": "STATUS", "apiValue": CHECKED, "displayValue": "checked", "type": "RADIO_BUTTON_GROUP"},
        bo_code="CUSTOMER",
    ),
    "any of several": Story(
        MyBPMFieldSensor, {"field": "DECISION", "values": ["x", YES]}, {"apiValue": YES}, decided
    ),
    "change": Story(MyBPMFieldSensor, {"field": "DECISION", "changed_from": ""}, {"apiValue": YES}, decided),
    "value, removed": Story(MyBPMFieldSensor, {"field": "DECISION", "value": YES}, RunFailed, removed),
    "value, no more": Story(
        MyBPMFieldSensor, {"field": "DECISION", "value": YES}, AirflowSensorTimeout, nothing
    ),
    "value, locked out": Story(
        MyBPMFieldSensor, {"field": "DECISION", "value": YES}, AuthenticationFailed, locked_out
    ),
    "state": Story(MyBPMStateSensor, {"states": ["ARCHIVED"]}, {"state": "ARCHIVED"}, decided),
    "state of several": Story(
        MyBPMStateSensor, {"states": ["REMOVED", "ARCHIVED"]}, {"state": "REMOVED"}, removed
    ),
    "state, removed": Story(MyBPMStateSensor, {"states": "ARCHIVED"}, RunFailed, removed),
    "state, no more": Story(MyBPMStateSensor, {"states": "ARCHIVED"}, AirflowSensorTimeout, nothing),
}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", STORIES)
def test_same_ending_in_every_mode(mybpm: MyBPMServer, clock: Clock, mode: str, name: str) -> None:
    story = STORIES[name]
    boi_id = _made(story.bo_code)
    clock.after(60, lambda: story.event(mybpm, boi_id))
    runner = waiting(
        story.sensor, clock, bo_code=story.bo_code, boi_id=boi_id, **story.waits_for, **MODES[mode]
    )
    if isinstance(story.ending, type):
        with raised(story.ending):
            runner.run()
    else:
        result = runner.run()
        assert result["boi_id"] == boi_id
        assert result.items() >= story.ending.items()
        assert json.loads(json.dumps(result)) == result
    assert runner.ti.xcoms["remote"] == {"vendor": "MyBPM", "id": f"{story.bo_code}/{boi_id}"}


def _made(bo_code: str) -> str:
    values = {"CUSTOMER": {"NAME": "Asel"}, "REQUEST": {"SUBJECT": "Desk"}}[bo_code]
    return MyBPMHook().upsert(bo_code, values).boi_id


def waiting(sensor: Any, clock: Clock, **how: Any) -> Runner:
    how = {"timeout": 300, "poke_interval": 20, "deferrable": False, **how}

    def make() -> BaseSensorOperator:
        made: BaseSensorOperator = sensor(task_id="wait", **how)
        return made

    return Runner(make, clock=clock)


def test_a_wait_survives_an_outage(mybpm: MyBPMServer, clock: Clock) -> None:
    boi_id = _made("CUSTOMER")
    fault = mybpm.fault("load", "throttled", times=6, retry_after=45)
    runner = waiting(
        MyBPMFieldSensor, clock, bo_code="CUSTOMER", boi_id=boi_id, field="STATUS", value=CHECKED
    )
    assert runner.run()["apiValue"] == CHECKED
    assert mybpm.control.hits(fault) == 6


def test_a_trigger_holds_ids_and_values_only(mybpm: MyBPMServer, clock: Clock) -> None:
    boi_id = _made("CUSTOMER")
    how = {"bo_code": "CUSTOMER", "boi_id": boi_id, "field": "STATUS", "value": CHECKED}
    runner = waiting(MyBPMFieldSensor, clock, **how, deferrable=True, prepoll=0)
    runner.run()
    (row,) = runner.triggers
    assert CHECKED in row
    for secret in (mybpm.url, PASSWORD, "airflow@example.com", "TOKEN"):
        assert secret not in row


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("how", [{"value": "900101"}, {"changed_from": ""}], ids=str)
def test_what_a_field_holds_meanwhile_is_kept_and_logged_nowhere(
    mybpm: MyBPMServer, clock: Clock, caplog: pytest.LogCaptureFixture, how: dict[str, str], mode: str
) -> None:
    caplog.set_level(logging.DEBUG)
    held = "870512400999"
    values = {"IIN": held, "NAME": ""} if "value" in how else {"IIN": "", "NAME": held}
    boi_id = MyBPMHook().upsert("CUSTOMER", values).boi_id
    wait = {"bo_code": "CUSTOMER", "boi_id": boi_id, "field": "IIN", **how, **MODES[mode]}
    runner = waiting(MyBPMFieldSensor, clock, **wait)
    with pytest.raises(Exception, match=r"last status: IIN (has another value|is empty)") as caught:
        runner.run()
    assert runner.store is not None
    logged = [record.getMessage() for record in caplog.records]
    told = [*runner.store.values.values(), *runner.triggers, json.dumps(runner.events), *logged]
    assert any("has another value" in text or "is empty" in text for text in told)
    assert held not in "".join((*told, str(caught.value), json.dumps(runner.ti.xcoms)))


@pytest.mark.parametrize(
    ("sensor", "how", "expected"),
    [
        (MyBPMFieldSensor, {"field": "A", "value": "1", "values": ["1"]}, "got value and values"),
        (MyBPMFieldSensor, {"field": "A"}, "got none"),
        (MyBPMFieldSensor, {"field": "", "value": "1"}, "field must be a non-empty code"),
        (MyBPMFieldSensor, {"field": "A", "values": []}, "values must be a list of at least one"),
        (MyBPMFieldSensor, {"field": "A", "values": "no JSON"}, "values is text but not JSON"),
        (MyBPMFieldSensor, {"field": "A", "values": [None]}, r"values\[0\]: None is not a text"),
        (MyBPMFieldSensor, {"field": "A", "value": "1", "boi_id": "None"}, "boi_id must be 16"),
        (
            MyBPMFieldSensor,
            {"field": "A", "value": "1", "bo_code": "None"},
            "bo_code must be a non-empty code",
        ),
        (
            MyBPMFieldSensor,
            {"field": "A", "value": "1", "failed_states": ["GONE"]},
            "failed_states may contain only",
        ),
        (
            MyBPMStateSensor,
            {"states": ["ACTUAL"]},
            "states may contain only ALL, REMOVED, ARCHIVED, DEV, got ACTUAL",
        ),
        (MyBPMStateSensor, {"states": []}, "states must not be empty"),
        (MyBPMStateSensor, {"states": "ARCHIVE"}, "got ARCHIVE"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_wrong_input_sends_nothing(mybpm: MyBPMServer, sensor: Any, how: Any, expected: str) -> None:
    how = {"task_id": "wait", "bo_code": "REQUEST", "boi_id": ANYWHERE, **how}
    with pytest.raises(InvalidInput, match=expected):
        Runner(lambda: sensor(**how)).run()
    assert mybpm.requests("load") == 0


def test_unknown_instance_fails_at_once(mybpm: MyBPMServer, clock: Clock) -> None:
    runner = waiting(MyBPMStateSensor, clock, bo_code="REQUEST", boi_id=ANYWHERE, states=["ALL"])
    with raised(NotFound):
        runner.run()
    assert mybpm.requests("load") == 1


def test_lists_that_a_template_has_turned_to_text(mybpm: MyBPMServer) -> None:
    boi_id = _made("REQUEST")
    how: Any = {"task_id": "wait", "bo_code": "REQUEST", "boi_id": boi_id}
    assert Runner(lambda: MyBPMStateSensor(states='["DEV", "ALL"]', **how)).run()["state"] == "ALL"
    sensor = Runner(lambda: MyBPMFieldSensor(field="SUBJECT", values='["Lamp", "Desk"]', **how))
    assert sensor.run()["apiValue"] == "Desk"


def test_every_input_is_a_template() -> None:
    own = {"bo_code", "boi_id", "failed_states", "mybpm_conn_id"}
    assert set(MyBPMFieldSensor.template_fields) == own | {"field", "value", "values", "changed_from"}
    assert set(MyBPMStateSensor.template_fields) == own | {"states"}
