"""What is new in a listing by time, whatever appears late or again."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.events import time_cursor as module
from airflow_provider_workflows.core.events.checkpoint import Checkpoint
from airflow_provider_workflows.core.events.feed import Batch, Occurrence
from airflow_provider_workflows.core.events.time_cursor import Listed, TimeCursor, earlier
from tests.core.channels import carried

OVERLAP = 60.0


def at(second: int) -> str:
    return f"2026-11-22T05:{second // 60:02}:{second % 60:02}.000"


def thing(second: int, id: str | None = None) -> Listed:
    return Listed(at=at(second), id=id or f"id{second}")


def taken(cursor: TimeCursor, *things: Listed, most: int = 50) -> tuple[list[str], TimeCursor]:
    found, after = cursor.take(things, most=most, overlap=OVERLAP)
    return [one.id for one in found], after


def test_it_begins_after_the_youngest() -> None:
    cursor = TimeCursor.after([thing(10), thing(20), thing(20, "twin")])
    assert taken(cursor, thing(10), thing(20), thing(20, "twin"))[0] == []
    # Of the same moment, but not seen then.
    assert taken(cursor, thing(10), thing(20), thing(20, "late twin"), thing(21))[0] == ["late twin", "id21"]


def test_it_begins_where_nothing_is() -> None:
    assert taken(TimeCursor.after([]), thing(1))[0] == ["id1"]


def test_it_begins_at_a_time() -> None:
    assert taken(TimeCursor.since(at(2)), thing(1), thing(2), thing(3))[0] == ["id2", "id3"]


def test_what_is_late_within_the_overlap_comes_once() -> None:
    first, cursor = taken(TimeCursor(), thing(100))
    late = [thing(100), thing(41)]
    second, cursor = taken(cursor, *late)
    assert (first, second) == (["id100"], ["id41"])
    assert taken(cursor, *late)[0] == []


def test_what_is_later_than_the_overlap_is_not_looked_at() -> None:
    _, cursor = taken(TimeCursor(), thing(100))
    assert taken(cursor, thing(39))[0] == []


def test_the_same_id_at_another_time_is_another_thing() -> None:
    _, cursor = taken(TimeCursor(), thing(100, "1"))
    assert taken(cursor, thing(101, "1"))[0] == ["1"]


def test_a_cursor_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SEEN", 5)
    cursor = TimeCursor()
    for second in range(50):
        found, cursor = taken(cursor, *(thing(one) for one in range(second + 1)))
        assert found == [f"id{second}"]
        assert len(cursor.seen) <= 5


def test_earlier_keeps_the_form() -> None:
    assert earlier("2026-11-22T05:29:09.762", 2 * 3600) == "2026-11-22T03:29:09.762"
    assert earlier("2026-11-22T05:29:09", 1) == "2026-11-22T05:29:08.000"
    assert earlier("2026-11-22T05:29:09.762+00:00", 10) == "2026-11-22T05:28:59.762+00:00"


def test_it_is_json() -> None:
    _, cursor = taken(TimeCursor(), thing(100), thing(101))
    assert TimeCursor.from_json(cursor.to_json()) == cursor


#: When something happened, and how much later it can be seen.
HAPPENING = st.tuples(st.integers(0, 600), st.integers(0, int(OVERLAP)))


@given(st.lists(HAPPENING, max_size=40), st.lists(st.integers(1, 90), max_size=20), st.integers(1, 6))
def test_everything_comes_exactly_once_as_long_as_it_is_not_too_late(
    happenings: list[tuple[int, int]], pauses: list[int], most: int
) -> None:
    all_things = [
        (second + late, thing(second, f"{number}")) for number, (second, late) in enumerate(happenings)
    ]
    cursor, found, now = TimeCursor(), list[str](), 0
    newest, floor = "", ""
    for pause in [*pauses, 1000, *(0 for _ in all_things)]:
        now += pause
        visible = [one for seen_from, one in all_things if seen_from <= now]
        ids, cursor = taken(cursor, *visible, most=most)
        assert len(ids) <= most
        assert cursor.newest >= newest
        assert cursor.floor >= floor
        newest, floor = cursor.newest, cursor.floor
        found += ids
    assert sorted(found) == sorted(one.id for _, one in all_things)
    assert TimeCursor.from_json(cursor.to_json()) == cursor


def test_a_cursor_without_overlap_would_lose_what_is_late() -> None:
    """The property above can fail."""
    _, cursor = TimeCursor().take([thing(100)], most=50, overlap=0)
    assert cursor.take([thing(100), thing(99)], most=50, overlap=0)[0] == []


def listed(*seconds: int) -> list[Any]:
    return [thing(second) for second in seconds]


def test_what_is_left_out_for_its_length_comes_next() -> None:
    everything = listed(1, 2, 3, 4, 5)
    first, cursor = taken(TimeCursor(), *everything, most=2)
    second, cursor = taken(cursor, *everything, most=2)
    third, cursor = taken(cursor, *everything, most=2)
    assert (first, second, third) == (["id1", "id2"], ["id3", "id4"], ["id5"])


def test_what_is_left_out_for_its_length_is_not_lost_to_the_cursors_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_SEEN", 3)
    _, cursor = taken(TimeCursor(), *listed(100, 101, 102))
    late = listed(90, 91, 92, 93, 94, 95, 100, 101, 102)
    found: list[str] = []
    for _ in range(4):
        ids, cursor = taken(cursor, *late, most=2)
        found += ids
    assert found[:6] == [f"id{second}" for second in range(90, 96)]


FAR = "2098-01-01T00:00:00.000"


@pytest.mark.parametrize("wrong", [FAR, "soon", "", "2026-02-31T00:00:00.000", "20261122T050000", "\ud800"])
def test_a_wrong_time_is_delivered_once_and_moves_nothing(wrong: str) -> None:
    odd = Listed(at=wrong, id="odd")
    found, cursor = taken(TimeCursor(), thing(10), odd)
    assert found == ["odd", "id10"]
    assert (cursor.newest, list(cursor.odd)) == (at(10), ["odd"])
    assert taken(cursor, odd, thing(11))[0] == ["id11"]
    assert taken(TimeCursor.from_json(cursor.to_json()), odd, thing(12))[0] == ["id12"]


def test_a_wrong_time_is_not_where_a_feed_begins() -> None:
    cursor = TimeCursor.after([thing(10), Listed(at=FAR, id="odd")])
    assert cursor.newest == at(10)
    assert taken(cursor, Listed(at=FAR, id="odd"), thing(11))[0] == ["id11"]


def test_the_ids_of_wrong_times_are_bounded() -> None:
    odd = [Listed(at=FAR, id=str(number)) for number in range(module.MOST_SEEN + 5)]
    _, cursor = TimeCursor().take(odd, most=len(odd), overlap=OVERLAP)
    assert len(cursor.odd) == module.MOST_SEEN


@pytest.mark.parametrize(("hours", "credible"), [(25, True), (27, False)])
def test_a_vendor_s_clock_may_be_a_day_ahead(hours: int, credible: bool) -> None:
    now = dt.datetime(2026, 11, 22, 5, tzinfo=dt.UTC)
    moment = (now + dt.timedelta(hours=hours)).replace(tzinfo=None).isoformat(timespec="milliseconds")
    cursor = TimeCursor(clock=lambda: now)
    assert bool(cursor.split([Listed(at=moment, id="a")])[0]) is credible


def test_ids_and_times_that_no_channel_carries_are_kept_bounded_and_delivered_once() -> None:
    odd = ["a\0", "a\x01", "\ud83d", "\ud83e", "x" * 10_000_000, "x" * 10_000_001]
    things = [Listed(at=at(n), id=id) for n, id in enumerate(odd)]
    things.append(Listed(at="\ud83d\0" + "9" * 10_000_000, id="no time\0"))
    delivered, after = taken(TimeCursor(), *things)
    assert len(set(delivered)) == len(things)
    kept = carried(after.to_json())
    assert len(str(kept)) < 5000
    assert taken(TimeCursor.from_json(kept), *things)[0] == []


def test_a_checkpoint_is_carried_whatever_a_feed_reads() -> None:
    odd = {"\0": ["\ud83d", 2**70, float("nan"), {"__classname__": "\0"}]}
    batch = Batch(occurrences=(Occurrence(occurrence_id="\ud83d", facts=odd),), cursor=odd)
    for checkpoint in (
        Checkpoint(cursor={}).read(batch),
        Checkpoint(cursor={}).read(Batch(occurrences=(), cursor=odd)),
    ):
        assert carried(checkpoint.to_json()) == checkpoint.to_json()
