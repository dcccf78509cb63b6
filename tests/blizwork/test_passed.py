"""An activity that somebody runs between two looks: a failure, or a success that tells who did what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.conditions import ActivityPending
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.sensors import BlizWorkActivitySensor
from airflow_provider_workflows.core.waiting.condition import MOST_STEPS, Condition, Done
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from tests.blizwork.cases import opened, ran
from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.driving import API, ask, done
from tests.blizwork.test_case import OPENED, entry
from tests.blizwork.test_sensors import PLACES, activity
from tests.core.harness import Clock, Runner

SUPERVISOR = "ana@example.com"


@pytest.fixture(params=PLACES)
def place(request: pytest.FixtureRequest) -> dict[str, Any]:
    return PLACES[request.param]


def waiting(clock: Clock, case: int, workflow: str = "credit", **how: Any) -> Runner:
    return activity(clock, case, workflow, **{"form_id": "review", "on_passed": "succeed", **how})


def decide(server: BlizWorkServer, case: int, to: str = "approved") -> None:
    """Let the case come to its review, and a person decide at once."""
    ran("credit", case, "application", "scoring")
    server.control.advance(3)
    server.control.command("blizwork", "run", workflow="credit", case=str(case), form="review", to=to)


def look(*history: Any, form_id: str = "review", **how: Any) -> Any:
    condition = ActivityPending(workflow_id="w", case_number=1, form_id=form_id, on_passed="succeed", **how)
    _, found = ask(condition.check(API), done(payload={"history": list(history), "caseNumber": 1}))
    return found


def test_a_person_runs_it_between_two_looks(
    blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
) -> None:
    case = opened("credit")
    clock.after(30, lambda: decide(blizwork, case))
    begun = clock.time()
    found = waiting(clock, case, **place).run()
    assert clock.time() >= begun + 30
    (step,) = found["steps"]
    assert found == {
        "passed": True,
        "form_id": "review",
        "next_form_id": None,
        "by": step["by"],
        "steps": [{"form_id": "review", "next_form_id": None, "by": step["by"], "at": step["at"]}],
    }
    assert step["by"]
    assert step["at"] >= "2026-"


def test_without_it_that_is_a_failure_as_before(
    blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
) -> None:
    case = opened("credit")
    clock.after(30, lambda: decide(blizwork, case))
    with pytest.raises(RunFailed, match="is closed, and 'review' was run"):
        waiting(clock, case, on_passed="fail", **place).run()


def test_the_action_that_a_person_chose(blizwork: BlizWorkServer, clock: Clock) -> None:
    case = opened("credit")
    decide(blizwork, case, "application")
    found = waiting(clock, case).run()
    assert (found["passed"], found["next_form_id"]) == (True, "application")


def test_one_that_is_pending_is_told_from_one_that_was_run(
    blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
) -> None:
    case = opened("credit")
    clock.after(30, lambda: ran("credit", case, "application", "scoring"))
    assert waiting(clock, case, **place).run() == {
        "passed": False,
        "form_id": "review",
        "next_form_id": None,
        "by": None,
        "steps": [],
    }


def test_what_the_platform_ran_at_its_deadline(
    blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
) -> None:
    case = opened("hasty")
    blizwork.control.advance(31)
    found = waiting(clock, case, "hasty", form_id="request", **place).run()
    assert (found["passed"], found["by"], found["next_form_id"]) == (True, "platform", "late")


def test_a_case_that_closed_without_it_fails(
    blizwork: BlizWorkServer, clock: Clock, place: dict[str, Any]
) -> None:
    case = opened("credit")
    clock.after(30, lambda: ran("credit", case, "application", "withdrawn"))
    with pytest.raises(RunFailed, match=r"credit/1 is closed$|credit/1 is closed \["):
        waiting(clock, case, **place).run()


def test_only_what_came_after_the_last_run_counts(blizwork: BlizWorkServer, clock: Clock) -> None:
    case = opened("loop")
    before = len(BlizWorkHook().load_case("loop", case).history)
    ran("loop", case, "request", "check")
    ran("loop", case, "check", "request")
    ran("loop", case, "request", "check")
    found = waiting(clock, case, "loop", form_id="request", after_history=before).run()
    assert (found["passed"], len(found["steps"])) == (True, 1)
    later = waiting(clock, case, "loop", form_id="request", after_history=before + 2)
    clock.after(30, lambda: ran("loop", case, "check", "done"))
    with pytest.raises(RunFailed, match="is closed"):
        later.run()


def test_the_opening_of_a_case_is_no_run_of_its_first_activity() -> None:
    mark = {"closed_where": {"caseNumber": 1}}
    failed = look(OPENED, form_id="application", **mark)
    assert isinstance(failed, RunFailed)
    assert "was run" not in str(failed)
    found = look(OPENED, entry("application", "review"), form_id="application", **mark)
    assert isinstance(found, Done)
    assert found.result["passed"]


@pytest.mark.parametrize(
    ("by", "told"),
    [
        (SUPERVISOR.upper(), SUPERVISOR.upper()),
        ({"email": SUPERVISOR}, SUPERVISOR),
        ("64b5f0c2a1d3", "64b5f0c2a1d3"),
        ({"name": "Ana"}, None),
        (None, None),
        (["x"], None),
    ],
    ids=str,
)
def test_who_ran_it_is_told_as_blizwork_tells_it(by: Any, told: str | None) -> None:
    found = look(entry("review", "archive", by), entry("archive", None)).result
    assert (found["by"], found["next_form_id"], len(found["steps"])) == (told, "archive", 2)


def test_the_history_is_bounded() -> None:
    later = [entry("x" * 9999, "y", "z" * 9999) for _ in range(500)]
    found = look(entry("review", "x"), *later).result
    assert len(found["steps"]) == MOST_STEPS
    assert len(json.dumps(found)) < 200_000


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on_passed": "skip"}, "on_passed must be 'fail' or 'succeed', got 'skip'"),
        ({"form_id": None}, "on_passed='succeed' requires form_id"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    blizwork: BlizWorkServer, clock: Clock, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        waiting(clock, 1, **wrong).run()
    assert blizwork.effects()["requests"] == {}


def test_each_key_is_an_xcom() -> None:
    task = BlizWorkActivitySensor(task_id="at", workflow_id="w", case_number=1, on_passed="succeed")
    assert task.multiple_outputs


def test_it_survives_the_triggers_row() -> None:
    condition = ActivityPending(workflow_id="w", case_number=1, form_id="f", on_passed="succeed")
    again = Condition.from_json(json.loads(json.dumps(condition.to_json())))
    assert isinstance(again, ActivityPending)
    assert again.on_passed == "succeed"
    older = condition.to_json()
    older["values"].pop("on_passed")  # type: ignore[attr-defined]
    assert Condition.from_json(older) == ActivityPending(workflow_id="w", case_number=1, form_id="f")
