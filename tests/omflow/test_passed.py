"""A stop that somebody passes between two looks: a failure, or a success that tells who did what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.core.waiting.condition import MOST_STEPS, Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.omflow.conditions import OrderAtStop
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner
from tests.omflow.driving import Driven, ok
from tests.omflow.orders import open_order, push_all, stops
from tests.omflow.recorded import recorded_rows
from tests.omflow.test_conditions import API, look
from tests.omflow.test_sensors import WAYS

IN_ALL_MODES = pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(how) or "poke")


def at_stop(clock: Clock | None, api_path: str, data_no: Any, **how: Any) -> Runner:
    how = {"deferrable": False, "timeout": 300, "on_passed": "succeed", "stop_chart_text": "Approve", **how}
    return Runner(
        lambda: OMFlowDataIdSensor(task_id="at", api_path=api_path, data_no=data_no, **how), clock=clock
    )


def at(stop: str, **how: Any) -> OrderAtStop:
    return OrderAtStop(api_path="p", data_no=7, stop_chart_text=stop, on_passed="succeed", **how)


@IN_ALL_MODES
def test_a_person_passes_the_stop_between_two_looks(
    each_omflow: OMFlowServer, clock: Clock, how: dict[str, Any]
) -> None:
    data_no = open_order(each_omflow, "two-step")
    review = stops("two-step", data_no)["Review"]
    clock.after(30, lambda: push_all(each_omflow, "two-step", data_no, times=2))
    begun = clock.time()
    found = at_stop(clock, "two-step", data_no, **how).run()
    assert clock.time() >= begun + 30
    (step,) = found["steps"]
    assert found == {
        "passed": True,
        "data_id": None,
        "stop_chart_text": "Approve",
        "by": "by hand",
        "steps": [{"data_id": review + 1, "stop_chart_text": "End", "by": "by hand", "at": step["at"]}],
    }
    assert step["at"] >= "2026-"


@IN_ALL_MODES
def test_without_it_that_is_a_failure_as_before(
    each_omflow: OMFlowServer, clock: Clock, how: dict[str, Any]
) -> None:
    data_no = open_order(each_omflow, "two-step")
    clock.after(30, lambda: push_all(each_omflow, "two-step", data_no, times=2))
    with pytest.raises(RunFailed, match="closed and has passed the stop 'Approve'"):
        at_stop(clock, "two-step", data_no, on_passed="fail", **how).run()


@IN_ALL_MODES
def test_an_order_that_waits_there_is_told_from_one_that_has_passed(
    each_omflow: OMFlowServer, clock: Clock, how: dict[str, Any]
) -> None:
    data_no = open_order(each_omflow, "two-step")
    clock.after(30, lambda: push_all(each_omflow, "two-step", data_no))
    assert at_stop(clock, "two-step", data_no, **how).run() == {
        "passed": False,
        "data_id": stops("two-step", data_no)["Approve"],
        "stop_chart_text": "Approve",
        "by": None,
        "steps": [],
    }


def test_it_waits_at_a_later_stop(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "two-step")
    review = stops("two-step", data_no)["Review"]
    push_all(each_omflow, "two-step", data_no)
    found = at_stop(clock, "two-step", data_no, stop_chart_text="Review").run()
    assert (found["passed"], found["by"], len(found["steps"])) == (True, "by hand", 1)
    # After a person's push, a later visit to the stop is still to come.
    later = at_stop(clock, "two-step", data_no, stop_chart_text="Review", after_data_id=review + 1)
    clock.after(30, lambda: push_all(each_omflow, "two-step", data_no))
    with pytest.raises(RunFailed, match="closed and did not reach the stop 'Review'"):
        later.run()


def test_who_pushed_last_is_told_for_each_step(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "two-step")
    push_all(each_omflow, "two-step", data_no)
    hook = OMFlowHook()
    hook.push_order("two-step", stops("two-step", data_no)["Approve"], form_data={"FORMITM_1": "x"})
    each_omflow.control.advance(5)
    found = at_stop(clock, "two-step", data_no, stop_chart_text="Review").run()
    assert [(step["stop_chart_text"], step["by"]) for step in found["steps"]] == [
        ("Approve", "by hand"),
        ("End", "airflow"),
    ]
    assert found["by"] is None, "two users pushed it, and OMFlow does not say which row continues which"


@pytest.mark.parametrize("api_path", ["failing", "push-rejected"])
def test_an_order_that_failed_fails(each_omflow: OMFlowServer, clock: Clock, api_path: str) -> None:
    data_no = open_order(each_omflow, api_path)
    if api_path == "push-rejected":
        clock.after(20, lambda: push_all(each_omflow, api_path, data_no))
    with pytest.raises(RunFailed, match="failed: "):
        at_stop(clock, api_path, data_no, stop_chart_text="Other").run()


def test_a_push_that_a_validation_may_still_refuse_counts_as_nothing_yet() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "stop_chart_text": "Approve", "history": True},
        {"id": 2, "stop_chart_text": None, "running": True, "update_user_id": "eva"},
    ]
    assert isinstance(look(at("Approve"), rows), Pending)


def test_one_who_pushed_another_branch_is_not_said_to_have_pushed_this_one() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "stop_chart_text": "Legal", "history": True, "update_user_id": "robot"},
        {"id": 2, "stop_chart_text": "Finance", "history": True, "update_user_id": "robot"},
        {"id": 3, "stop_chart_text": "Collect", "history": True, "update_user_id": "eva"},
        {"id": 4, "stop_chart_text": "Finance", "update_user_id": "robot"},
    ]
    assert look(at("Legal"), rows).result["by"] is None
    rows[1]["update_user_id"] = "eva"
    assert look(at("Legal"), rows).result["by"] == "eva"


def test_a_loop_tells_the_last_visit() -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "stop_chart_text": "Review", "history": True, "update_user_id": "robot"},
        {"id": 2, "stop_chart_text": "Review", "history": True, "update_user_id": "eva"},
        {"id": 3, "stop_chart_text": "End", "closed": True, "update_user_id": "max"},
    ]
    assert look(at("Review"), rows).result["by"] == "max"
    assert look(at("Review", after_data_id=2), rows).result["by"] == "max"
    with pytest.raises(RunFailed, match="did not reach"):
        look(at("Review", after_data_id=3), rows)


def test_the_second_look_decides() -> None:
    answers = [
        ok([{**row, "data_no": 7} for row in recorded_rows(rows)])
        for rows in ("parallel rows after Legal", "parallel rows")
    ]
    driven = Driven(at("Legal").check(API), answers)
    assert isinstance(driven.result, Done)
    assert (driven.result.result["passed"], driven.result.result["data_id"]) == (False, 3)
    assert driven.slept == [3.0]


def test_the_history_is_bounded_and_clean() -> None:
    moved: list[dict[str, Any]] = [
        {"id": number, "stop_chart_text": f"a\n{number}" * 900, "history": True, "update_user_id": 7}
        for number in range(2, 300)
    ]
    arrival = {"id": 1, "stop_chart_text": "Approve", "history": True}
    last = {"id": 300, "closed": True}
    found = look(at("Approve"), [arrival, *moved, last]).result
    assert len(found["steps"]) == MOST_STEPS
    assert all(len(step["stop_chart_text"]) <= 510 for step in found["steps"])
    assert "\n" not in str(found["steps"][0]["stop_chart_text"])
    assert found["steps"][0]["by"] == "7"
    assert found["by"] is None, "one that is cut off was of another user"


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"on_passed": "ignore"}, "on_passed must be 'fail' or 'succeed', got 'ignore'"),
        ({"on_passed": None}, "got None"),
        ({"stop_chart_text": None}, "on_passed='succeed' requires stop_chart_text"),
        ({"all_stops": True}, "and not all_stops"),
    ],
    ids=str,
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    omflow: OMFlowServer, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InvalidInput, match=says):
        at_stop(None, "two-step", 1, **wrong).run()
    assert omflow.effects()["requests"] == {}


def test_each_key_is_an_xcom_unless_told_otherwise() -> None:
    def task(**how: Any) -> Any:
        return OMFlowDataIdSensor(task_id="at", api_path="p", data_no=1, **how)

    assert task(on_passed="succeed").multiple_outputs
    assert not task().multiple_outputs
    assert not task(on_passed="succeed", multiple_outputs=False).multiple_outputs


def test_it_survives_the_triggers_row() -> None:
    condition = at("Approve")
    assert Condition.from_json(json.loads(json.dumps(condition.to_json()))) == condition
    older = condition.to_json()
    older["values"].pop("on_passed")  # type: ignore[attr-defined]
    assert Condition.from_json(older) == OrderAtStop(api_path="p", data_no=7, stop_chart_text="Approve")
