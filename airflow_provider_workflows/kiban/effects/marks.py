"""Tells which of several marks the form of an execution holds; pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from airflow_provider_workflows.kiban.api.detail import forms

#: Hexadecimal digits at a mark's end, which no other mark has.
UNIQUE = 12


class Marks:
    """
    Marks to look for in a form field.

    Only letters and digits count, because Kiban may normalise the value. The time for an execution does not
    grow with the number of marks, since there may be thousands of both.

    :param field: id of the form field
    """

    def __init__(self, field: str, marks: Iterable[str]) -> None:
        self._field = field
        self._marks = {plain(mark): mark for mark in marks}
        self._ordered = sorted(self._marks)
        self._by_end: dict[str, list[str]] = {}
        for mark in self._ordered:
            self._by_end.setdefault(mark[-UNIQUE:], []).append(mark)

    def judge(self, execution: Mapping[str, Any]) -> tuple[Collection[str], Collection[str]]:
        """
        Return the marks that the forms of an execution hold, and those that they may hold.

        They may hold a mark if the field is not shown or empty, or its value is similar to the mark.

        :param execution: its detail
        """
        values = {plain(form[self._field]) for form in forms(execution) if form.get(self._field) is not None}
        values.discard("")
        if not values:
            return (), self._marks.values()
        held = {value for value in values if value in self._marks}
        similar = {mark for value in values for mark in self._similar(value)} - held
        return [self._marks[mark] for mark in held], [self._marks[mark] for mark in similar]

    def _similar(self, value: str) -> Iterator[str]:
        """Return the marks that begin with a value, or whose unique end is in it."""
        for mark in self._ordered[bisect_left(self._ordered, value) :]:
            if not mark.startswith(value):
                break
            yield mark
        for length in {len(end) for end in self._by_end}:
            for at in range(len(value) - length + 1):
                yield from self._by_end.get(value[at : at + length], ())


def plain(value: Any) -> str:
    """Return only the letters and digits of a value, in lower case."""
    return "".join(c for c in str(value).casefold() if c.isalnum())
