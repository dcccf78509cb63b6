"""OMFlow's sensors against the sandbox. How they wait is the base's, and tested there."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.exceptions import InvalidInput, LostTrack, NotFound, RunFailed
from airflow_provider_workflows.omflow.conditions import LATE
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor, OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner, raised
from tests.omflow.orders import open_order, push_all, stops

WEEK = 7 * 86400
WAYS: list[dict[str, Any]] = [{}, {"mode": "reschedule"}, {"deferrable": True}]


def at_stop(clock: Clock, api_path: str, data_no: Any, **how: Any) -> Any:
    how = {"deferrable": False, "timeout": 300, **how}
    return Runner(
        lambda: OMFlowDataIdSensor(task_id="at", api_path=api_path, data_no=data_no, **how), clock=clock
    ).run()


def closed(clock: Clock, api_path: str, data_no: Any, **how: Any) -> Any:
    how = {"deferrable": False, "timeout": 300, **how}
    return Runner(
        lambda: OMFlowOrderSensor(task_id="end", api_path=api_path, data_no=data_no, **how), clock=clock
    ).run()


def test_one_stop(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "two-step", settle=0)
    found = at_stop(clock, "two-step", data_no, stop_chart_text="Review")
    assert [found] == [stop.data_id for stop in OMFlowHook().query("two-step", data_no)]


def test_any_stop(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "sleepy", settle=0)
    assert at_stop(clock, "sleepy", data_no) == stops("sleepy", data_no)["Approve"]


def test_one_of_parallel_stops(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "fork-ends")
    assert at_stop(clock, "fork-ends", data_no, stop_chart_text="B") == stops("fork-ends", data_no)["B"]


def test_all_parallel_stops(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "fork-ends", settle=0)
    found = at_stop(clock, "fork-ends", data_no, all_stops=True)
    assert {stop["stop_chart_text"]: stop["data_id"] for stop in found} == stops("fork-ends", data_no)
    assert len(found) == 2


def test_all_stops_of_a_name(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "same-names")
    found = at_stop(clock, "same-names", data_no, stop_chart_text="Sign", all_stops=True)
    assert [stop["stop_chart_text"] for stop in found] == ["Sign", "Sign"]
    with pytest.raises(InvalidInput, match="or all_stops=True"):
        at_stop(clock, "same-names", data_no, stop_chart_text="Sign")


@pytest.mark.parametrize("as_text", [False, True])
def test_after_a_push(each_omflow: OMFlowServer, clock: Clock, as_text: bool) -> None:
    data_no = open_order(each_omflow, "two-step")
    review = stops("two-step", data_no)["Review"]
    clock.after(20, lambda: push_all(each_omflow, "two-step", data_no))
    after = str(review) if as_text else review
    found = at_stop(clock, "two-step", data_no, after_data_id=after)
    assert found == stops("two-step", data_no)["Approve"]
    assert found > review


def test_passed(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "two-step")
    push_all(each_omflow, "two-step", data_no)
    with pytest.raises(
        RunFailed, match=r"now waits at 'Approve' .* has passed the stop 'Review', which it reached at \d{4}-"
    ):
        at_stop(clock, "two-step", data_no, stop_chart_text="Review")


def test_failed(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "failing")
    for sensor in (at_stop, closed):
        with pytest.raises(RunFailed, match="boom"):
            sensor(clock, "failing", data_no)


def test_a_push_refused_by_validation_is_a_failure(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "push-rejected")
    clock.after(20, lambda: push_all(each_omflow, "push-rejected", data_no))
    with pytest.raises(RunFailed, match="驗證失敗"):
        closed(clock, "push-rejected", data_no)


def test_closed_without_reaching_the_stop(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "two-step")
    push_all(each_omflow, "two-step", data_no, times=2)
    with pytest.raises(RunFailed, match="closed and did not reach the stop 'Legal'"):
        at_stop(clock, "two-step", data_no, stop_chart_text="Legal")


@pytest.mark.parametrize("sensor", [at_stop, closed])
@pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(how))
def test_an_order_that_was_deleted_loses_track_after_the_tolerance(
    omflow: OMFlowServer, clock: Clock, sensor: Any, how: dict[str, Any]
) -> None:
    data_no, begun = open_order(omflow, "sleepy", settle=0), clock.time()
    clock.after(2, lambda: OMFlowHook().delete_order("sleepy", data_no))
    with raised(LostTrack) as caught:
        sensor(clock, "sleepy", data_no, timeout=WEEK, tolerance=120, **how)
    assert 120 < clock.time() - begun < 300
    assert "the vendor has not known it for 1" in str(caught[0])
    assert f"OMFlow lists no rows of order sleepy/{data_no}" in str(caught[0])


@pytest.mark.parametrize("sensor", [at_stop, closed])
@pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(how))
def test_an_order_that_never_was_is_not_found(
    each_omflow: OMFlowServer, clock: Clock, sensor: Any, how: dict[str, Any]
) -> None:
    begun = clock.time()
    with raised(NotFound) as caught:
        sensor(clock, "sleepy", 4711, timeout=WEEK, **how)
    assert LATE <= clock.time() - begun < LATE + 20
    assert "OMFlow lists no rows of order sleepy/4711" in str(caught[0])


@pytest.mark.parametrize("how", WAYS, ids=lambda how: "-".join(how))
def test_an_order_that_is_late_is_waited_for(omflow: OMFlowServer, clock: Clock, how: dict[str, Any]) -> None:
    clock.after(15, lambda: open_order(omflow, "two-step"))
    assert at_stop(clock, "two-step", 1, **how) == stops("two-step", 1)["Review"]


def test_an_unknown_process_fails_at_once(each_omflow: OMFlowServer, clock: Clock) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        closed(clock, "nowhere", 1)
    assert clock.slept == []


@pytest.mark.parametrize("number", [int, str])
def test_closed_with_fields(each_omflow: OMFlowServer, clock: Clock, number: Any) -> None:
    data_no = open_order(each_omflow, "decision", {"FORMITM_1": "x", "FORMITM_2": "no"})
    clock.after(20, lambda: push_all(each_omflow, "decision", data_no))
    # The hook's open states no types, and 1.1 needs them.
    title = "x" if each_omflow.version == "1.2" else None
    assert closed(clock, "decision", number(data_no), fields=["FORMITM_1", "FORMITM_2", "title"]) == {
        "data_no": number(data_no),
        "closing_stop": "Refused",
        "closing_stops": ["Refused"],
        "fields": {"FORMITM_1": "x", "FORMITM_2": "no", "title": title},
    }


def test_dead_end(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "dead-end")
    push_all(each_omflow, "dead-end", data_no)
    assert closed(clock, "dead-end", data_no)["closing_stops"] == ["Approve"]


def test_branches_that_end_apart(each_omflow: OMFlowServer, clock: Clock) -> None:
    data_no = open_order(each_omflow, "fork-ends")
    each_omflow.control.push(each_omflow.name, "fork-ends", stops("fork-ends", data_no)["A"])
    each_omflow.control.advance(5)
    assert set(stops("fork-ends", data_no)) == {"B"}
    clock.after(60, lambda: push_all(each_omflow, "fork-ends", data_no))
    begun = clock.time()
    assert closed(clock, "fork-ends", data_no)["closing_stops"] == ["End", "End"]
    assert clock.time() - begun >= 60, "one branch at its end is not the order's"


@pytest.mark.parametrize("fields", ["FORMITM_1", ["FORMITM_1", 7], [None]], ids=repr)
def test_fields_must_be_names(omflow: OMFlowServer, clock: Clock, fields: Any) -> None:
    with pytest.raises(InvalidInput, match="fields must be a list"):
        closed(clock, "two-step", 1, fields=fields)
    assert omflow.effects()["requests"] == {}


@pytest.mark.parametrize("fields", [["FORMITM_x"], ["formitm_99"], ["colour"]], ids=repr)
def test_fields_that_do_not_exist(omflow: OMFlowServer, clock: Clock, fields: Any) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        closed(clock, "two-step", open_order(omflow, "two-step"), fields=fields)
