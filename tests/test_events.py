"""What a DAG makes of the asset events that started it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from airflow_provider_workflows.events import occurrences


def event(payload: Any) -> Any:
    return SimpleNamespace(extra={"from_trigger": True, "payload": payload})


def test_each_once_in_the_order_of_the_events() -> None:
    one, two = ({"occurrence_id": id, "n": id} for id in ("1", "2"))
    first, second = (event({"conn_id": "c", "occurrences": told}) for told in ([one, two], [one]))
    elsewhere = event({"conn_id": "d", "occurrences": [one]})
    assert occurrences({"asset": [first, second], "other asset": [elsewhere, first]}) == [
        {**one, "conn_id": "c"},
        {**two, "conn_id": "c"},
        {**one, "conn_id": "d"},
    ]


def test_events_of_other_making_are_left_out() -> None:
    others = [SimpleNamespace(extra=None), SimpleNamespace(extra={}), event("text"), event({"a": 1})]
    assert occurrences({"asset": others}) == []
