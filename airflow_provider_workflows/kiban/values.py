"""How Kiban's calls put ids, addresses, dates and links."""

from __future__ import annotations

import datetime as dt
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from airflow_provider_workflows.protocol.errors import InvalidInput

VENDOR = "Kiban Workfloo"
WORKFLOO = "/api/v1/workfloo"
#: One link of a Link header (RFC 8288): the address, and its parameters.
_LINK = re.compile(r"<([^>]*)>([^<]*)")
_NEXT = re.compile(r';\s*rel\s*=\s*"?[^";,]*\bnext\b', re.IGNORECASE)


def identifier(value: Any, name: str) -> str:
    """
    Return an id of the vendor's.

    :raises InvalidInput: it is empty, or ``None`` from a template that found nothing
    """
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise InvalidInput(f"{name} must be an id, got {value!r}")
    return value.strip()


def of_execution(execution_id: Any, call: str = "") -> str:
    """Return the path of an execution, or of a call on it."""
    return f"{WORKFLOO}/{quote(identifier(execution_id, 'execution_id'), safe='')}{call}"


def date(value: Any, name: str) -> str | None:
    """
    Return an instant in RFC 3339, as the history's filters want it (vendor documentation).

    :param value: an aware datetime, or text of one; None for none
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
    Return the number of the page that a Link header calls the next; None if there is none.

    The address itself is not followed: it names the vendor's own host, also behind another base URL.

    :param page: number of the page that the header came with
    """
    for address, parameters in _LINK.findall(link):
        if _NEXT.search(parameters):
            number = parse_qs(urlsplit(address).query).get("page", [""])[-1]
            return int(number) if number.isascii() and number.isdigit() else page + 1
    return None


def callback(value: Any) -> str:
    """
    Return the URL of a callback.

    :raises InvalidInput: it is none
    """
    if not isinstance(value, str) or not value.strip().lower().startswith(("https://", "http://")):
        raise InvalidInput("callback_url must be a URL with http or https")
    return value.strip()
