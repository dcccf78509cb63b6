"""OMFlow's sensors against the sandbox. How they wait is the base's, and tested there."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor, OMFlowOrderSensor
from airflow_provider_workflows.protocol.errors import InvalidInput, NotFound, RunFailed
from tests.base.harness import Clock, Runner
from tests.conftest import OMFlowServer
from tests.omflow.orders import open_order, push_all, stops


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
    with pytest.raises(InvalidInput, match="ask for all stops"):
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
    with pytest.raises(RunFailed, match=r"now stands at 'Approve' .* having passed 'Review', reached \d{4}-"):
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
    with pytest.raises(RunFailed, match="closed, without having reached 'Legal'"):
        at_stop(clock, "two-step", data_no, stop_chart_text="Legal")


@pytest.mark.parametrize("sensor", [at_stop, closed])
def test_an_order_that_was_deleted_is_never_an_end(omflow: OMFlowServer, clock: Clock, sensor: Any) -> None:
    data_no, begun = open_order(omflow, "sleepy", settle=0), clock.time()
    clock.after(2, lambda: OMFlowHook().delete_order("sleepy", data_no))
    with pytest.raises(Exception, match="no rows of it are listed"):
        sensor(clock, "sleepy", data_no, timeout=200)
    assert clock.time() == pytest.approx(begun + 200)


def test_an_unknown_process_fails_at_once(each_omflow: OMFlowServer, clock: Clock) -> None:
    with pytest.raises(NotFound, match="'nowhere'"):
        closed(clock, "nowhere", 1)
    assert clock.slept == []


@pytest.mark.parametrize("number", [int, str])
def test_closed_with_fields(each_omflow: OMFlowServer, clock: Clock, number: Any) -> None:
    data_no = open_order(each_omflow, "decision", {"FORMITM_1": "x", "FORMITM_2": "no"})
    clock.after(20, lambda: push_all(each_omflow, "decision", data_no))
    assert closed(clock, "decision", number(data_no), fields=["FORMITM_1", "FORMITM_2", "title"]) == {
        "data_no": number(data_no),
        "closing_stop": "Refused",
        "closing_stops": ["Refused"],
        "fields": {"FORMITM_1": "x", "FORMITM_2": "no", "title": None},
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
