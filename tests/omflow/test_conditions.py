"""What can be waited for: each look at recorded rows ends in one way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pytest

from airflow_provider_workflows.base.condition import Done, Pending
from airflow_provider_workflows.omflow.api import OMFlowApi
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.protocol.errors import InvalidInput, RunFailed
from tests.omflow.driving import Driven, ok
from tests.omflow.recorded import recorded_rows

API = OMFlowApi(login="robot", password="x")


def look(condition: Any, rows: str | Iterable[Mapping[str, Any]]) -> Any:
    """Look once at recorded rows, all given to one order."""
    listed = recorded_rows(rows) if isinstance(rows, str) else rows
    return Driven(condition.check(API), [ok([{**row, "data_no": 7} for row in listed])]).result


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
        (at("Approve"), "rows after delete", "no rows"),
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
        (at("Approve"), "simple rows closed", "closed, having passed 'Approve'"),
        (at(), "simple rows closed", "closed, so it will not stop again"),
        (at("Nowhere"), "simple rows closed", "closed, without having reached 'Nowhere'"),
        (
            at("Legal"),
            "parallel rows after Legal",
            "now stands at 'Finance' (data_id 5), having passed 'Legal'",
        ),
        (at("Approve"), "dead-end rows", "closed, having passed 'Approve'"),
        (at("Approve", after_data_id=2), "simple rows closed", "without having reached 'Approve'"),
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
    with pytest.raises(RunFailed, match="reached 2026-11-22T05:29:09"):
        look(at("Approve"), rows)


def test_several_stops_where_one_was_asked_for() -> None:
    with pytest.raises(InvalidInput, match=r"'Legal' \(data_id 3\), 'Finance' \(data_id 5\): name one"):
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
    driven = Driven(condition.check(API), [ok([{**row, "data_no": 7} for row in rows])])
    assert driven.result.result["fields"] == {"FORMITM_1": "2", "status": "ok", "FORMITM_9": None}
    assert driven.bodies[0]["search_columns"][-3:] == ["formitm_1", "status", "formitm_9"]


@pytest.mark.parametrize(
    "rows", ["simple rows waiting", "fork-ends rows one closed", "sleepy rows 2s", "rows after delete"]
)
def test_not_closed(rows: str) -> None:
    assert isinstance(look(closed(), rows), Pending)


@pytest.mark.parametrize("rows", ["pyerr rows", "hum rows", "list after error"])
def test_failed_is_not_closed(rows: str) -> None:
    with pytest.raises(RunFailed):
        look(closed(), rows)


def test_words_for_people() -> None:
    assert str(at("Approve")) == "OMFlow order p/7 at stop 'Approve'"
    assert str(at()) == "OMFlow order p/7 at a stop"
    assert str(closed()) == "end of OMFlow order p/7"
    assert closed().remote_id == "p/7"
