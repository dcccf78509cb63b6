"""The two histories: filters, pages, and the Link header of the second."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from airflow_provider_workflows.sandbox.kiban.declared import Choices
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution
from airflow_provider_workflows.sandbox.kiban.refusal import as_json, wrong_parameter
from airflow_provider_workflows.sandbox.kiban.views import detail_of, moment
from airflow_provider_workflows.sandbox.vendor import Answer

Query = Mapping[str, str]
Test = Callable[[Execution], bool]

#: Statuses that the histories filter by (vendor's SDK); what any other is answered with is chosen.
STATUSES = ("SUCCESS", "ERROR", "PROGRESS")
_FORM_FILTER = "nodes.form.searchableBy."
_NO_FILTERS = frozenset({"page", "itemsPerPage", "status", "from", "to", "format", "content", "sandbox"})
#: Links name the vendor's own host, whatever address the request came to.
_HOST = "https://workfloo.kiban.com"


def history_v1(engine: Engine, query: Query, *, is_visible: Test, choices: Choices) -> Answer:
    """
    Return a page in an envelope (vendor's SDK).

    ``page`` and ``itemsPerPage`` are required, and dates are RFC 3339, which have an offset.
    """
    for name in ("page", "itemsPerPage"):
        if name not in query:
            raise wrong_parameter(name, "ERROR_QUERY_PARAM_FORMAT", f"{name} is required")
    page, size = _page(query, choices)
    found = _found(engine, query, is_visible, needs_offset=True)
    items = [_item(one) for one in found[(page - 1) * size : page * size]]
    return as_json({"currentPage": page, "hasNextPage": len(found) > page * size, "items": items})


def history_v2(engine: Engine, query: Query, *, is_visible: Test, choices: Choices) -> Answer:
    """
    Return a page as an array, or as CSV; the neighbours are in the Link header (vendor documentation).

    With ``content=true`` an item is the whole execution instead of its summary (vendor's SDK). Dates are ISO
    8601, with an offset or without (vendor's SDK), which is then that of UTC (chosen).
    """
    page, size = _page(query, choices)
    found = _found(engine, query, is_visible, needs_offset=False)
    chosen = found[(page - 1) * size : page * size]
    links = _links(query, page, has_next=len(found) > page * size)
    headers = (("Link", ", ".join(links)),) if links else ()
    # JSON and CSV in one source, json and csv in another.
    match query.get("format", "JSON").upper():
        case "CSV":
            return Answer(_as_csv(chosen), content_type="text/csv", headers=headers)
        case "JSON":
            whole = query.get("content") == "true"
            items = [_whole(one, choices.content_key) if whole else _item(one) for one in chosen]
            return Answer(as_json(items).body, headers=headers)
    raise wrong_parameter("format", "FORMAT_ERROR", "must be one of JSON, CSV")


def _page(query: Query, choices: Choices) -> tuple[int, int]:
    numbers = {}
    for name, usual in (("page", "1"), ("itemsPerPage", "100")):
        text = query.get(name, usual)
        if not (text.isascii() and text.isdigit()):
            raise wrong_parameter(name, "ERROR_QUERY_PARAM_FORMAT", f"{name} must be a number")
        numbers[name] = int(text)
    if numbers["page"] < 1:
        raise wrong_parameter("page", "FORMAT_ERROR", "must be 1 or more")
    if not 1 <= numbers["itemsPerPage"] <= choices.most_items:
        raise wrong_parameter("itemsPerPage", "FORMAT_ERROR", f"must be in [1, {choices.most_items}]")
    return numbers["page"], numbers["itemsPerPage"]


def _found(engine: Engine, query: Query, is_visible: Test, *, needs_offset: bool) -> list[Execution]:
    """Return what the filters leave, newest first (chosen)."""
    begin, end = (_date(query, name, needs_offset=needs_offset) for name in ("from", "to"))
    if query.get("status", STATUSES[0]) not in STATUSES:
        raise wrong_parameter("status", "FORMAT_ERROR", f"must be one of {', '.join(STATUSES)}")
    kept = [
        one
        for one in _candidates(engine, query, begin, end)
        if is_visible(one)
        and query.get("status") in (None, one.status)
        and (begin is None or one.created >= begin)
        and (end is None or one.created <= end)
        and all(_matches(one, name, value) for name, value in query.items() if name not in _NO_FILTERS)
    ]
    return sorted(kept, key=lambda one: one.number, reverse=True)


def _candidates(engine: Engine, query: Query, begin: float | None, end: float | None) -> Iterable[Execution]:
    """Return the executions to test: that of an id, those with an answer, or else those of the time."""
    if (one := engine.executions.get(query.get("_id", ""))) is not None:
        return [one]
    for name, value in query.items():
        if name.startswith(_FORM_FILTER):
            return engine.answering(name.removeprefix(_FORM_FILTER), value)
    return engine.created(-math.inf if begin is None else begin, math.inf if end is None else end)


def _date(query: Query, name: str, *, needs_offset: bool) -> float | None:
    if name not in query:
        return None
    try:
        date = datetime.fromisoformat(query[name])
    except ValueError:
        date = None
    if date is None or (needs_offset and date.tzinfo is None):
        wanted = "RFC 3339" if needs_offset else "ISO 8601"
        raise wrong_parameter(name, "FORMAT_ERROR", f"must be a date of {wanted}")
    return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()


def _matches(execution: Execution, name: str, value: str) -> bool:
    if name.startswith(_FORM_FILTER):
        # The beginning, in any case (vendor's SDK).
        wanted, beginning = name.removeprefix(_FORM_FILTER), value.casefold()
        return any(
            held == wanted and text.casefold().startswith(beginning) for held, text in execution.searchable()
        )
    match name:
        case "labels":
            # Several, with semicolons between (vendor's SDK); that each must be there is chosen.
            return {one.strip() for one in value.split(";")} <= set(execution.labels)
        case "name":
            # A part of it (vendor's SDK), in any case (chosen).
            return value.casefold() in execution.workfloo.name.casefold()
    # Any other parameter is a filter, too (vendor's SDK); one that is unknown finds nothing (chosen).
    return {"_id": execution.id, "origin": "API"}.get(name) == value


def _item(execution: Execution) -> dict[str, Any]:
    return {
        "id": execution.id,
        "idUnykoo": execution.number,
        "name": execution.workfloo.name,
        "status": execution.status,
        "createdAt": moment(execution.created),
        "modifiedAt": moment(execution.modified),
        "createdBy": "API",
        "origin": "API",
        "ipOrigin": "127.0.0.1",
        "currentNodeName": execution.visit.node.name if execution.visit else "",
        "labels": execution.labels or None,
    }


def _whole(execution: Execution, key: str) -> dict[str, Any]:
    return {**_item(execution), key: detail_of(execution)} if key else detail_of(execution)


def _links(query: Query, page: int, *, has_next: bool) -> list[str]:
    neighbours = {"prev": page - 1 if page > 1 else None, "next": page + 1 if has_next else None}
    return [
        f'<{_HOST}/api/v2/workfloo?{urlencode({**query, "page": number})}>; rel="{name}"'
        for name, number in neighbours.items()
        if number is not None
    ]


def _as_csv(executions: Iterable[Execution]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("id", "name", "status", "createdAt"))
    writer.writerows((one.id, one.workfloo.name, one.status, moment(one.created)) for one in executions)
    return text.getvalue().encode()
