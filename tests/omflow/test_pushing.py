"""Whose push it was, from the rows; and which stop to push."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.omflow.order import Order, Stop
from airflow_provider_workflows.omflow.pushing import choose, trace
from airflow_provider_workflows.protocol.errors import Rejected
from tests.omflow.recorded import recorded_order

ITEMS = [
    {"id": "FORMITM_1", "type": "inputbox", "value": "yes"},
    {"id": "FORMITM_2", "type": "checkbox", "value": ["a", "b"]},
]
PUSHED: dict[str, Any] = {
    "id": 2,
    "history": True,
    "update_user_id": "Admin",
    "formitm_1": "yes",
    "formitm_2": '["a", "b"]',
}


def found(row: dict[str, Any], *, items: Any = ITEMS, login: str = "admin") -> str:
    return trace(Order((row,)), 2, login=login, items=items)


@pytest.mark.parametrize("moved", [{"history": True}, {"running": True}, {"closed": True}], ids=str)
def test_ours_by_author_and_values(moved: dict[str, bool]) -> None:
    assert found({**PUSHED, "history": False, **moved}) == "ours"


@pytest.mark.parametrize(
    "change",
    [{"update_user_id": "someone"}, {"update_user_id": None}, {"formitm_1": "no"}, {"formitm_2": None}],
    ids=str,
)
def test_not_ours_if_anything_differs(change: dict[str, Any]) -> None:
    assert found({**PUSHED, **change}) == "not ours"


def test_not_ours_if_a_value_is_not_listed() -> None:
    assert found({key: value for key, value in PUSHED.items() if key != "formitm_1"}) == "not ours"


def test_standing_whatever_it_holds() -> None:
    assert found({**PUSHED, "history": False}) == "standing"


def test_gone() -> None:
    assert found({**PUSHED, "id": 3}) == "gone"


def test_without_values_the_author_decides() -> None:
    assert found(PUSHED, items=[]) == "ours"
    assert found(PUSHED, items=[], login="other") == "not ours"


def test_recorded_push() -> None:
    order = recorded_order("list rows of closed order")
    assert trace(order, 18, login="admin", items=[]) == "ours"
    assert trace(order, 21, login="admin", items=[]) == "failed"


def standing(*labels: str, error: bool = False) -> Order:
    rows = [{"id": 3 + number, "stop_chart_text": label} for number, label in enumerate(labels)]
    return Order(tuple({**row, "error": error, "error_message": "no"} for row in rows))


def test_choose() -> None:
    order = standing("Legal", "Finance", "Finance")
    assert choose(order, "Legal", subject="x") == Stop(3, "Legal")
    with pytest.raises(Rejected, match=r"several branches stand at 'Finance'.*pass one's data_id"):
        choose(order, "Finance", subject="x")
    with pytest.raises(Rejected, match=r"nothing stands at 'Done', nothing was pushed\. Standing: 'Legal'"):
        choose(order, "Done", subject="x")
    with pytest.raises(Rejected, match="Standing: nothing"):
        choose(Order(()), "Done", subject="x")


def test_what_failed_at_the_stop_does_not_wait_there() -> None:
    with pytest.raises(Rejected, match=r"Standing: nothing\. Failed: no \(at 'Approve'\)"):
        choose(standing("Approve", error=True), "Approve", subject="x")
