"""Searches Kiban's history for an execution whose id was lost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.core.submission.effect import Found, LookupResult, NotSent, Unknown
from airflow_provider_workflows.exceptions import UnreadableAnswer, WorkflowError
from airflow_provider_workflows.kiban.api.detail import forms
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.values import VENDOR, is_id

#: Executions a page.
PAGE = 100
#: Pages that are read at the most.
MOST_PAGES = 1000
#: Hexadecimal digits at a mark's end, which no other mark has.
UNIQUE = 12
#: How many executions a message names.
MOST_NAMED = 5

Item = Mapping[str, Any]


@dataclass(frozen=True)
class Several(Unknown):
    """More than one execution has the mark, so at least one was started."""


def by_mark(api: KibanApi, *, since: dt.datetime, field: str, mark: str) -> Operation[LookupResult]:
    """
    Look for the execution whose form holds a mark.

    Only an execution with another value in the field is certainly not ours. The history names no definition
    to compare with, and a form that Kiban does not show yet, or that has no such field, would hide the mark.
    If the mark was found, an error in the rest of the history does not matter.

    Assumption: the detail of an execution shows an answered form as it was sent, apart from case, spaces and
    punctuation. Wrong if ``nodes[].form.fields`` of an ended form lacks a value that was sent.

    :param since: executions begun earlier are not looked at
    :param field: id of the form field
    """
    ours: list[str] = []
    hidden: list[str] = []
    pages = Pages()
    try:
        while not pages.are_over:
            page = yield from api.list_executions(since=since, start=pages.number, size=PAGE, content=True)
            for id, item in pages.turn(page).items():
                shown = holds_mark((yield from _content(api, item)), field, mark)
                if shown is not False:
                    (ours if shown else hidden).append(id)
    except WorkflowError:
        if not ours:
            raise
    if len(ours) > 1:
        return Several(f"{len(ours)} executions have this task's mark in the field {field!r}: {_named(ours)}")
    return Found(ours[0]) if ours else _unless_hidden(hidden, field, pages.unending)


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


def holds_mark(execution: Item, field: str, mark: str) -> bool | None:
    """
    Return whether the forms of an execution contain a mark; pure.

    Only letters and digits count, because Kiban may normalise the value.

    :param execution: its detail
    :returns: None if the field is not shown or empty, or its value is similar to the mark
    """
    wanted = _plain(mark)
    shown = [_plain(form[field]) for form in forms(execution) if form.get(field) is not None]
    if wanted and wanted in shown:
        return True
    others = [value for value in shown if value]
    resembles = any(wanted.startswith(value) or wanted[-UNIQUE:] in value for value in others)
    return False if others and not resembles else None


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


def _unless_hidden(hidden: list[str], field: str, unending: str) -> LookupResult:
    why = [f"the search did not reach the end: {unending}"] if unending else []
    if hidden:
        why.append(
            f"the field {field!r} is empty, or similar to the mark, in {len(hidden)} executions: "
            f"{_named(hidden)}"
        )
    return Unknown("\n".join(why), may_change=True) if why else NotSent()


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")


def _plain(value: Any) -> str:
    return "".join(c for c in str(value).casefold() if c.isalnum())


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
