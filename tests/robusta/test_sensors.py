"""The status sensor: the same end in poke, reschedule and deferrable."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import AuthenticationFailed, InvalidInput, LostTrack, RunFailed
from airflow_provider_workflows.robusta.hooks import RobustaHook
from airflow_provider_workflows.robusta.sensors import RobustaStatusSensor
from tests.core.airflow_names import AirflowSensorTimeout, AirflowSkipException
from tests.core.harness import Clock, Runner
from tests.robusta.conftest import RobustaServer

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"deferrable": False, **MODES[request.param]}


def start(name: str, **values: Any) -> str:
    return RobustaHook().start_process(name, worker="3", values=values).spid


def sensor(spid: Any, **how: Any) -> Callable[[], RobustaStatusSensor]:
    how = {"timeout": 300, "poke_interval": 20, **how}
    return lambda: RobustaStatusSensor(task_id="wait", spid=spid, **how)


def nothing_happens(server: RobustaServer, spid: str) -> None:
    pass


def is_stopped(server: RobustaServer, spid: str) -> None:
    server.control.command("robusta", "end", spid=spid)


def user_is_removed(server: RobustaServer, spid: str) -> None:
    server.control.command("robusta", "remove_user", name="airflow")


def goes_silent(server: RobustaServer, spid: str) -> None:
    server.fault("status", "throttled", times=1000, retry_after=45)


def is_forgotten(server: RobustaServer, spid: str) -> None:
    server.fault("status", "status", times=1000, status=404)


@dataclass(frozen=True)
class Story:
    """A process, what happens to it, and how the sensor ends."""

    process: str
    ending: Any
    event: Callable[[RobustaServer, str], None] = nothing_happens
    sensor: dict[str, Any] = field(default_factory=dict)


STORIES = {
    "outputs": Story("PausingBot", {"total": "12"}, sensor={"running_statuses": ["PAUSED"]}),
    "no outputs": Story("QuietBot", {}),
    "unknown word": Story("PausingBot", RunFailed),
    "unknown word waited on": Story("PausingBot", {"total": "12"}, sensor={"failed_statuses": ["ERROR"]}),
    "failed": Story("FailingBot", RunFailed, sensor={"failed_statuses": ["ERROR"]}),
    "failed soft": Story("FailingBot", RunFailed, sensor={"soft_fail": True}),
    "stopped by hand": Story("LongBot", RunFailed, is_stopped),
    "timeout": Story("LongBot", AirflowSensorTimeout),
    "timeout soft": Story("LongBot", AirflowSkipException, sensor={"soft_fail": True}),
    "locked out": Story("LongBot", AuthenticationFailed, user_is_removed),
    "forgotten": Story("LongBot", LostTrack, is_forgotten, sensor={"grace": 0, "tolerance": 100}),
    "silent": Story("LongBot", LostTrack, goes_silent, sensor={"tolerance": 100}),
}


@pytest.mark.parametrize("name", STORIES)
def test_same_ending_in_every_mode(
    robusta: RobustaServer, clock: Clock, mode: dict[str, Any], name: str
) -> None:
    story = STORIES[name]
    spid = start(story.process)
    clock.after(30, lambda: story.event(robusta, spid))
    runner = Runner(sensor(spid, **story.sensor, **mode), clock=clock)
    if isinstance(story.ending, type):
        with pytest.raises(story.ending) as caught:
            runner.run()
        assert caught.type is story.ending
    else:
        assert runner.run() == story.ending
    assert bool(runner.reschedules) == (mode.get("mode") == "reschedule")
    assert bool(runner.deferrals) == mode["deferrable"]
    assert runner.ti.xcoms["remote"] == {"vendor": "Robusta RPA", "id": spid}
    assert robusta.effects()["saved"] == 1


def test_the_first_look_may_be_enough(robusta: RobustaServer, clock: Clock, mode: dict[str, Any]) -> None:
    spid = start("CollectDocument", customer="7")
    robusta.control.advance(60)
    runner = Runner(sensor(spid, **mode), clock=clock)
    assert runner.run() == {"document": "https://files.example.com/7.pdf", "pages": 3}
    assert (runner.reschedules, runner.deferrals, clock.slept) == ([], [], [])


def test_poke_outside_of_a_wait(robusta: RobustaServer) -> None:
    spid = start("QuietBot")
    one = sensor(spid)()
    assert not one.poke({}).is_done
    robusta.control.advance(60)
    assert one.poke({}).xcom_value == {}


def test_the_triggers_row_holds_the_spid_and_no_secret(robusta: RobustaServer, clock: Clock) -> None:
    spid = start("QuietBot")
    runner = Runner(sensor(spid, deferrable=True, prepoll=0), clock=clock)
    runner.run()
    (row,) = runner.triggers
    assert spid in row
    assert "sesame" not in row
    assert "http" not in row


@pytest.mark.parametrize(
    "wrong",
    [
        {"spid": "None"},
        {"spid": ""},
        {"spid": None},
        {"spid": {"spid": "x"}},
        {"running_statuses": "PAUSED"},
        {"failed_statuses": ["RUNNING"]},
    ],
    ids=str,
)
def test_wrong_input_fails_at_once_and_asks_nobody(
    robusta: RobustaServer, mode: dict[str, Any], wrong: dict[str, Any]
) -> None:
    how = {"spid": "8f14e45f", **wrong, **mode}
    with pytest.raises(InvalidInput, match=next(iter(wrong))):
        Runner(sensor(how.pop("spid"), **how)).run()
    assert robusta.effects()["requests"] == {}


def test_templates_reach_every_field() -> None:
    fields = RobustaStatusSensor.template_fields
    assert set(fields) == {"spid", "running_statuses", "failed_statuses", "robusta_conn_id"}
