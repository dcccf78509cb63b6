"""Records that are made when somebody looks at them: a desk shows a page of a hundred thousand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from itertools import islice
from typing import Any, Generic, TypeVar, overload

from airflow_provider_workflows.sandbox.vendor import Record

T = TypeVar("T")


class Records(Sequence[Record], Generic[T]):
    """
    What a server holds, oldest first.

    :param held: by the record's id, oldest first.
    :param make: describes one.
    :param sketch: describes one in short, for a search: what can be done to it, what happened, and the labels
        are left out.
    """

    def __init__(
        self, held: dict[str, T], make: Callable[[T], Record], sketch: Callable[[T], Record] | None = None
    ) -> None:
        self._held = held
        self._make = make
        self._sketch = sketch or make

    def __len__(self) -> int:
        return len(self._held)

    def __iter__(self) -> Iterator[Record]:
        return map(self._make, list(self._held.values()))

    def __reversed__(self) -> Iterator[Record]:
        """Yield the newest first, of what is there now."""
        return map(self._make, list(self._held.values())[::-1])

    @overload
    def __getitem__(self, place: int) -> Record: ...
    @overload
    def __getitem__(self, place: slice) -> list[Record]: ...
    def __getitem__(self, place: Any) -> Any:
        items = list(self._held.values())
        return (
            [self._make(one) for one in items[place]]
            if isinstance(place, slice)
            else self._make(items[place])
        )

    def newest(self, start: int, count: int) -> list[Record]:
        """Return some, newest first; ``start`` are left out before."""
        return [self._make(one) for one in islice(reversed(self._held.values()), start, start + count)]

    def search(self, fits: Callable[[Record], bool], start: int, count: int) -> tuple[list[Record], int]:
        """Look at some, newest first; return those that fit a sketch, and how many were looked at."""
        some = list(islice(reversed(self._held.values()), start, start + count))
        return [self._make(one) for one in some if fits(self._sketch(one))], len(some)

    def find(self, record_id: str) -> Record | None:
        """Return the record of an id."""
        found = self._held.get(record_id)
        return None if found is None else self._make(found)


def to_json(record: Record) -> dict[str, Any]:
    """Return a record as the control API tells it: without what is for the eyes only."""
    told = {one.name: getattr(record, one.name) for one in fields(record)}
    told["actions"] = [
        {
            "label": action.label,
            "command": action.command,
            "arguments": action.arguments,
            "inputs": [one.name for one in action.inputs],
        }
        for action in record.actions
    ]
    told["history"] = [{"at": event.at, "what": event.what, "by": event.by} for event in record.history]
    return told


def named_newest(held: dict[str, T], most: int = 5) -> str:
    """Name the newest of what a server holds, for somebody who has named something else."""
    names = list(islice(reversed(held), most))
    return f"the newest are {', '.join(names)}" if names else "there is nothing yet"


def find(records: Sequence[Record], record_id: str) -> Record | None:
    """Return the record of an id, at once if its vendor can tell."""
    if isinstance(records, Records):
        return records.find(record_id)
    return next((record for record in records if record.id == record_id), None)


def newest(records: Sequence[Record], start: int, count: int) -> list[Record]:
    """Return some records, newest first; ``start`` are left out before."""
    if isinstance(records, Records):
        return records.newest(start, count)
    end = max(0, len(records) - start)
    return list(records[max(0, end - count) : end])[::-1]


def search(
    records: Sequence[Record], fits: Callable[[Record], bool], start: int, count: int
) -> tuple[list[Record], int]:
    """Look at some records, newest first; return those that fit, and how many were looked at."""
    if isinstance(records, Records):
        return records.search(fits, start, count)
    some = newest(records, start, count)
    return [record for record in some if fits(record)], len(some)
