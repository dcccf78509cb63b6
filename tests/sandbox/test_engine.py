"""The flow engine, through the shipped processes and over the wire."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from airflow_provider_workflows.sandbox.control import Control
from tests.sandbox.client import TITLE, OMFlowClient

VENDOR = "omflow-1.1"
FLAGS = ("history", "running", "closed", "error")


def flags(client: OMFlowClient, api_path: str) -> list[tuple[bool, ...]]:
    return [tuple(row[name] for name in FLAGS) for row in client.rows(api_path, *FLAGS)]


def state(control: Control, order: str, vendor: str = VENDOR) -> str:
    (found,) = [record["state"] for record in control.records(vendor) if record["id"] == order]
    return str(found)


def test_open_answers_before_the_work_is_done(old: OMFlowClient, control: Control) -> None:
    assert old.open("simple")["result"] == 1
    assert old.query("simple", 1) == []
    assert flags(old, "simple") == [(False, True, False, False)]
    assert state(control, "simple/1") == "running"
    control.advance(60)
    assert old.stops("simple", 1) == {"Approve": 2}
    assert state(control, "simple/1") == "waiting"


def test_purchase_passes_two_stops_at_once_and_is_collected(either: OMFlowClient, control: Control) -> None:
    number = either.open("purchase")["result"]
    control.advance(60)
    either.push("purchase", either.stops("purchase", number)["Review"])
    control.advance(60)
    stops = either.stops("purchase", number)
    assert set(stops) == {"Legal", "Finance"}
    either.push("purchase", stops["Finance"])
    control.advance(60)
    assert set(either.stops("purchase", number)) == {"Legal"}
    either.push("purchase", stops["Legal"])
    control.advance(60)
    assert either.query("purchase", number) == []
    (record,) = control.records(either.url.rpartition("/")[2])
    assert (record["id"], record["state"]) == ("purchase/1", "finished")
    assert record["stops"] == ["Review", "Finance", "Legal"]


def test_a_collection_goes_on_with_the_values_of_its_main_branch(old: OMFlowClient, control: Control) -> None:
    old.open("purchase")
    control.advance(60)
    old.push("purchase", old.stops("purchase", 1)["Review"])
    control.advance(60)
    stops = old.stops("purchase", 1)
    for stop, decision in (("Legal", "yes"), ("Finance", "no")):
        old.push("purchase", stops[stop], TITLE, {"id": "FORMITM_6", "type": "inputbox", "value": decision})
    control.advance(60)
    last = old.rows("purchase", "formitm_6", order_columns=["-id"], limit=1)
    assert last == [{"formitm_6": "yes"}]


def test_there_is_a_moment_without_any_open_row_at_a_fork(old: OMFlowClient, control: Control) -> None:
    old.open("fork-ends")
    control.advance(12)
    assert [row[0] for row in flags(old, "fork-ends")] == [True]
    assert old.query("fork-ends", 1) == []
    assert state(control, "fork-ends/1") == "running"
    control.advance(60)
    assert set(old.stops("fork-ends", 1)) == {"A", "B"}


def test_branches_without_collection_close_by_themselves(old: OMFlowClient, control: Control) -> None:
    old.open("fork-ends")
    control.advance(60)
    old.push("fork-ends", old.stops("fork-ends", 1)["A"])
    control.advance(60)
    assert (False, False, True, False) in flags(old, "fork-ends")
    assert state(control, "fork-ends/1") == "waiting"
    old.push("fork-ends", old.stops("fork-ends", 1)["B"])
    control.advance(60)
    assert state(control, "fork-ends/1") == "finished"


def test_two_stops_may_have_one_name(old: OMFlowClient, control: Control) -> None:
    old.open("same-names")
    control.advance(60)
    assert [row["stop_chart_text"] for row in old.query("same-names", 1)] == ["Sign", "Sign"]


def test_a_failing_component_fails_the_order(old: OMFlowClient, control: Control) -> None:
    old.open("failing")
    control.advance(60)
    ((stop, data_id),) = old.stops("failing", 1).items()
    assert stop == "Boom"
    (failed,) = old.rows(
        "failing",
        "error_message",
        "closed",
        search_conditions=[{"column": "id", "condition": "=", "value": data_id}],
    )
    assert failed == {"error_message": "boom", "closed": False}
    assert state(control, "failing/1") == "failed"
    assert old.push("failing", data_id)["status"] == 404


def test_a_slow_component_runs_again_after_a_restart(old: OMFlowClient, control: Control) -> None:
    old.open("slow")
    control.advance(14)
    old.query("slow", 1)
    control.restart(VENDOR)
    old.login()
    control.advance(3)
    assert flags(old, "slow") == [(False, True, False, False)]
    control.advance(3)
    assert flags(old, "slow") == [(False, False, True, False)]


def test_a_sleep_ends_by_the_clock(old: OMFlowClient, control: Control) -> None:
    old.open("sleepy")
    control.advance(14)
    assert old.query("sleepy", 1) == []
    control.advance(2)
    assert "Approve" in old.stops("sleepy", 1)


def test_a_dead_end_closes_in_history(old: OMFlowClient, control: Control) -> None:
    old.open("dead-end")
    control.advance(60)
    old.push("dead-end", 2)
    control.advance(60)
    assert flags(old, "dead-end")[-1] == (True, False, True, False)
    assert state(control, "dead-end/1") == "finished"


@pytest.mark.parametrize(("value", "end"), [("yes", "Approved"), ("no", "Refused")])
def test_a_switch_decides_by_a_field(old: OMFlowClient, control: Control, value: str, end: str) -> None:
    old.open("decision")
    control.advance(60)
    old.push("decision", 2, {"id": "FORMITM_2", "type": "inputbox", "value": value})
    control.advance(60)
    closed = [{"column": "closed", "condition": "=", "value": True}]
    assert old.rows("decision", "stop_chart_text", search_conditions=closed) == [{"stop_chart_text": end}]


def test_a_switch_without_a_case_fails(old: OMFlowClient, control: Control) -> None:
    old.open("decision")
    control.advance(60)
    old.push("decision", 2, {"id": "FORMITM_2", "type": "inputbox", "value": "perhaps"})
    control.advance(60)
    assert "Which" in old.stops("decision", 1)
    assert state(control, "decision/1") == "failed"


def test_a_refused_validation_may_be_pushed_again(old: OMFlowClient, control: Control) -> None:
    old.open("push-rejected")
    control.advance(60)
    old.push("push-rejected", 2)
    control.advance(60)
    assert old.push("push-rejected", 3)["status"] == 200
    control.advance(60)
    assert flags(old, "push-rejected")[2:] == [(False, True, False, False), (False, False, False, True)]


@pytest.mark.parametrize(("process", "orders"), [("validated", 1), ("rejected", 0)])
def test_a_validated_start_tells_no_number(
    either: OMFlowClient, control: Control, process: str, orders: int
) -> None:
    vendor = either.url.rpartition("/")[2]
    answer = either.open(process)
    assert answer["result"] == ("" if vendor == "omflow-1.2" else None)
    assert int(answer["status"]) == 200
    assert control.records(vendor) == []
    control.advance(60)
    assert len(control.records(vendor)) == orders
    assert control.effects(vendor)["opened"] == orders


def test_one_of_several_pushes_wins(old: OMFlowClient, control: Control) -> None:
    old.open("simple")
    control.advance(60)
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: old.push("simple", 2)["status"], range(4)))
    assert sorted(answers) == [200, 404, 404, 404]
    assert control.effects(VENDOR)["pushed"] == 1


def test_a_push_while_the_row_runs_is_refused_otherwise_than_one_after(
    old: OMFlowClient, control: Control
) -> None:
    old.open("simple")
    control.advance(60)
    old.push("simple", 2)
    running = old.push("simple", 2)
    control.advance(60)
    closed = old.push("simple", 2)
    assert (running["status"], closed["status"]) == (404, 404)
    assert "matching query does not exist" not in running["message"]
    assert "matching query does not exist" in closed["message"]


def test_orders_of_the_two_servers_are_apart(old: OMFlowClient, new: OMFlowClient) -> None:
    assert old.open("simple")["result"] == 1
    assert new.open("simple")["result"] == "1"
    assert len(old.rows("simple", "id")) == 1


def test_a_deleted_order_is_gone_even_while_it_runs(old: OMFlowClient, control: Control) -> None:
    old.open("fork-ends")
    control.advance(12)
    assert old.edit("fork-ends", action="delete", data_no="1")["status"] == 200
    control.advance(60)
    assert old.rows("fork-ends", "id") == []
    assert control.records(VENDOR) == []
