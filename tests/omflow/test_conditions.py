"""What can be waited for: each look at recorded rows ends in one way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, RunFailed
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.conditions import LATE, OrderAtStop, OrderClosed
from tests.omflow.driving import Driven, ok
from tests.omflow.recorded import recorded_rows

API = OMFlowApi(login="robot", password="x")


def look(condition: Any, rows: str | Iterable[Mapping[str, Any]]) -> Any:
    """Look at recorded rows, all given to one order; a second look shows the same."""
    listed = recorded_rows(rows) if isinstance(rows, str) else rows
    return Driven(condition.check(API), [ok([{**row, "data_no": 7} for row in listed])], again=True).result


def at(stop: str | None = None, **how: Any) -> OrderAtStop:
    return OrderAtStop(api_path="p", data_no=7, stop_chart_text=stop, **how)


def closed(*fields: str) -> OrderClosed:
    return OrderClosed(api_path="p", data_no=7, fields=fields)


@pytest.mark.parametrize(
    ("condition", "rows", "result"),
    [
        (at(), "simple rows waiting", 2),
        (at("Approve"), "simple rows waiting", 2),
        (at("Approve", after_data_id=1), "simple rows waiting", 2),
        (at("Finance"), "parallel rows", 5),
        (at("Finance"), "parallel rows after Legal", 5),
        (at("B"), "fork-ends rows one closed", 5),
        (
            at("Approve", all_stops=True),
            "simple rows waiting",
            [{"data_id": 2, "stop_chart_text": "Approve"}],
        ),
        (
            at(all_stops=True),
            "parallel rows",
            [{"data_id": 3, "stop_chart_text": "Legal"}, {"data_id": 5, "stop_chart_text": "Finance"}],
        ),
    ],
    ids=str,
)
def test_at_the_stop(condition: OrderAtStop, rows: str, result: Any) -> None:
    assert look(condition, rows) == Done(result)


@pytest.mark.parametrize(
    ("condition", "rows", "detail"),
    [
        (at(), "sleepy rows 2s", "running"),
        (at("Approve"), "slowpy rows at once", "running"),
        (at("Later"), "parallel rows", "'Legal' (data_id 3), 'Finance' (data_id 5)"),
        (at("Approve", after_data_id=2), "simple rows waiting", "'Approve' (data_id 2)"),
        (at("Sign"), "parallel rows after Legal", "'Finance' (data_id 5)"),
    ],
    ids=str,
)
def test_not_yet(condition: OrderAtStop, rows: str, detail: str) -> None:
    pending = look(condition, rows)
    assert isinstance(pending, Pending)
    assert detail in pending.detail


def test_all_stops_waits_for_running_branches() -> None:
    rows = [dict(row) for row in recorded_rows("parallel rows")]
    rows[2] |= {"running": True, "stop_chart_text": None}
    assert isinstance(look(at(all_stops=True), rows), Pending)
    assert look(at("Finance"), rows) == Done(5), "one stop needs not wait for the other branch"


@pytest.mark.parametrize(
    ("condition", "rows", "said"),
    [
        (at("Approve"), "pyerr rows", "failed: boom"),
        (at(), "hum rows", "驗證失敗"),
        (at("Approve"), "simple rows closed", "closed and has passed the stop 'Approve'"),
        (at(), "simple rows closed", "closed and will not stop again"),
        (at("Nowhere"), "simple rows closed", "closed and did not reach the stop 'Nowhere'"),
        (
            at("Legal"),
            "parallel rows after Legal",
            "now waits at 'Finance' (data_id 5) and has passed the stop 'Legal'",
        ),
        (at("Approve"), "dead-end rows", "closed and has passed the stop 'Approve'"),
        (at("Approve", after_data_id=2), "simple rows closed", "did not reach the stop 'Approve'"),
    ],
    ids=str,
)
def test_it_can_no_longer_come(condition: OrderAtStop, rows: str, said: str) -> None:
    with pytest.raises(RunFailed) as caught:
        look(condition, rows)
    assert said in str(caught.value)
    assert "p/7" in str(caught.value)


def test_when_it_was_passed_is_told() -> None:
    rows = [{**row, "stoptime": "2026-11-22T05:29:09"} for row in recorded_rows("simple rows closed")]
    with pytest.raises(RunFailed, match=r"'Approve', which it reached at 2026-11-22T05:29:09"):
        look(at("Approve"), rows)


def test_several_stops_where_one_was_asked_for() -> None:
    named = r"several stops: 'Legal' \(data_id 3\), 'Finance' \(data_id 5\)\. Set stop_chart_text to one"
    with pytest.raises(InvalidInput, match=named):
        look(at(), "parallel rows")


@pytest.mark.parametrize(
    ("rows", "stops"),
    [
        ("simple rows closed", ["End"]),
        ("direct rows", ["End"]),
        ("parallel rows end", ["End"]),
        ("fork-ends rows both closed", ["End", "End"]),
        ("dead-end rows", ["Approve"]),
    ],
)
def test_closed(rows: str, stops: list[str]) -> None:
    assert look(closed(), rows) == Done(
        {"data_no": 7, "closing_stop": stops[-1], "closing_stops": stops, "fields": {}}
    )


def test_fields_of_a_closed_order() -> None:
    rows = [
        {**row, "formitm_1": str(row["id"]), "status": "ok"} for row in recorded_rows("simple rows closed")
    ]
    condition = closed("FORMITM_1", "status", "FORMITM_9")
    driven = Driven(condition.check(API), [ok([{**row, "data_no": 7} for row in rows])], again=True)
    assert driven.result.result["fields"] == {"FORMITM_1": "2", "status": "ok", "FORMITM_9": None}
    assert driven.bodies[0]["search_columns"][-3:] == ["formitm_1", "status", "formitm_9"]


@pytest.mark.parametrize("rows", ["simple rows waiting", "fork-ends rows one closed", "sleepy rows 2s"])
def test_not_closed(rows: str) -> None:
    assert isinstance(look(closed(), rows), Pending)


@pytest.mark.parametrize(
    "condition", [at(), at("Approve"), at(all_stops=True), closed(), closed("FORMITM_1")]
)
def test_without_rows_it_is_not_found(condition: Any) -> None:
    with pytest.raises(NotFound, match="lists no rows of order p/7") as caught:
        look(condition, "rows after delete")
    assert caught.value.late == LATE


@pytest.mark.parametrize("rows", ["pyerr rows", "hum rows", "list after error"])
def test_failed_is_not_closed(rows: str) -> None:
    with pytest.raises(RunFailed):
        look(closed(), rows)


def test_words_for_people() -> None:
    assert str(at("Approve")) == "OMFlow order p/7 at stop 'Approve'"
    assert str(at()) == "OMFlow order p/7 at a stop"
    assert str(closed()) == "the end of OMFlow order p/7"
    assert closed().remote_id == "p/7"


@pytest.mark.parametrize(
    ("condition", "torn", "whole"),
    [
        (at(all_stops=True), "parallel rows", "parallel rows after Legal"),
        (closed(), "simple rows closed", "simple rows waiting"),
        (at("Legal"), "parallel rows after Legal", "parallel rows end"),
    ],
    ids=str,
)
def test_two_looks_that_differ_say_nothing(condition: Any, torn: str, whole: str) -> None:
    answers = [ok([{**row, "data_no": 7} for row in recorded_rows(rows)]) for rows in (torn, whole)]
    driven = Driven(condition.check(API), answers)
    assert isinstance(driven.result, Pending)
    assert driven.slept == [3.0]


def test_a_stop_that_only_the_second_look_shows_counts() -> None:
    answers = [
        ok([{**row, "data_no": 7} for row in recorded_rows(rows)])
        for rows in ("parallel rows after Legal", "parallel rows")
    ]
    assert Driven(at("Legal").check(API), answers).result == Done(3)
