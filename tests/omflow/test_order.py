"""An order's state, from rows that the recorded server listed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.omflow.api.order import Order, Stop, describe, has_moved_on
from tests.omflow.recorded import recorded_order, recorded_rows

#: Recorded listing -> state, places where it waits.
STATES = {
    "simple rows waiting": ("waiting", [Stop(2, "Approve")]),
    "simple rows right after push": ("finished", []),
    "simple rows closed": ("finished", []),
    "direct rows": ("finished", []),
    "parallel rows": ("waiting", [Stop(3, "Legal"), Stop(5, "Finance")]),
    "parallel rows after Legal": ("waiting", [Stop(5, "Finance")]),
    "parallel rows after both": ("waiting", [Stop(7, "Sign")]),
    "parallel rows end": ("finished", []),
    "fork-ends rows one closed": ("waiting", [Stop(5, "B")]),
    "fork-ends rows both closed": ("finished", []),
    "dead-end rows": ("finished", []),
    "list after error": ("failed", []),
    "list rows of closed order": ("failed", []),
    "pyerr rows": ("failed", []),
    "hum rows": ("failed", []),
    "hum rows 2": ("failed", []),
    "sleepy rows 2s": ("running", []),
    "slowpy rows at once": ("running", []),
    "slowpy rows after restart": ("running", []),
    "race rows": ("waiting", [Stop(3, "Approve")]),
    "rows of id=closed": ("finished", []),
    "rows after delete": ("unknown", []),
}


@pytest.mark.parametrize("label", STATES)
def test_state_of_recorded_rows(label: str) -> None:
    order = recorded_order(label)
    status, stops = STATES[label]
    assert order.status == status
    assert list(order.stops) == stops
    assert (order.failure is None) == (status != "failed")


@pytest.mark.parametrize(
    ("label", "message", "place"),
    [
        ("pyerr rows", "boom", "Boom"),
        ("hum rows", "驗證失敗。", "Approve"),
        ("hum rows 2", "驗證失敗。", "Approve"),
        ("list after error", "找不到符合的條件。", "是否指派"),
    ],
)
def test_failure_says_what_and_where(label: str, message: str, place: str) -> None:
    assert recorded_order(label).failure == f"{message} (at {place!r})"


def test_a_failed_row_in_the_past_is_no_failure() -> None:
    rows = [
        {**row, "closed": not row["history"], "error": row["history"]} for row in recorded_rows("pyerr rows")
    ]
    assert Order(tuple(rows)).status == "finished"


def test_only_history_is_a_moment_between_rows() -> None:
    rows = recorded_rows("parallel rows after both")[:5]
    assert all(row["history"] for row in rows)
    assert Order(rows).status == "running"


def test_a_running_branch_is_running_though_another_waits() -> None:
    rows = [dict(row) for row in recorded_rows("parallel rows")]
    rows[2] |= {"running": True, "stop_chart_text": None}
    order = Order(tuple(rows))
    assert order.status == "running"
    assert order.stops == (Stop(5, "Finance"),)


def test_closing_rows() -> None:
    assert [row["id"] for row in recorded_order("fork-ends rows both closed").closing_rows] == [3, 5]
    assert [row["id"] for row in recorded_order("dead-end rows").closing_rows] == [2]


def test_arrivals() -> None:
    order = recorded_order("parallel rows end")
    assert [row["id"] for row in order.arrivals("Legal")] == [2]
    assert [row["id"] for row in order.arrivals("Legal", since=3)] == []
    assert [row["id"] for row in order.arrivals("Join")] == [3, 5]
    assert order.arrivals("Nowhere") == ()


def test_a_failure_at_a_stop_is_no_arrival() -> None:
    assert [row["id"] for row in recorded_order("hum rows").arrivals("Approve")] == [1]


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True"])
def test_flags_in_whatever_form(value: Any) -> None:
    row = {"id": 1, "closed": value, "history": "false", "running": 0, "error": None}
    assert Order((row,)).status == "finished"


@pytest.mark.parametrize("value", [False, 0, "0", "false", "False", "", None])
def test_flags_that_are_not_set(value: Any) -> None:
    row = {"id": 1, "closed": value, "history": value, "running": value, "error": value}
    assert Order((row,)).status == "waiting"
    assert not has_moved_on(row)


flags = st.fixed_dictionaries(
    {name: st.booleans() for name in ("history", "closed", "running", "error")}
    | {"stop_chart_text": st.none() | st.sampled_from("AB")}
)


@given(st.lists(flags, max_size=6))
def test_any_rows_have_one_state_that_agrees_with_the_stops(rows: list[dict[str, Any]]) -> None:
    order = Order(tuple({"id": number, **row} for number, row in enumerate(rows, start=1)))
    assert (order.status == "unknown") == (not rows)
    assert (order.status == "failed") == (order.failure is not None)
    if order.status == "waiting":
        assert order.stops
    if order.status == "finished":
        assert not order.stops
        assert order.closing_rows


def test_describe() -> None:
    assert describe([Stop(3, "Legal"), Stop(5, "Finance")]) == "'Legal' (data_id 3), 'Finance' (data_id 5)"
    assert describe([]) == "nothing"


def test_row_by_id() -> None:
    order = recorded_order("parallel rows")
    assert order.row(3) is order.rows[2]
    assert order.row(99) is None
