"""Looks through Kiban's history for an execution whose id was never heard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.detail import forms
from airflow_provider_workflows.kiban.values import VENDOR
from airflow_provider_workflows.protocol.errors import UnreadableAnswer, WorkflowError
from airflow_provider_workflows.protocol.operation import Operation, Page

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
class Several(CannotKnow):
    """More than one execution holds the mark; which one counts is in doubt, but none is missing."""


def by_mark(api: KibanApi, *, since: dt.datetime, field: str, mark: str) -> Operation[Trace]:
    """
    Look for the execution whose form holds a mark.

    Only an execution that shows another value in the field is surely none of ours. The history names no
    definition that one could compare, and a form that has not been shown yet, or that never had such a field,
    would hide the mark. What was found stays found, also if the rest of the history cannot be read.

    :param since: executions begun earlier are not looked at
    :param field: id of the form field
    """
    ours: list[str] = []
    hidden: list[str] = []
    pages = Pages()
    try:
        while not pages.are_over:
            page = yield from api.history(since=since, page=pages.number, items_per_page=PAGE, content=True)
            for id, item in pages.turn(page).items():
                shown = holds_mark((yield from _content(api, item)), field, mark)
                if shown is not False:
                    (ours if shown else hidden).append(id)
    except WorkflowError:
        if not ours:
            raise
    if len(ours) > 1:
        return Several(f"{len(ours)} executions hold its mark in the field {field!r} ({_named(ours)})")
    return Found(ours[0]) if ours else _unless_hidden(hidden, field, pages.unending)


def in_period(api: KibanApi, *, since: dt.datetime) -> Operation[Trace]:
    """Look whether any execution was begun since an instant; without a mark, each may be ours."""
    newest = ("", "")
    pages = Pages()
    while not pages.are_over:
        page = yield from api.history(since=since, page=pages.number, items_per_page=PAGE)
        new = pages.turn(page)
        newest = max([newest, *((str(item.get("createdAt") or ""), id) for id, item in new.items())])
    if not pages.ids:
        return CannotKnow(pages.unending, may_change=True) if pages.unending else Absent()
    created, newest_id = newest
    more = f"; and {pages.unending}" if pages.unending else ""
    return CannotKnow(
        f"Kiban's history lists {len(pages.ids)} begun since {since:%Y-%m-%d %H:%M:%S} UTC, the newest "
        f"{newest_id} of {created or 'an unknown time'}, and nothing tells whether one of them is this "
        f"task's{more}"
    )


def holds_mark(execution: Item, field: str, mark: str) -> bool | None:
    """
    Tell whether the forms of an execution hold a mark: pure.

    Only letters and digits count; an engine may tidy what it is given.

    :param execution: its detail
    :returns: None if they show nothing in the field, or what may be a part of the mark or made of it
    """
    wanted = _plain(mark)
    shown = [_plain(form[field]) for form in forms(execution) if form.get(field) is not None]
    if wanted and wanted in shown:
        return True
    others = [value for value in shown if value]
    resembles = any(wanted.startswith(value) or wanted[-UNIQUE:] in value for value in others)
    return False if others and not resembles else None


class Pages:
    """The way through a history, to its end or to where it leads no further."""

    def __init__(self) -> None:
        #: Of the page to ask for, unless they are over.
        self.number = 1
        self.are_over = False
        #: Of the executions listed so far.
        self.ids: set[str] = set()
        #: Why the end was not reached, in words; empty if it was.
        self.unending = ""
        self._turned = 0

    def turn(self, page: Page[Item]) -> dict[str, Item]:
        """Return the executions that no earlier page listed, by id, and turn to the next page."""
        new = {id: item for item in page.items if (id := _id(item)) not in self.ids}
        self.ids.update(new)
        self._turned += 1
        following = _following(page, self.number)
        # An execution begun in between moves those listed to later pages, and was itself not seen.
        if not new and (page.items or following is not None):
            self.unending = f"page {self.number} of Kiban's history lists none that was not listed before"
        elif following is not None and following <= self.number:
            self.unending = f"Kiban's history calls page {following} the one after {self.number}"
        elif following is not None and self._turned >= MOST_PAGES:
            self.unending = f"Kiban's history goes on after {MOST_PAGES} pages"
        self.are_over = following is None or bool(self.unending)
        self.number = following or self.number
        return new


def _unless_hidden(hidden: list[str], field: str, unending: str) -> Trace:
    why = [f"{unending}, so that its end was not seen"] if unending else []
    if hidden:
        why.append(
            f"the forms of {len(hidden)} executions of that time show nothing in the field {field!r} "
            f"({_named(hidden)}), or what resembles the mark"
        )
    return CannotKnow("; and ".join(why), may_change=True) if why else Absent()


def _named(ids: list[str]) -> str:
    return ", ".join(ids[:MOST_NAMED]) + (", ..." if len(ids) > MOST_NAMED else "")


def _plain(value: Any) -> str:
    return "".join(c for c in str(value).casefold() if c.isalnum())


def _content(api: KibanApi, item: Item) -> Operation[Item]:
    """Return an item's execution; where it stands in the item is not documented."""
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
    if not isinstance(found, str) or not found:
        raise UnreadableAnswer(
            "Kiban's history lists an execution without id", vendor=VENDOR, operation="list executions"
        )
    return found
