"""What is new in a listing by time, whatever appears late or again."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.base import window as module
from airflow_provider_workflows.base.window import Listed, Window, earlier

OVERLAP = 60.0


def at(second: int) -> str:
    return f"2026-11-22T05:{second // 60:02}:{second % 60:02}.000"


def thing(second: int, id: str | None = None) -> Listed:
    return Listed(at=at(second), id=id or f"id{second}")


def taken(window: Window, *things: Listed, most: int = 50) -> tuple[list[str], Window]:
    found, after = window.take(things, most=most, overlap=OVERLAP)
    return [one.id for one in found], after


def test_it_begins_after_the_youngest() -> None:
    window = Window.after([thing(10), thing(20), thing(20, "twin")])
    assert taken(window, thing(10), thing(20), thing(20, "twin"))[0] == []
    # Of the same moment, but not seen then.
    assert taken(window, thing(10), thing(20), thing(20, "late twin"), thing(21))[0] == ["late twin", "id21"]


def test_it_begins_where_nothing_is() -> None:
    assert taken(Window.after([]), thing(1))[0] == ["id1"]


def test_it_begins_at_a_time() -> None:
    assert taken(Window.since(at(2)), thing(1), thing(2), thing(3))[0] == ["id2", "id3"]


def test_what_is_late_within_the_overlap_comes_once() -> None:
    first, window = taken(Window(), thing(100))
    late = [thing(100), thing(41)]
    second, window = taken(window, *late)
    assert (first, second) == (["id100"], ["id41"])
    assert taken(window, *late)[0] == []


def test_what_is_later_than_the_overlap_is_not_looked_at() -> None:
    _, window = taken(Window(), thing(100))
    assert taken(window, thing(39))[0] == []


def test_the_same_id_at_another_time_is_another_thing() -> None:
    _, window = taken(Window(), thing(100, "1"))
    assert taken(window, thing(101, "1"))[0] == ["1"]


def test_a_cursor_stays_small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_SEEN", 5)
    window = Window()
    for second in range(50):
        found, window = taken(window, *(thing(one) for one in range(second + 1)))
        assert found == [f"id{second}"]
        assert len(window.seen) <= 5


def test_earlier_keeps_the_form() -> None:
    assert earlier("2026-11-22T05:29:09.762", 2 * 3600) == "2026-11-22T03:29:09.762"
    assert earlier("2026-11-22T05:29:09", 1) == "2026-11-22T05:29:08.000"
    assert earlier("2026-11-22T05:29:09.762+00:00", 10) == "2026-11-22T05:28:59.762+00:00"


def test_it_is_json() -> None:
    _, window = taken(Window(), thing(100), thing(101))
    assert Window.from_json(window.to_json()) == window


#: When something happened, and how much later it can be seen.
HAPPENING = st.tuples(st.integers(0, 600), st.integers(0, int(OVERLAP)))


@given(st.lists(HAPPENING, max_size=40), st.lists(st.integers(1, 90), max_size=20), st.integers(1, 6))
def test_everything_comes_exactly_once_as_long_as_it_is_not_too_late(
    happenings: list[tuple[int, int]], pauses: list[int], most: int
) -> None:
    all_things = [
        (second + late, thing(second, f"{number}")) for number, (second, late) in enumerate(happenings)
    ]
    window, found, now = Window(), list[str](), 0
    newest, floor = "", ""
    for pause in [*pauses, 1000, *(0 for _ in all_things)]:
        now += pause
        visible = [one for seen_from, one in all_things if seen_from <= now]
        ids, window = taken(window, *visible, most=most)
        assert len(ids) <= most
        assert window.newest >= newest
        assert window.floor >= floor
        newest, floor = window.newest, window.floor
        found += ids
    assert sorted(found) == sorted(one.id for _, one in all_things)
    assert Window.from_json(window.to_json()) == window


def test_a_window_without_overlap_would_lose_what_is_late() -> None:
    """The property above can fail."""
    _, window = Window().take([thing(100)], most=50, overlap=0)
    assert window.take([thing(100), thing(99)], most=50, overlap=0)[0] == []


def listed(*seconds: int) -> list[Any]:
    return [thing(second) for second in seconds]


def test_what_is_left_out_for_its_length_comes_next() -> None:
    everything = listed(1, 2, 3, 4, 5)
    first, window = taken(Window(), *everything, most=2)
    second, window = taken(window, *everything, most=2)
    third, window = taken(window, *everything, most=2)
    assert (first, second, third) == (["id1", "id2"], ["id3", "id4"], ["id5"])


def test_what_is_left_out_for_its_length_is_not_lost_to_the_cursors_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MOST_SEEN", 3)
    _, window = taken(Window(), *listed(100, 101, 102))
    late = listed(90, 91, 92, 93, 94, 95, 100, 101, 102)
    found: list[str] = []
    for _ in range(4):
        ids, window = taken(window, *late, most=2)
        found += ids
    assert found[:6] == [f"id{second}" for second in range(90, 96)]
