"""The sensor base: the same end in poke, reschedule and deferrable, whatever happens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from airflow.sdk import BaseSensorOperator

from airflow_provider_workflows.core.waiting.poller import hand_over_lag
from airflow_provider_workflows.exceptions import AuthenticationFailed, InvalidInput, LostTrack, RunFailed
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor, OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.airflow_names import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    TaskDeferralError,
    TaskDeferred,
)
from tests.core.harness import Clock, Runner
from tests.omflow.orders import open_order, push_all

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}
TIMEOUT = 300


@pytest.fixture(params=MODES)
def mode(request: pytest.FixtureRequest) -> dict[str, Any]:
    return {"deferrable": False, **MODES[request.param]}


def closed_sensor(process: str, data_no: Any, **how: Any) -> Callable[[], OMFlowOrderSensor]:
    how = {"timeout": TIMEOUT, "poke_interval": 20, **how}
    return lambda: OMFlowOrderSensor(task_id="wait", api_path=process, data_no=data_no, **how)


def stop_sensor(process: str, data_no: Any, **how: Any) -> Callable[[], OMFlowDataIdSensor]:
    how = {"timeout": TIMEOUT, "poke_interval": 20, **how}
    return lambda: OMFlowDataIdSensor(task_id="wait", api_path=process, data_no=data_no, **how)


# What happens in the world while the sensor waits.


def closes(server: OMFlowServer, data_no: Any) -> None:
    push_all(server, "two-step", data_no, times=2)


def is_passed(server: OMFlowServer, data_no: Any) -> None:
    server.control.advance(60)
    push_all(server, "sleepy", data_no)


def fails(server: OMFlowServer, data_no: Any) -> None:
    # The value comes with the order; no case of the switch has it.
    push_all(server, "decision", data_no)


def goes_silent(server: OMFlowServer, data_no: Any) -> None:
    server.fault("any", "throttled", times=1000, retry_after=45)


def is_silent_for_a_while(server: OMFlowServer, data_no: Any) -> None:
    closes(server, data_no)
    server.fault("list", "throttled", times=4, retry_after=45)


def locks_us_out(server: OMFlowServer, data_no: Any) -> None:
    server.control.remove_user(server.name, "airflow")
    server.control.restart(server.name)


def nothing_happens(server: OMFlowServer, data_no: Any) -> None:
    pass


@dataclass(frozen=True)
class Story:
    """
    An order that cannot be done at the first look, what happens to it, and how the sensor ends.

    :param without_memory: how it ends when rescheduled before Airflow 3.3, where no process knows when the
        one before it heard of the vendor last: silence is then borne until the timeout
    """

    process: str
    event: Callable[[OMFlowServer, Any], None]
    ending: Any
    stop: str | None = None
    sensor: dict[str, Any] = field(default_factory=dict)
    settle: float = 5
    without_memory: Any = None


FOUND: Any = {"closing_stop": "End", "closing_stops": ["End"], "fields": {}}
SOFT, NEVER, SILENT = {"soft_fail": True}, {"never_fail": True}, {"silent_fail": True}
STORIES = {
    "success": Story("two-step", closes, FOUND),
    "success soft": Story("two-step", closes, FOUND, sensor=SOFT),
    "stop reached": Story("sleepy", nothing_happens, int, stop="Approve", settle=0),
    "order fails": Story("decision", fails, RunFailed),
    "order fails soft": Story("decision", fails, RunFailed, sensor=SOFT),
    "order fails never": Story("decision", fails, AirflowSkipException, sensor=NEVER),
    "stop passed": Story("sleepy", is_passed, RunFailed, stop="Approve", settle=0),
    "stop passed soft": Story("sleepy", is_passed, RunFailed, stop="Approve", settle=0, sensor=SOFT),
    "stop not reached": Story("two-step", closes, RunFailed, stop="Nowhere"),
    "timeout": Story("two-step", nothing_happens, AirflowSensorTimeout),
    "timeout soft": Story("two-step", nothing_happens, AirflowSkipException, sensor=SOFT),
    "timeout never": Story("two-step", nothing_happens, AirflowSkipException, sensor=NEVER),
    "lost track": Story("two-step", goes_silent, LostTrack, without_memory=AirflowSensorTimeout),
    "lost track soft": Story(
        "two-step", goes_silent, LostTrack, sensor=SOFT, without_memory=AirflowSkipException
    ),
    "lost track never": Story("two-step", goes_silent, AirflowSkipException, sensor=NEVER),
    "lost track silent": Story("two-step", goes_silent, AirflowSensorTimeout, sensor=SILENT),
    "long outage": Story("two-step", is_silent_for_a_while, LostTrack, without_memory=FOUND),
    "long outage silent": Story("two-step", is_silent_for_a_while, FOUND, sensor=SILENT),
    "locked out": Story("two-step", locks_us_out, AuthenticationFailed),
    "locked out soft": Story("two-step", locks_us_out, AuthenticationFailed, sensor=SOFT),
    "locked out never": Story("two-step", locks_us_out, AirflowSkipException, sensor=NEVER),
}


@pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
@pytest.mark.parametrize("name", STORIES)
def test_same_ending_in_every_mode(
    omflow: OMFlowServer, clock: Clock, mode: dict[str, Any], name: str, store: bool
) -> None:
    story = STORIES[name]
    form = {"FORMITM_1": "a title"} | ({"FORMITM_2": "maybe"} if story.process == "decision" else {})
    data_no = open_order(omflow, story.process, form, settle=story.settle)
    clock.after(2, lambda: story.event(omflow, data_no))
    how = {"tolerance": 100, **story.sensor, **mode}
    make: Callable[[], BaseSensorOperator] = closed_sensor(story.process, data_no, **how)
    if story.stop:
        make = stop_sensor(story.process, data_no, stop_chart_text=story.stop, **how)
    runner, begun = Runner(make, clock=clock, store=store), clock.time()
    ending = story.ending
    if not store and mode.get("mode") == "reschedule":
        ending = story.without_memory or ending

    if isinstance(ending, type) and issubclass(ending, Exception):
        with pytest.raises(ending) as caught:
            runner.run()
        assert caught.type is ending
    elif ending is int:
        assert isinstance(runner.run(), int)
    else:
        assert runner.run() == {"data_no": data_no, **ending}

    assert bool(runner.reschedules) == (mode.get("mode") == "reschedule")
    assert bool(runner.deferrals) == mode["deferrable"]
    assert clock.time() - begun <= TIMEOUT + hand_over_lag() + 1
    assert runner.ti.xcoms["remote"] == {"vendor": "OMFlow", "id": f"{story.process}/{data_no}"}


def test_the_first_look_may_be_enough_in_every_mode(
    omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
) -> None:
    runner = Runner(stop_sensor("two-step", open_order(omflow, "two-step"), **mode), clock=clock)
    assert isinstance(runner.run(), int)
    assert (runner.reschedules, runner.deferrals, clock.slept) == ([], [], [])


def test_no_deferral_for_what_comes_within_prepoll(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "sleepy", settle=0)
    runner = Runner(stop_sensor("sleepy", data_no, deferrable=True, prepoll=10), clock=clock)
    assert isinstance(runner.run(), int)
    assert runner.deferrals == []
    assert 0 < sum(clock.slept) <= 10


def test_deferral_after_prepoll(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    clock.after(30, lambda: closes(omflow, data_no))
    runner = Runner(closed_sensor("two-step", data_no, deferrable=True, prepoll=10), clock=clock)
    begun = clock.time()
    runner.run()
    assert len(runner.deferrals) == 1
    assert clock.time() - begun >= 20


def test_airflows_own_timeout_of_a_deferral_is_only_a_backstop(omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(omflow, "two-step")
    runner = Runner(closed_sensor("two-step", data_no, deferrable=True, prepoll=0), clock=clock)
    with pytest.raises(AirflowSensorTimeout):
        runner.run()
    timeout = runner.deferrals[0].timeout
    assert isinstance(timeout, timedelta)
    assert timeout.total_seconds() > TIMEOUT + 2 * hand_over_lag()


class TestTriggererGone:
    """Airflow ends a deferral that no triggerer has ended; the task then resumes without an event."""

    def resume(self, runner: Runner, task: BaseSensorOperator) -> Any:
        return task.resume_execution("__fail__", {"error": "Trigger timeout"}, runner.context)

    def deferred(self, omflow: OMFlowServer, clock: Clock, **how: Any) -> tuple[Runner, Any, Any]:
        """Let a sensor defer, and the triggerer be gone until long after the deadline."""

        data_no = open_order(omflow, "two-step")
        store = how.pop("store", True)
        make = closed_sensor("two-step", data_no, deferrable=True, prepoll=0, **how)
        runner = Runner(make, clock=clock, store=store)
        with pytest.raises(TaskDeferred):
            make().execute(runner.context)
        clock.sleep(TIMEOUT + 1000)
        return runner, make(), data_no

    def test_the_vendor_is_asked_a_last_time(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner, task, data_no = self.deferred(omflow, clock)
        closes(omflow, data_no)
        assert self.resume(runner, task)["closing_stop"] == "End"

    @pytest.mark.parametrize("store", [True, False], ids=["3.3", "3.1"])
    @pytest.mark.parametrize(("how", "ending"), [({}, AirflowSensorTimeout), (SOFT, AirflowSkipException)])
    def test_otherwise_it_is_the_timeout(
        self, omflow: OMFlowServer, clock: Clock, how: Any, ending: Any, store: bool
    ) -> None:
        runner, task, _ = self.deferred(omflow, clock, store=store, **how)
        slept = len(clock.slept)
        with pytest.raises(ending) as caught:
            self.resume(runner, task)
        assert caught.type is ending
        assert len(clock.slept) == slept, "one look, no more waiting"

    def test_a_trigger_that_broke_is_no_timeout(self, omflow: OMFlowServer, clock: Clock) -> None:
        runner, task, _ = self.deferred(omflow, clock, soft_fail=True)
        with pytest.raises(TaskDeferralError):
            task.resume_execution("__fail__", {"error": "Trigger failure"}, runner.context)


class TestDeadline:
    """Where the timeout counts from."""

    def runner(self, omflow: OMFlowServer, clock: Clock, mode: Any, *, store: bool = True) -> Runner:
        data_no = open_order(omflow, "two-step")
        self.timeout = TIMEOUT
        return Runner(
            lambda: closed_sensor("two-step", data_no, timeout=self.timeout, tolerance=50, **mode)(),
            clock=clock,
            store=store,
        )

    def first_attempt(self, omflow: OMFlowServer, clock: Clock, runner: Runner) -> float:
        """Let the first attempt fail after a while; return how long that took."""
        begun = clock.time()
        clock.after(60, lambda: locks_us_out(omflow, None))
        with pytest.raises(AuthenticationFailed):
            runner.run()
        omflow.control.add_user(omflow.name, "airflow", "sesame", rights=["view"])
        assert 60 <= clock.time() - begun <= 80
        return clock.time() - begun

    def time_out(self, clock: Clock, again: Callable[[], Any]) -> float:
        begun = clock.time()
        with pytest.raises(AirflowSensorTimeout):
            again()
        return clock.time() - begun

    def test_from_the_first_look_of_all_attempts(
        self, omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
    ) -> None:
        runner = self.runner(omflow, clock, mode)
        spent = self.first_attempt(omflow, clock, runner)
        left = self.time_out(clock, runner.retry)
        assert TIMEOUT - 1 <= spent + left <= TIMEOUT + hand_over_lag()
        # The time is up for every further attempt too: one look each.
        assert self.time_out(clock, runner.retry) == 0

    def test_a_timeout_that_was_changed_meanwhile_counts(
        self, omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
    ) -> None:
        runner = self.runner(omflow, clock, mode)
        spent = self.first_attempt(omflow, clock, runner)
        self.timeout = 2 * TIMEOUT
        left = self.time_out(clock, runner.retry)
        assert 2 * TIMEOUT - 1 <= spent + left <= 2 * TIMEOUT + hand_over_lag()

    def test_a_clear_begins_anew(self, omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]) -> None:
        runner = self.runner(omflow, clock, mode)
        self.first_attempt(omflow, clock, runner)
        assert TIMEOUT - 1 <= self.time_out(clock, runner.clear) <= TIMEOUT + hand_over_lag()

    def test_before_airflow_3_3_from_the_first_look_of_the_attempt(
        self, omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
    ) -> None:
        runner = self.runner(omflow, clock, mode, store=False)
        self.first_attempt(omflow, clock, runner)
        assert TIMEOUT - 1 <= self.time_out(clock, runner.retry) <= TIMEOUT + hand_over_lag()


def test_an_attempt_that_begins_after_a_long_pause_has_its_tolerance(
    omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
) -> None:
    data_no = open_order(omflow, "two-step")
    runner = Runner(closed_sensor("two-step", data_no, timeout=5000, tolerance=50, **mode), clock=clock)
    TestDeadline().first_attempt(omflow, clock, runner)
    clock.sleep(1000)
    closes(omflow, data_no)
    omflow.fault("list", "throttled", times=1, retry_after=45)
    assert runner.retry()["closing_stop"] == "End"


def test_one_failed_look_after_a_long_pause_loses_no_track(
    omflow: OMFlowServer, clock: Clock, mode: dict[str, Any]
) -> None:
    """The pool was full, or the scheduler away: nobody has listened, which is no silence of the vendor's."""
    data_no = open_order(omflow, "two-step")

    def pause() -> None:
        clock.sleep(1000)
        closes(omflow, data_no)
        omflow.fault("list", "throttled", times=1, retry_after=45)

    clock.after(20, pause)
    runner = Runner(closed_sensor("two-step", data_no, timeout=5000, tolerance=50, **mode), clock=clock)
    assert runner.run()["closing_stop"] == "End"


def test_when_killed_it_says_what_goes_on_and_where(
    omflow: OMFlowServer, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    omflow.connect(extra={"ui_url": "https://flow.example.com/orders/{api_path}/{data_no}"})
    data_no = open_order(omflow, "two-step")
    sensor = closed_sensor("two-step", data_no, deferrable=True, prepoll=0)()
    with pytest.raises(TaskDeferred):
        sensor.execute(Runner(lambda: sensor, clock=clock).context)
    before = omflow.effects()
    sensor.on_kill()
    said = capsys.readouterr().out
    assert (
        f"two-step/{data_no} continues at OMFlow: Airflow cannot cancel it there, and sends nothing. "
        f"See https://flow.example.com/orders/two-step/{data_no}" in said
    )
    assert omflow.effects() == before


def test_a_poke_interval_that_airflow_cannot_stand_is_raised_with_a_word(
    omflow: OMFlowServer, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    data_no = open_order(omflow, "two-step")
    make = closed_sensor("two-step", data_no, mode="reschedule", poke_interval=2, timeout=25)
    runner = Runner(make, clock=clock)
    with pytest.raises(AirflowSensorTimeout):
        runner.run()
    assert len(runner.reschedules) <= 3
    assert "poke_interval was raised from 2 s to 10 s" in caplog.text


@pytest.mark.parametrize("mode_name", MODES)
def test_max_wait_lowers_the_cap(omflow: OMFlowServer, clock: Clock, mode_name: str) -> None:
    data_no = open_order(omflow, "two-step")
    how = {"max_wait": timedelta(seconds=15), "poke_interval": 60, "timeout": 900, **MODES[mode_name]}
    with pytest.raises(AirflowSensorTimeout):
        Runner(closed_sensor("two-step", data_no, **how), clock=clock).run()
    assert 14 <= max(clock.slept) <= 15 * 1.1


@pytest.mark.parametrize("data_no", ["None", "", "two words", None, 1.5, True])
def test_wrong_input_fails_at_once_and_asks_nobody(
    omflow: OMFlowServer, clock: Clock, mode: dict[str, Any], data_no: Any
) -> None:
    with pytest.raises(InvalidInput, match="data_no") as caught:
        Runner(closed_sensor("two-step", data_no, soft_fail=True, **mode), clock=clock).run()
    assert isinstance(caught.value, AirflowFailException)
    assert omflow.effects()["requests"] == {}


@pytest.mark.parametrize(("soft_fail", "lines"), [(False, 1), (True, 0)])
def test_the_log_says_in_short_lines_what_to_do_unless_the_task_is_skipped(
    omflow: OMFlowServer, clock: Clock, capsys: pytest.CaptureFixture[str], soft_fail: bool, lines: int
) -> None:
    data_no = open_order(omflow, "two-step")
    with pytest.raises((AirflowSensorTimeout, AirflowSkipException)):
        Runner(closed_sensor("two-step", data_no, deferrable=False, soft_fail=soft_fail), clock=clock).run()
    advice = "What the task waited for may still happen at the vendor"
    logged = [line for line in capsys.readouterr().out.splitlines() if advice in line]
    assert len(logged) == lines
