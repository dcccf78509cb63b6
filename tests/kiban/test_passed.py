"""A step that somebody passes between two looks: waited for, or a success that tells who did what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.core.waiting.condition import MOST_STEPS, Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.kiban.conditions import StepPending
from tests.core.harness import Clock, Runner
from tests.kiban.server import ONBOARDING, ONBOARDING_SCENARIO, REVIEW, TWO_FORMS, KibanServer
from tests.kiban.test_conditions import PERSONAL, look, status
from tests.kiban.test_sensors import IN_ALL_MODES, step_of

REVIEWED = {"decision": "APPROVED", "reviewedBy": "eva@example.com", "reviewedAt": "2026-10-01T10:00:00Z"}


def waiting(clock: Clock, execution_id: str, mode: str = "poke", **how: Any) -> Runner:
    how = {"node": "Back office", "on_passed": "succeed", **how}
    return step_of(clock, execution_id, mode, **how)


def node(name: str, kind: str = "FORM", **more: Any) -> dict[str, Any]:
    return {"id": f"id of {name}", "name": name, "type": kind, "modified": "2026-10-01T09:00:00Z", **more}


def at(name: str = "Back office", **how: Any) -> StepPending:
    return StepPending(execution_id="e1", node=name, on_passed="succeed", **how)


@IN_ALL_MODES
def test_a_person_passes_the_step_between_two_looks(kiban: KibanServer, clock: Clock, mode: str) -> None:
    execution_id = kiban.start(REVIEW)
    clock.after(30, lambda: kiban.answer(execution_id, times=2))
    begun = clock.time()
    found = waiting(clock, execution_id, mode, node_type="VALIDATION", state="REVIEW").run()
    assert clock.time() >= begun + 30
    (step,) = found["steps"]
    assert found == {
        "id": execution_id,
        "passed": True,
        "node_name": "Back office",
        "node_id": step["node_id"],
        "node_type": "VALIDATION",
        "phase": "",
        "state": "",
        "decision": "APPROVED",
        "by": "API",
        "steps": [
            {
                "node_id": step["node_id"],
                "node_name": "Back office",
                "node_type": "VALIDATION",
                "decision": "APPROVED",
                "by": "API",
                "at": step["at"],
            }
        ],
    }
    assert step["at"] >= "2026-"


@IN_ALL_MODES
def test_without_it_the_wait_goes_on_to_the_end_as_before(
    kiban: KibanServer, clock: Clock, mode: str
) -> None:
    execution_id = kiban.start(REVIEW)
    clock.after(30, lambda: kiban.answer(execution_id, times=2))
    with pytest.raises(RunFailed, match="ended with SUCCESS, so it will not reach step 'Back office'"):
        waiting(clock, execution_id, mode, on_passed="fail").run()
    assert kiban.requests("detail") == 0


@IN_ALL_MODES
def test_an_execution_that_waits_there_is_told_from_one_that_has_passed(
    kiban: KibanServer, clock: Clock, mode: str
) -> None:
    execution_id = kiban.start(REVIEW)
    clock.after(30, lambda: kiban.answer(execution_id))
    found = waiting(clock, execution_id, mode).run()
    assert {name: value for name, value in found.items() if name != "node_id"} == {
        "id": execution_id,
        "passed": False,
        "node_name": "Back office",
        "node_type": "VALIDATION",
        "phase": "",
        "state": "REVIEW",
        "decision": None,
        "by": None,
        "steps": [],
    }


def test_a_step_that_was_passed_while_the_execution_goes_on(kiban: KibanServer, clock: Clock) -> None:
    execution_id = kiban.start(TWO_FORMS)
    kiban.answer(execution_id)
    found = waiting(clock, execution_id, node="First").run()
    assert (found["passed"], found["by"], found["decision"]) == (True, None, None)
    assert [step["node_name"] for step in found["steps"]] == ["First"]


def test_nothing_that_was_entered_leaves(kiban: KibanServer, clock: Clock) -> None:
    execution_id = kiban.start(ONBOARDING, scenario_id=ONBOARDING_SCENARIO)
    kiban.answer(execution_id, values={"first_name": PERSONAL})
    found = waiting(clock, execution_id, node="Person").run()
    assert found["passed"]
    assert PERSONAL not in json.dumps(found)


@IN_ALL_MODES
@pytest.mark.parametrize("end", ["cancel", None])
def test_an_execution_that_ended_badly_fails(
    kiban: KibanServer, clock: Clock, mode: str, end: str | None
) -> None:
    execution_id = kiban.start(TWO_FORMS)
    kiban.answer(execution_id, times=1 if end else 2)
    if end:
        kiban.command(end, execution_id=execution_id)
    with pytest.raises(RunFailed, match="so it will not reach step"):
        waiting(clock, execution_id, mode, node="First" if end else "Nowhere").run()


def test_while_the_execution_is_at_the_node_it_is_not_passed() -> None:
    """Such as in a loop, or if a reviewer asked for a correction: the detail is not even read."""
    assert isinstance(look(at("Person"), status(node_type="VALIDATION_PROCESSING")), Pending)
    corrected = status(node_type="VALIDATION", validation={"state": "CORRECTION"})
    assert isinstance(look(at("n1", state="REVIEW"), corrected), Pending)


def test_the_last_visit_is_told() -> None:
    detail = {"nodes": [node("Back office"), node("Again"), node("Back office", validation=REVIEWED)]}
    found = look(at(), status(node_type="FORM"), detail)
    assert isinstance(found, Done)
    assert (found.result["by"], found.result["decision"]) == ("eva@example.com", "APPROVED")
    assert [step["at"] for step in found.result["steps"]] == ["2026-10-01T10:00:00Z"]


@pytest.mark.parametrize(
    "detail",
    [
        {"nodes": None},
        {"nodes": []},
        {"nodes": [node("Other"), None, 7]},
        {"nodes": [node("Back office", "FORM")]},
        {"nodes": [{"name": 7, "type": None, "validation": []}]},
        {},
    ],
    ids=str,
)
def test_a_step_that_is_not_done(detail: dict[str, Any]) -> None:
    assert isinstance(look(at(node_type="VALIDATION"), status(node_type="FORM"), detail), Pending)


def test_a_step_may_be_named_by_its_id() -> None:
    detail = {"nodes": [node("Back office")]}
    assert isinstance(look(at("id of Back office"), status(node_type="FORM"), detail), Done)


def test_the_history_is_bounded() -> None:
    review = {"reviewedBy": "x" * 9999, "decision": "y" * 9999}
    nodes = [node("Back office"), *(node("z" * 9999, validation=review) for _ in range(500))]
    found = look(at(), status(node_type="FORM"), {"nodes": nodes})
    assert len(found.result["steps"]) == MOST_STEPS
    assert len(json.dumps(found.result)) < 100_000


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on_passed": True}, "on_passed must be 'fail' or 'succeed', got True"),
        ({"node": None, "node_type": "FORM"}, "on_passed='succeed' requires node"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    kiban: KibanServer, clock: Clock, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        waiting(clock, "e1", **wrong).run()
    assert kiban.effects()["requests"] == {}


def test_it_survives_the_triggers_row() -> None:
    assert Condition.from_json(json.loads(json.dumps(at().to_json()))) == at()
    older = at().to_json()
    older["values"].pop("on_passed")  # type: ignore[attr-defined]
    assert Condition.from_json(older) == StepPending(execution_id="e1", node="Back office")
