"""Lists in a feed: the same text in every process, because a cursor belongs to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.events import blizwork_activities, blizwork_closed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.events import kiban_ended
from airflow_provider_workflows.mybpm.events import mybpm_reached
from airflow_provider_workflows.omflow.events import omflow_arrivals

IDS = [f"aaaaBBBBcccc{number:04}" for number in range(30)]
Make = Callable[[Any], FeedTrigger]
FEEDS: dict[str, tuple[Make, list[Any]]] = {
    "MyBPM instances": (lambda many: mybpm_reached(bo_code="X", boi_ids=many, values=["a"]), IDS),
    "MyBPM values": (lambda many: mybpm_reached(bo_code="X", boi_ids=IDS, values=many), IDS),
    "BlizWork activities": (
        lambda many: blizwork_activities(workflow_id="w", case_numbers=many),
        [str(number) for number in range(100, 130)],
    ),
    "BlizWork ends": (
        lambda many: blizwork_closed(workflow_id="w", case_numbers=[1], end_forms=many),
        IDS,
    ),
    "Kiban statuses": (lambda many: kiban_ended(statuses=many), ["ABANDONED", "ERROR", "SUCCESS"]),
}
KINDS: list[Callable[[Iterable[Any]], Any]] = [set, frozenset, lambda many: dict.fromkeys(many).keys(), iter]


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("kind", KINDS, ids=["set", "frozenset", "keys", "iterator"])
def test_what_has_no_order_gets_one(feed: str, kind: Callable[[Iterable[Any]], Any]) -> None:
    make, names = FEEDS[feed]
    assert make(kind(names[::-1])).serialize() == make(sorted(names)).serialize()


@pytest.mark.parametrize("feed", FEEDS)
def test_a_list_keeps_its_order(feed: str) -> None:
    make, names = FEEDS[feed]
    assert make(names[::-1]).serialize() != make(names).serialize()
    assert make(tuple(names)).serialize() == make(names).serialize()


@pytest.mark.parametrize("feed", FEEDS)
@pytest.mark.parametrize("value", ["APPROVED", b"x", {"a": 1}, 7, None], ids=repr)
def test_what_is_no_list_is_refused(feed: str, value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"must be a list, got "):
        FEEDS[feed][0](value)


@pytest.mark.parametrize("value", [60, "60", 60.0, timedelta(minutes=1)], ids=repr)
def test_every_form_of_a_duration_is_the_same_feed(value: Any) -> None:
    made = omflow_arrivals(api_path="p", stop_chart_text="s", poll_interval=value)
    assert made.serialize() == omflow_arrivals(api_path="p", stop_chart_text="s").serialize()


@pytest.mark.parametrize("value", [0, "0", timedelta(0), "soon", None, True, -1, float("nan")], ids=repr)
def test_a_wrong_interval_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^poll_interval must be "):
        omflow_arrivals(api_path="p", stop_chart_text="s", poll_interval=value)


@pytest.mark.parametrize("value", [0, -1, "soon", None, True, float("nan"), "inf", 10**400], ids=repr)
def test_a_wrong_look_back_is_named(value: Any) -> None:
    with pytest.raises(InvalidInput, match=r"^lookback_days must be a number of days"):
        kiban_ended(lookback_days=value)
