"""Searches Kiban's history for an execution whose id was lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.core.submission.effect import Found, LookupResult, NotSent, Unknown
from airflow_provider_workflows.exceptions import UnreadableAnswer, WorkflowError
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.values import VENDOR, is_id
from airflow_provider_workflows.kiban.effects.marks import Marks

#: Executions a page.
PAGE = 100
#: Pages that are read at the most.
MOST_PAGES = 1000
#: How many executions a message names.
MOST_NAMED = 5

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Several(Unknown):
    """More than one execution has the mark, so at least one was started."""


@dataclass
class _Shown:
    """
    What the history shows of one mark.

    :param ours: ids of the executions that hold it
    :param unclear: how many may hold it
    :param examples: ids of some of these
    """

    ours: list[str] = field(default_factory=list)
    unclear: int = 0
    examples: list[str] = field(default_factory=list)

    def may_be(self, id: str) -> None:
        self.unclear += 1
        if len(self.examples) < MOST_NAMED:
            self.examples.append(id)


def by_marks(
    api: KibanApi, *, since: dt.datetime, field: str, marks: Sequence[str]
) -> Operation[dict[str, LookupResult]]:
    """
    Look for the executions whose forms hold marks, in one reading of the history, and return what is found.

    Only an execution with another value in the field is certainly not ours. The history names no definition
    to compare with, and a form that Kiban does not show yet, or that has no such field, would hide the mark.
    If all marks were found, an error in the rest of the history does not matter.

    Assumption: the detail of an execution shows an answered form as it was sent, apart from case, spaces and
    punctuation. Wrong if ``nodes[].form.fields`` of an ended form lacks a value that was sent.

    :param since: executions begun earlier are not looked at
    :param field: id of the form field
    """
    wanted, shown = Marks(field, marks), {mark: _Shown() for mark in marks}
    pages = Pages()
    try:
        while not pages.are_over:
            page = yield from api.list_executions(since=since, start=pages.number, size=PAGE, content=True)
            for id, item in pages.turn(page).items():
                held, perhaps = wanted.judge((yield from _content(api, item)))
                for mark in held:
                    shown[mark].ours.append(id)
                for mark in perhaps:
                    shown[mark].may_be(id)
    except WorkflowError:
        if not all(one.ours for one in shown.values()):
            raise
    return {mark: _result(one, field, pages.unending) for mark, one in shown.items()}


def in_period(api: KibanApi, *, since: dt.datetime) -> Operation[LookupResult]:
    """Look for any execution begun since a time; without a mark, each may be ours."""
    newest = ("", "")
    pages = Pages()
    while not pages.are_over:
        page = yield from api.list_executions(since=since, start=pages.number, size=PAGE)
        new = pages.turn(page)
        newest = max([newest, *((str(item.get("createdAt") or ""), id) for id, item in new.items())])
    if not pages.ids:
        return Unknown(pages.unending, may_change=True) if pages.unending else NotSent()
    created, newest_id = newest
    more = f"\nThe search did not reach the end: {pages.unending}" if pages.unending else ""
    return Unknown(
        f"Kiban does not show which execution is this task's\n"
        f"Its history lists {len(pages.ids)} executions that began since {since:%Y-%m-%d %H:%M:%S} UTC\n"
        f"The newest is {newest_id} of {created or 'an unknown time'}{more}"
    )


class Pages:
    """The pages of a history, up to its end or to a page that leads nowhere."""

    def __init__(self) -> None:
        #: Number of the next page to request.
        self.number = 1
        self.are_over = False
        #: Ids of the executions listed so far.
        self.ids: set[str] = set()
        #: Why the end was not reached; empty if it was.
        self.unending = ""
        self._turned = 0

    def turn(self, page: Page[Item], *, id_of: Callable[[Item], str] | None = None) -> dict[str, Item]:
        """
        Return by id the executions that no earlier page listed, and go to the next page.

        :param id_of: tells executions apart; by default by an id that is checked
        :raises UnreadableAnswer: an execution has no valid id
        """
        id_of = id_of or _id
        new = {id: item for item in page.items if (id := id_of(item)) not in self.ids}
        self.ids.update(new)
        self._turned += 1
        following = _following(page, self.number)
        # A new execution moves the others to later pages, and was itself not on any page read so far.
        if not new and (page.items or following is not None):
            self.unending = f"page {self.number} of Kiban's history only repeats earlier pages"
        elif following is not None and following <= self.number:
            self.unending = f"page {self.number} of Kiban's history names page {following} as the next"
        elif following is not None and self._turned >= MOST_PAGES:
            self.unending = f"Kiban's history has more than {MOST_PAGES} pages"
        self.are_over = following is None or bool(self.unending)
        self.number = following or self.number
        return new


def _result(shown: _Shown, field: str, unending: str) -> LookupResult:
    ours = shown.ours
    if len(ours) > 1:
        named = _named(ours, len(ours))
        return Several(f"{len(ours)} executions have this task's mark in the field {field!r}: {named}")
    if ours:
        return Found(ours[0])
    why = [f"the search did not reach the end: {unending}"] if unending else []
    if shown.unclear:
        why.append(
            f"the field {field!r} is empty, or similar to the mark, in {shown.unclear} executions: "
            f"{_named(shown.examples, shown.unclear)}"
        )
    return Unknown("\n".join(why), may_change=True) if why else NotSent()


def _named(ids: list[str], count: int) -> str:
    return ", ".join(ids[:MOST_NAMED]) + (", ..." if count > MOST_NAMED else "")


def _content(api: KibanApi, item: Item) -> Operation[Item]:
    """Return an item's execution: the item itself (vendor's SDK), one of its members, or else the detail."""
    for one in _within(item):
        if "nodes" in one:
            return one
    return (yield from api.detail(_id(item)))


def _within(item: Item) -> Iterator[Item]:
    yield item
    yield from (value for value in item.values() if isinstance(value, Mapping))


def _following(page: Page[Item], number: int) -> int | None:
    """Return the next page's number; a full page has a next one even if no link says so."""
    following: int | None = page.next
    return number + 1 if following is None and len(page.items) >= PAGE else following


def _id(item: Item) -> str:
    found = item.get("id")
    if not isinstance(found, str) or not is_id(found):
        raise UnreadableAnswer(
            "Kiban's history lists an execution without a valid id",
            vendor=VENDOR,
            operation="list executions",
        )
    return found
