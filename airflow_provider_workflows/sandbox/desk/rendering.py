"""Filling in the desk's templates. Everything is escaped: what vendors hold may be hostile."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined

from airflow_provider_workflows.sandbox.vendor import Action, Record

PACKAGE = "airflow_provider_workflows.sandbox.desk"
#: Characters of a value that a page shows; a vendor may hold megabytes.
SHOWN = 2000


def address(mount: str, record_id: str = "") -> str:
    """Return where a server's records are shown, or one of them."""
    parts = ["", "records", mount, *([record_id] if record_id else [])]
    return "/".join(quote(part, safe="/", errors="replace") for part in parts)


def address_of(record: Record) -> str:
    """Return where a record is shown, for ever."""
    return address(record.vendor, record.id)


def button_of(action: Action) -> str:
    """Return what the button of an action says beside the name of its stop."""
    return action.button or action.label


def moment(at: float) -> str:
    """Return a time in seconds since the epoch as people read it, in UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")


def when(at: float, now: float) -> str:
    """Return a time of today as the time of the day alone, and others with their date."""
    moments = [datetime.fromtimestamp(one, UTC) for one in (at, now)]
    same = moments[0].date() == moments[1].date()
    return moments[0].strftime("%H:%M:%S" if same else "%Y-%m-%d %H:%M:%S")


def shortened(text: object, most: int = SHOWN) -> str:
    """Return the beginning of a long text, and say how much is missing."""
    whole = str(text)
    return whole if len(whole) <= most else f"{whole[:most]}… ({len(whole) - most:,} more characters)"


def measured(size: int) -> str:
    """Return a number of bytes as people read it."""
    for unit, one in (("MB", 1_000_000), ("kB", 1000)):
        if size >= one:
            return f"{size / one:.1f} {unit}"
    return f"{size} bytes"


_TEMPLATES = Environment(
    loader=PackageLoader(PACKAGE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_TEMPLATES.filters |= {
    "address_of": address_of,
    "button_of": button_of,
    "combined": lambda first, second: {**first, **second},
    "measured": measured,
    "moment": moment,
    "shortened": shortened,
    "when": when,
}
_TEMPLATES.globals["address"] = address


def render(template: str, values: Mapping[str, Any]) -> bytes:
    """Fill in a template of the folder ``templates``; what cannot be written in UTF-8 becomes a ``?``."""
    return _TEMPLATES.get_template(template).render(values).encode("utf-8", "replace")


@cache
def static(name: str) -> bytes:
    """Return a file of the folder ``static``."""
    return files(PACKAGE).joinpath("static", name).read_bytes()
