"""What a DAG makes of the asset events that started it."""

from __future__ import annotations

from datetime import datetime
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


def test_states_come_in_the_order_of_their_times() -> None:
    def at(minute: int, id: str) -> Any:
        payload = {"conn_id": "c", "occurrences": [{"occurrence_id": id}]}
        return SimpleNamespace(extra={"payload": payload}, timestamp=datetime(2026, 3, 1, 12, minute))

    found = occurrences({"asset": [at(5, "last"), at(1, "second")], "other asset": [at(0, "first")]})
    assert [one["occurrence_id"] for one in found] == ["first", "second", "last"]


def test_events_of_other_making_are_left_out() -> None:
    others = [SimpleNamespace(extra=None), SimpleNamespace(extra={}), event("text"), event({"a": 1})]
    assert occurrences({"asset": others}) == []
