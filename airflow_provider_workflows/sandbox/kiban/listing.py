"""The two histories: filters, pages, and the Link header of the second."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from airflow_provider_workflows.sandbox.kiban.execution import Execution
from airflow_provider_workflows.sandbox.kiban.refusal import as_json, wrong_parameter
from airflow_provider_workflows.sandbox.kiban.views import detail_of, moment
from airflow_provider_workflows.sandbox.vendor import Answer

Query = Mapping[str, str]

#: The vendor's text says 10,000, its error message this (vendor documentation).
MOST_ITEMS = 1000
_FORM_FILTER = "nodes.form.searchableBy."
_NO_FILTERS = frozenset({"page", "itemsPerPage", "status", "from", "to", "format", "content", "sandbox"})
#: Links name the vendor's own host, whatever address the request came to.
_HOST = "https://workfloo.kiban.com"


def history_v1(executions: Iterable[Execution], query: Query) -> Answer:
    """A page in an envelope; ``page`` and ``itemsPerPage`` are required (vendor's SDK)."""
    for name in ("page", "itemsPerPage"):
        if name not in query:
            raise wrong_parameter(name, "ERROR_QUERY_PARAM_FORMAT", f"{name} is required")
    page, size = _page(query)
    found = _found(executions, query)
    items = [_item(one) for one in found[(page - 1) * size : page * size]]
    return as_json({"currentPage": page, "hasNextPage": len(found) > page * size, "items": items})


def history_v2(executions: Iterable[Execution], query: Query, *, content_key: str) -> Answer:
    """A page as an array, or as CSV; the neighbours are in the Link header (vendor documentation).

    :param content_key: under which an item holds its execution, which is not documented; empty if the
        execution's own names stand in the item.
    """
    page, size = _page(query)
    found = _found(executions, query)
    chosen = found[(page - 1) * size : page * size]
    links = _links(query, page, has_next=len(found) > page * size)
    headers = (("Link", ", ".join(links)),) if links else ()
    wanted = query.get("format", "json")
    if wanted.lower() == "csv":
        return Answer(_as_csv(chosen), content_type="text/csv", headers=headers)
    if wanted != "json":
        raise wrong_parameter("format", "FORMAT_ERROR", "must be one of json, csv")
    content = query.get("content") == "true"
    items = [_item(one) | (_content(one, content_key) if content else {}) for one in chosen]
    return Answer(as_json(items).body, headers=headers)


def _page(query: Query) -> tuple[int, int]:
    numbers = {}
    for name, usual in (("page", "1"), ("itemsPerPage", "100")):
        text = query.get(name, usual)
        if not (text.isascii() and text.isdigit()):
            raise wrong_parameter(name, "ERROR_QUERY_PARAM_FORMAT", f"{name} must be a number")
        numbers[name] = int(text)
    if numbers["page"] < 1:
        raise wrong_parameter("page", "FORMAT_ERROR", "must be 1 or more")
    if not 1 <= numbers["itemsPerPage"] <= MOST_ITEMS:
        raise wrong_parameter("itemsPerPage", "FORMAT_ERROR", f"must be in [1, {MOST_ITEMS}]")
    return numbers["page"], numbers["itemsPerPage"]


def _found(executions: Iterable[Execution], query: Query) -> list[Execution]:
    """What the filters leave, newest first (chosen)."""
    begin, end = _date(query, "from"), _date(query, "to")
    kept = [
        one
        for one in executions
        if query.get("status") in (None, one.status)
        and (begin is None or one.created >= begin)
        and (end is None or one.created <= end)
        and all(_matches(one, name, value) for name, value in query.items() if name not in _NO_FILTERS)
    ]
    return sorted(kept, key=lambda one: one.number, reverse=True)


def _date(query: Query, name: str) -> float | None:
    if name not in query:
        return None
    try:
        date = datetime.fromisoformat(query[name])
    except ValueError:
        date = None
    if date is None or date.tzinfo is None:
        raise wrong_parameter(name, "FORMAT_ERROR", "must be a date of RFC 3339")
    return date.timestamp()


def _matches(execution: Execution, name: str, value: str) -> bool:
    if name.startswith(_FORM_FILTER):
        return value in _searchable(execution, name.removeprefix(_FORM_FILTER))
    if name == "labels":
        return value in execution.labels
    # Any other parameter is a filter, too (vendor's SDK); one that is unknown finds nothing (chosen).
    known = {"_id": execution.id, "name": execution.workfloo.name, "origin": "API"}
    return known.get(name) == value


def _searchable(execution: Execution, name: str) -> list[str]:
    return [
        str((visit.form or {}).get(one.id))
        for visit in execution.visits
        for one in visit.node.fields
        if one.searchable_by == name
    ]


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


def _content(execution: Execution, key: str) -> dict[str, Any]:
    return {key: detail_of(execution)} if key else detail_of(execution)


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
