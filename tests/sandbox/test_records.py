"""Records that are made when somebody looks at them, and pages of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from airflow_provider_workflows.sandbox.desk.listing import MOST, PAGE, SLICE, Wanted, listing
from airflow_provider_workflows.sandbox.records import Records, find, newest
from airflow_provider_workflows.sandbox.vendor import Record

MANY = 100_000


def record(number: int) -> Record:
    return Record(
        "v", "thing", f"thing/{number}", "waiting" if number % 2 else "finished", title=f"no {number}"
    )


class Shelf:
    """Many things, and how many of them have been described."""

    def __init__(self, many: int = MANY) -> None:
        self.made = 0
        self.held = {f"thing/{number}": number for number in range(many)}
        self.records: Sequence[Record] = Records(self.held, self._make)

    def _make(self, number: int) -> Record:
        self.made += 1
        return record(number)


def numbers(found: Sequence[Record]) -> list[int]:
    return [int(one.id.partition("/")[2]) for one in found]


def test_only_what_is_looked_at_is_made() -> None:
    shelf = Shelf()
    assert len(shelf.records) == MANY
    assert numbers(newest(shelf.records, 50, 3)) == [99_949, 99_948, 99_947]
    found = find(shelf.records, "thing/77")
    assert found == record(77)
    assert numbers([shelf.records[0], shelf.records[-1]]) == [0, MANY - 1]
    page = asyncio.run(listing(shelf.records, Wanted(page=2)))
    assert numbers(page.records) == list(range(MANY - 1 - PAGE, MANY - 1 - 2 * PAGE, -1))
    assert (page.total, page.has_next) == (MANY, True)
    assert shelf.made == 3 + 1 + 2 + PAGE


def test_they_are_as_good_as_a_list() -> None:
    shelf, listed = Shelf(10), [record(number) for number in range(10)]
    assert list(shelf.records) == listed
    assert list(reversed(shelf.records)) == listed[::-1]
    assert shelf.records[2:5] == listed[2:5]
    for start in range(12):
        for count in range(12):
            assert newest(shelf.records, start, count) == newest(listed, start, count)
    assert find(listed, "thing/3") == find(shelf.records, "thing/3") == listed[3]
    assert find(listed, "x") is find(shelf.records, "x") is None
    with pytest.raises(IndexError):
        shelf.records[10]


def test_a_search_has_an_end_and_goes_on_from_there() -> None:
    shelf = Shelf()
    wanted = Wanted(words=("no 7",), state="waiting")
    first = asyncio.run(listing(shelf.records, wanted))
    assert first.looked_at == shelf.made <= MOST + SLICE, "it stops as soon as a page is full"
    rare = asyncio.run(listing(shelf.records, Wanted(words=("no 5 or so",))))
    assert (rare.records, rare.looked_at) == ([], MOST)
    last = asyncio.run(listing(shelf.records, Wanted(words=("thing/3",), older=MANY - 10)))
    assert (numbers(last.records), last.has_next) == ([3], False)


def test_others_work_while_somebody_searches() -> None:
    shelf, seen = Shelf(), []

    async def work() -> None:
        while True:
            seen.append(shelf.made)
            shelf.held[f"more/{len(seen)}"] = MANY + len(seen)
            await asyncio.sleep(0)

    async def both() -> None:
        working = asyncio.create_task(work())
        await listing(shelf.records, Wanted(words=("nothing",)))
        working.cancel()

    asyncio.run(both())
    assert max(after - before for before, after in pairwise(seen)) <= SLICE


def test_a_search_looks_at_sketches_and_finds_whole_records() -> None:
    held = {f"thing/{number}": number for number in range(50)}
    made: list[int] = []

    def make(number: int) -> Record:
        made.append(number)
        return record(number)

    records = Records(held, make, sketch=record)
    found = asyncio.run(listing(records, Wanted(words=("no 7",))))
    assert (numbers(found.records), made) == ([7], [7])
