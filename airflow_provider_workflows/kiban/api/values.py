"""Ids, paths, dates and links in Kiban's calls."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import parse_qs, urlsplit

from airflow_provider_workflows.core.protocol.message import can_be_id, quoted
from airflow_provider_workflows.exceptions import InvalidInput

VENDOR = "Kiban Workfloo"
WORKFLOO = "/api/v1/workfloo"
#: An execution's id; the vendor's examples have 24 hexadecimal digits.
_ID = re.compile(r"[0-9A-Za-z_-]{1,200}")
#: One link of a Link header (RFC 8288): the URL and its parameters.
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*"?[^";,]*\bnext\b', re.IGNORECASE)


def is_id(text: str) -> bool:
    """Return whether Kiban can have given this id to an execution."""
    return text != "None" and _ID.fullmatch(text) is not None


def identifier(value: Any, name: str) -> str:
    """
    Return an id of Kiban's, checked.

    :raises InvalidInput: it is empty, ``None`` from a template without a value, or cannot be an id
    """
    text = value.strip() if isinstance(value, str) else ""
    if not can_be_id(text):
        raise InvalidInput(f"{name} must be a non-empty id, got {value!r:.100}")
    return text


def of_execution(execution_id: Any, call: str = "") -> str:
    """Return the path of an execution, or of a call for it."""
    return f"{WORKFLOO}/{quoted(identifier(execution_id, 'execution_id'))}{call}"


def date(value: Any, name: str) -> str | None:
    """
    Return a point in time in RFC 3339, as the history's filters require (vendor documentation).

    :param value: an aware datetime, or text of one; None is returned unchanged
    :raises InvalidInput: it is neither
    """
    if value is None:
        return None
    try:
        instant = dt.datetime.fromisoformat(value.strip()) if isinstance(value, str) else value
    except ValueError:
        instant = None
    if not isinstance(instant, dt.datetime) or instant.utcoffset() is None:
        raise InvalidInput(f"{name} must be a datetime with a time zone, or ISO 8601 text with an offset")
    return instant.isoformat()


def next_page(link: str, *, page: int) -> int | None:
    """
    Return the number of the next page according to a Link header; None if there is none.

    The URL itself is not used, because it may have the vendor's own host, even with another base URL.

    :param page: number of the page that the header came with
    """
    for address, parameters in _LINK.findall(link):
        if _NEXT.search(parameters):
            number = parse_qs(urlsplit(address).query).get("page", [""])[-1]
            return int(number) if number.isascii() and number.isdigit() else page + 1
    return None


def callback(value: Any) -> str:
    """
    Return the URL of a callback, checked.

    :raises InvalidInput: it is not an HTTP URL
    """
    if not isinstance(value, str) or not value.strip().lower().startswith(("https://", "http://")):
        raise InvalidInput("callback_url must be a URL that starts with http:// or https://")
    return value.strip()
