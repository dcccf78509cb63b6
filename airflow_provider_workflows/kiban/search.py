"""Looks through Kiban's history for an execution whose id was never heard."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from typing import Any

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.detail import forms, tidy
from airflow_provider_workflows.kiban.values import VENDOR
from airflow_provider_workflows.protocol.errors import UnreadableAnswer
from airflow_provider_workflows.protocol.operation import Operation, Page

#: Executions a page.
PAGE = 100
#: How many executions a message names.
MOST_NAMED = 5

Item = Mapping[str, Any]


def by_mark(api: KibanApi, *, since: dt.datetime, field: str, mark: str) -> Operation[Trace]:
    """
    Look for the execution whose form holds a mark.

    Only an execution that shows another value in the field is surely none of ours. The history names no
    definition that one could compare, and a form that has not been shown yet, or that never had such a field,
    would hide the mark.

    :param since: executions begun earlier are not looked at
    :param field: id of the form field
    """
    hidden: list[str] = []
    number: int | None = 1
    while number is not None:
        page = yield from api.history(since=since, page=number, items_per_page=PAGE, content=True)
        for item in page.items:
            shown = holds_mark((yield from _content(api, item)), field, mark)
            if shown:
                return Found(_id(item))
            if shown is None:
                hidden.append(_id(item))
        number = _following(page, number)
    return _unless_hidden(hidden, field)


def in_period(api: KibanApi, *, since: dt.datetime) -> Operation[Trace]:
    """Look whether any execution was begun since an instant; without a mark, each may be ours."""
    count, newest = 0, ("", "")
    number: int | None = 1
    while number is not None:
        page = yield from api.history(since=since, page=number, items_per_page=PAGE)
        count += len(page.items)
        newest = max([newest, *((str(item.get("createdAt") or ""), _id(item)) for item in page.items)])
        number = _following(page, number)
    if not count:
        return Absent()
    created, newest_id = newest
    return CannotKnow(
        f"Kiban's history lists {count} begun since {since:%Y-%m-%d %H:%M:%S} UTC, the newest {newest_id} of "
        f"{created or 'an unknown time'}, and nothing tells whether one of them is this task's"
    )


def holds_mark(execution: Item, field: str, mark: str) -> bool | None:
    """
    Tell whether the forms of an execution hold a mark: pure.

    :param execution: its detail
    :returns: None if they show nothing in the field, or what may be a part of the mark
    """
    shown = [tidy(form[field]) for form in forms(execution) if form.get(field) is not None]
    if tidy(mark) in shown:
        return True
    others = [str(value) for value in shown if value != ""]
    is_part = any(str(tidy(mark)).startswith(value) for value in others)
    return False if others and not is_part else None


def _unless_hidden(hidden: list[str], field: str) -> Trace:
    if not hidden:
        return Absent()
    named = ", ".join(hidden[:MOST_NAMED]) + (", ..." if len(hidden) > MOST_NAMED else "")
    return CannotKnow(
        f"the forms of {len(hidden)} executions of that time show nothing in the field {field!r} ({named})",
        may_change=True,
    )


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
    if following is None and len(page.items) >= PAGE:
        following = number + 1
    if following is not None and following <= number:
        raise UnreadableAnswer(
            f"Kiban's history calls page {following} the one after {number}",
            vendor=VENDOR,
            operation="list executions",
        )
    return following


def _id(item: Item) -> str:
    found = item.get("id")
    if not isinstance(found, str) or not found:
        raise UnreadableAnswer(
            "Kiban's history lists an execution without id", vendor=VENDOR, operation="list executions"
        )
    return found
