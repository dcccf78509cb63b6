"""No time that a vendor sends loses or repeats an event, moves a cursor past others, or blocks a feed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.events import time_cursor
from airflow_provider_workflows.core.events.feed import BATCH, Batch, Cursor
from airflow_provider_workflows.core.events.time_cursor import MOST_SEEN, Listed, TimeCursor
from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Operation, Renew
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.events import ExecutionsEnded
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.events import OrderArrivals
from tests.kiban import driving as kiban_driving
from tests.omflow import driving as omflow_driving

MISSING = object()
#: What may stand in place of a time. Only "far past" can be taken for something that was delivered long ago.
HOSTILE: tuple[Any, ...] = (
    MISSING,
    None,
    "",
    "soon",
    "None",
    7,
    -1,
    1.5,
    1793500000,
    10**400,
    float("inf"),
    float("nan"),
    True,
    [],
    {},
    ["2026-11-22T05:00:00.000"],
    "\ud800",
    "\0",
    "9" * 5000,
    "0001-01-01",
    "0001-01-01T00:00:00.000",
    "0001-01-01T00:00:00.000+14:00",
    "1970-01-01T00:00:00.000",
    "9999-12-31T23:59:59.999",
    "9999-12-31T23:59:59.999-14:00",
    "2099-01-01T00:00:00.000",
    "2099-01-01T00:00:00.000Z",
    "2026-02-31T00:00:00.000",
    "2026-11-22T25:61:00.000",
    "2026-11-22T05:29:60.000",
    "20991122T050000",
    "99999-01-01T00:00:00.000",
    "२०२६-११-२२T05:00:00.000",
)


@dataclass(frozen=True)
class Listing:
    """
    A vendor whose feed goes by times.

    :param read: reads its feed once from a list of (id, time)
    :param time: makes a time of its form, for a minute of a day
    """

    read: Callable[[Cursor, Sequence[tuple[int, Any]]], Batch]
    time: Callable[[int], str]
    begin: Cursor


def _with_time(item: dict[str, Any], name: str, time: Any) -> dict[str, Any]:
    return item if time is MISSING else {**item, name: time}


def _omflow(cursor: Cursor, items: Sequence[tuple[int, Any]]) -> Batch:
    flags = {"history": True, "closed": False, "error": False, "stop_chart_text": "Approve"}
    rows = [_with_time({"id": id, "data_no": id, **flags}, "stoptime", time) for id, time in items]
    feed = OrderArrivals(api_path="p", stop_chart_text="Approve")
    api = OMFlowApi(login="robot", password="x")
    pages = [rows[begin : begin + 500] for begin in range(0, len(rows) + 1, 500)]
    return _driven(feed.read(api, cursor), map(omflow_driving.ok, pages))


def _kiban(cursor: Cursor, items: Sequence[tuple[int, Any]]) -> Batch:
    ends = [_with_time({"id": f"e{id}", "status": "SUCCESS"}, "modifiedAt", time) for id, time in items]
    api = KibanApi(key="k")
    pages = [ends[begin : begin + 100] for begin in range(0, len(ends) + 1, 100)]
    return _driven(ExecutionsEnded().read(api, cursor), map(kiban_driving.ok, pages))


def _driven(operation: Operation[Batch], pages: Iterator[Reply]) -> Batch:
    """Give an operation as many pages as it asks for."""
    answer: Any = None
    while True:
        try:
            step = operation.send(answer)
        except StopIteration as end:
            batch: Batch = end.value
            return batch
        answer = "code" if isinstance(step, Renew) else next(pages)


EMPTY: dict[str, Any] = {"newest": "", "floor": "", "seen": {}}
LISTINGS = {
    "omflow": Listing(_omflow, lambda minute: f"2026-11-22T{minute // 60:02}:{minute % 60:02}:00.000", EMPTY),
    "kiban": Listing(
        _kiban,
        lambda minute: f"2026-11-22T{minute // 60:02}:{minute % 60:02}:00.000Z",
        {"since": "2026-10-01T00:00:00.000+00:00", **EMPTY},
    ),
}


@pytest.fixture(params=LISTINGS)
def listing(request: pytest.FixtureRequest) -> Listing:
    """Each vendor whose feed goes by times; BlizWork's and MyBPM's go by counts, Robusta has none."""
    return LISTINGS[request.param]


def delivered(batch: Batch) -> list[str]:
    return [one.occurrence_id for one in batch.occurrences]


def stored(cursor: Cursor) -> Cursor:
    """As it comes back from the state store."""
    back: Mapping[str, Any] = json.loads(json.dumps(dict(cursor)))
    return back


@pytest.mark.parametrize("bad", HOSTILE, ids=lambda bad: "missing" if bad is MISSING else repr(bad)[:30])
def test_a_hostile_time(listing: Listing, bad: Any) -> None:
    first = listing.read(listing.begin, [(1, listing.time(1)), (2, bad)])
    assert len(delivered(first)) == 2
    seen, cursor, items = delivered(first), stored(first.cursor), [(1, listing.time(1)), (2, bad)]
    for minute in (3, 200, 500):
        items.append((minute, listing.time(minute)))
        batch = listing.read(cursor, items)
        assert len(delivered(batch)) == 1, "a real later event"
        seen, cursor = seen + delivered(batch), stored(batch.cursor)
    again = listing.read(cursor, items)
    assert delivered(again) == []
    assert len(seen) == len(set(seen)) == 5
    assert len(json.dumps(dict(cursor))) < 2000
    assert str(cursor["newest"]) < "2026-11-23"


@given(
    st.sampled_from(sorted(LISTINGS)),
    st.lists(
        st.lists(st.one_of(st.sampled_from(HOSTILE), st.none(), st.text(max_size=30), st.integers())),
        max_size=6,
    ),
)
def test_any_mixture_over_several_reads(name: str, reads: list[list[Any]]) -> None:
    listing, cursor, seen = LISTINGS[name], LISTINGS[name].begin, list[str]()
    items: list[tuple[int, Any]] = []
    for number, bad in enumerate(reads):
        items += [(1000 * number + place, one) for place, one in enumerate(bad)]
        items.append((1000 * number + 999, listing.time(number)))
        while found := (batch := listing.read(cursor, items)).occurrences:
            assert len(found) <= BATCH
            seen, cursor = seen + delivered(batch), stored(batch.cursor)
    assert len(seen) == len(set(seen)) == len(items)


def test_times_that_come_true_are_not_told_again(listing: Listing, monkeypatch: pytest.MonkeyPatch) -> None:
    """A vendor's clock is two days ahead: what was told when it appeared is credible a day later."""
    now = time_cursor._now()
    ahead = (now + 2 * time_cursor.AHEAD).replace(tzinfo=None).isoformat(timespec="milliseconds")
    first = listing.read(listing.begin, [(1, ahead)])
    assert len(delivered(first)) == 1
    api_time = {"odd": dict(first.cursor["odd"])}
    later = TimeCursor(odd=api_time["odd"], clock=lambda: now + 2 * time_cursor.AHEAD)
    (id, at) = next(iter(api_time["odd"].items()))
    assert later.new([Listed(at=at, id=id)]) == []
    assert later.new([Listed(at=at, id="another")]) != []


def test_thousands_of_hostile_times_are_bounded_and_end(listing: Listing) -> None:
    items = [(number, "soon") for number in range(MOST_SEEN + 150)]
    cursor, seen, batch = listing.begin, list[str](), None
    for _ in range(100):
        batch = listing.read(cursor, [*items, (9999, listing.time(1))])
        if not batch.occurrences:
            break
        seen, cursor = seen + delivered(batch), stored(batch.cursor)
    assert batch is not None
    assert not batch.occurrences, "else they would be told for ever, in turns"
    assert len(seen) == len(set(seen)) == MOST_SEEN + 1
    assert len(cursor["odd"]) == MOST_SEEN
    assert batch.troubles == (
        f"150 items are not reported: more than {MOST_SEEN} have no time that can be right",
    )
    # Once others are listed, there is room for them.
    assert len(delivered(listing.read(cursor, [(5000, None), (9999, listing.time(1))]))) == 1


def test_a_feed_begins_behind_what_lies_ahead() -> None:
    """A page of rows of 2099 does not hide the newest arrival, after which the feed begins."""
    flags = {"history": True, "closed": False, "error": False, "stop_chart_text": "Approve"}
    ahead = [{"id": n, "data_no": n, "stoptime": "2099-01-01T00:00:00.000", **flags} for n in range(100)]
    real = [{"id": 100, "data_no": 100, "stoptime": "2026-11-22T05:00:00.000", **flags}]
    feed = OrderArrivals(api_path="p", stop_chart_text="Approve")
    first = feed.first(OMFlowApi(login="robot", password="x"))
    cursor = omflow_driving.Driven(first, map(omflow_driving.ok, [ahead, real])).result
    assert cursor["newest"] == "2026-11-22T05:00:00.000"
    assert len(cursor["odd"]) == 100
