"""BlizWork's sensors against the sandbox, in the three places where a wait can be spent."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.conditions import ActivityPending, CaseClosed
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.sensors import BlizWorkActivitySensor, BlizWorkCaseSensor
from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    LostTrack,
    NotFound,
    RunFailed,
)
from tests.blizwork.cases import closed, opened, pending, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.core.airflow_names import AirflowSensorTimeout
from tests.core.harness import Clock, Runner

PLACES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True, "prepoll": 0},
}


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> dict[str, Any]:
    """Each place in turn."""
    return PLACES[request.param]


def activity(clock: Clock, case: Any, workflow: str = "credit", **how: Any) -> Runner:
    how = {"workflow_id": workflow, "case_number": case, "timeout": 600, **PLACES["poke"], **how}
    return Runner(lambda: BlizWorkActivitySensor(task_id="wait", **how), clock=clock)


def ended(clock: Clock, case: Any, workflow: str = "credit", **how: Any) -> Runner:
    how = {"workflow_id": workflow, "case_number": case, "timeout": 600, **PLACES["poke"], **how}
    return Runner(lambda: BlizWorkCaseSensor(task_id="end", **how), clock=clock)


class TestActivity:
    def test_waits_for_what_the_platform_does(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        case = opened("credit")
        clock.after(30, lambda: ran("credit", case, "application", "scoring"))
        runner = activity(clock, str(case), form_id="review", **place)
        assert runner.run() == "review"
        assert pending("credit", case) == "review"
        assert runner.ti.xcoms == {"remote": {"vendor": "BlizWork", "id": f"credit/{case}"}}
        assert (bool(runner.reschedules), bool(runner.deferrals)) == (
            place.get("mode") == "reschedule",
            place["deferrable"],
        )

    def test_any_activity(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        assert activity(clock, opened("credit")).run() == "application"

    @pytest.mark.parametrize("after", [int, str])
    def test_the_next_time_around_a_loop(self, blizwork: BlizWorkServer, clock: Clock, after: Any) -> None:
        case = opened("loop")
        before = len(BlizWorkHook().load_case("loop", case).history)
        ran("loop", case, "request", "check")
        clock.after(30, lambda: ran("loop", case, "check", "request"))
        runner = activity(clock, case, "loop", form_id="request", after_history=after(before))
        begun = clock.time()
        assert runner.run() == "request"
        assert clock.time() >= begun + 29

    def test_before_the_run_is_written_down_nothing_is_pending_again(
        self, blizwork: BlizWorkServer, clock: Clock
    ) -> None:
        case = opened("loop")
        before = len(BlizWorkHook().load_case("loop", case).history)
        clock.after(30, lambda: ran("loop", case, "request", "request"))
        begun = clock.time()
        assert activity(clock, case, "loop", form_id="request", after_history=before).run() == "request"
        assert clock.time() >= begun + 29

    def test_passed(self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]) -> None:
        case = opened("hasty")
        blizwork.control.advance(31)
        runner = activity(clock, case, "hasty", form_id="request", **place)
        with pytest.raises(
            RunFailed, match=r"hasty/1 now waits for 'late', and 'request' was run.*after_history"
        ):
            runner.run()

    def test_closed_without_reaching_it(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        case = opened("credit")
        clock.after(30, lambda: ran("credit", case, "application", "withdrawn"))
        with pytest.raises(RunFailed, match=r"credit/1 is closed$|credit/1 is closed \["):
            activity(clock, case, form_id="review", **place).run()

    def test_times_out(self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]) -> None:
        runner = activity(clock, opened("credit"), form_id="review", timeout=100, **place)
        with pytest.raises(AirflowSensorTimeout, match="last status: 'application' is pending"):
            runner.run()


class TestClosed:
    def test_returns_the_fields_that_were_asked_for(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        case = opened("credit")
        hook = BlizWorkHook()
        hook.exec_activity("credit", case, "application", "scoring", {"applicant": "Ana", "age": 30})
        clock.after(30, lambda: hook.exec_activity("credit", case, "review", "approved", {"decision": "yes"}))
        runner = ended(clock, case, fields=["decision", "age", "contract"], **place)
        assert runner.run() == {
            "case_number": case,
            "last_form_id": "review",
            "fields": {"decision": "yes", "age": 30, "contract": None},
        }

    def test_nothing_of_the_case_comes_along_unasked(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        assert ended(clock, closed(), "one-step").run()["fields"] == {}

    def test_by_an_activity_that_is_an_end(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        """For a process whose history names an activity at its end: the inference is configurable."""
        case = opened("loop")
        clock.after(30, lambda: ran("loop", case, "request", "check"))
        assert ended(clock, case, "loop", end_forms=["check"]).run()["last_form_id"] == "request"

    def test_by_the_documents_own_keys(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        found = ended(clock, opened(), "one-step", closed_where={"processVersion": 1}).run()
        assert found["last_form_id"] is None

    def test_a_mark_that_never_comes(self, blizwork: BlizWorkServer, clock: Clock) -> None:
        runner = ended(clock, closed(), "one-step", closed_where={"status": "closed"}, timeout=100)
        with pytest.raises(AirflowSensorTimeout):
            runner.run()


class TestTrouble:
    def test_throttled_looks_go_on(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        case = opened("credit")
        blizwork.fault("case", "throttled", times=3, retry_after=40)
        begun = clock.time()
        assert activity(clock, case, form_id="application", **place).run() == "application"
        assert clock.time() > begun + 119

    def test_track_is_lost_after_the_tolerance(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        blizwork.fault("case", "throttled", times=999, retry_after=40)
        with pytest.raises(LostTrack, match="Lost track"):
            activity(clock, 1, tolerance=100, **place).run()

    def test_an_unknown_case_fails_at_once(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        with pytest.raises(NotFound, match="case number does not exist"):
            ended(clock, 99, **place).run()

    def test_a_bad_token_fails_at_once(
        self, blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
    ) -> None:
        blizwork.connect(password="expired")
        with pytest.raises(AuthenticationFailed):
            ended(clock, 1, **place).run()

    @pytest.mark.parametrize(
        "wrong",
        [
            {"workflow_id": "None"},
            {"case_number": "x"},
            {"form_id": 7},
            {"after_history": "last"},
            {"end_forms": "end"},
            {"closed_where": ["x"]},
        ],
        ids=str,
    )
    def test_wrong_input_is_named(self, blizwork: BlizWorkServer, wrong: dict[str, Any]) -> None:
        with pytest.raises(InvalidInput, match=next(iter(wrong))):
            Runner(
                lambda: BlizWorkActivitySensor(
                    task_id="wait", **{"workflow_id": "credit", "case_number": 1, **wrong}
                )
            ).run()
        assert blizwork.effects()["requests"] == {}


@pytest.mark.parametrize(
    "condition",
    [
        ActivityPending(workflow_id="credit", case_number=1, form_id="review", after_history=3),
        CaseClosed(workflow_id="credit", case_number=1, fields=["a"], closed_where={"status": "closed"}),
    ],
    ids=str,
)
def test_conditions_come_back_from_a_triggers_row(condition: Any) -> None:
    again = Condition.from_json(json.loads(json.dumps(condition.to_json())))
    assert (type(again), again.to_json()) == (type(condition), json.loads(json.dumps(condition.to_json())))
    assert condition.remote_id == "credit/1"


@pytest.mark.parametrize("sensor", [BlizWorkActivitySensor, BlizWorkCaseSensor])
def test_every_input_is_a_template_field(sensor: Any) -> None:
    inputs = {"workflow_id", "case_number", "end_forms", "closed_where", "blizwork_conn_id"}
    inputs |= (
        {"form_id", "after_history", "first_form_id"} if sensor is BlizWorkActivitySensor else {"fields"}
    )
    assert inputs == set(sensor.template_fields)
    assert set(sensor.template_fields_renderers) <= inputs
