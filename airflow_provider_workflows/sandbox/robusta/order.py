"""The body of a start, read as the vendor's sources describe it: every flag and number is text."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

# No error body is documented. These are what a Java server of the Orchestrator's kind says, with a code that
# tells refusals apart in tests.
_FLAGS = ("runOnce", "runImmediately")
_TEXTS = ("name", "worker", "quartzDef", "startDate", "endDate", "retryCount")
# Names of days that Quartz knows; "FR" is the slip in a published sample.
_DAY_NAMES = re.compile("[A-Z]+")
_DAYS = frozenset({"SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT", "L"})


class BadOrderError(ValueError):
    """A body that the server refuses; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """A start as the server has understood it; dates are seconds since the epoch."""

    name: str
    run_once: bool
    run_immediately: bool
    worker: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    quartz_def: str | None = None
    start_date: float | None = None
    end_date: float | None = None
    retry_count: int = 0


def read_order(body: bytes, zone: ZoneInfo) -> Order:
    """
    Read a body.

    :param zone: of the server, in which dates are meant.
    :raises BadOrderError: if it is not of the documented form.
    """
    table = _decoded(body)
    for name in _FLAGS:
        if table.get(name) not in ("Y", "N"):
            raise BadOrderError(f'{name} must be "Y" or "N"')
    for name in _TEXTS:
        if not isinstance(table.get(name, ""), str):
            raise BadOrderError(f"{name} must be a string")
    if not table.get("name"):
        raise BadOrderError("name is missing")
    return Order(
        name=table["name"],
        run_once=table["runOnce"] == "Y",
        run_immediately=table["runImmediately"] == "Y",
        worker=table.get("worker"),
        values=_values(table.get("values", {})),
        quartz_def=_quartz(table.get("quartzDef")),
        start_date=_date("startDate", table.get("startDate"), zone),
        end_date=_date("endDate", table.get("endDate"), zone),
        retry_count=_count(table.get("retryCount", "0")),
    )


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        table = json.loads(body)
    except ValueError:
        table = None
    if not isinstance(table, dict):
        raise BadOrderError("the body is no JSON object")
    unknown = sorted(set(table) - {*_FLAGS, *_TEXTS, "values"})
    if unknown:
        # Such as the "run immediately" of a published sample.
        raise BadOrderError(f"unknown {', '.join(unknown)}")
    return table


def _values(values: Any) -> dict[str, str]:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise BadOrderError("values must be an object of strings")
    return values


def _quartz(text: str | None) -> str | None:
    """No more than what tells Quartz from other crons: the number of fields, ``?``, names of days."""
    if text is None:
        return None
    parts = text.upper().split()
    if len(parts) not in (6, 7) or (parts[3] == "?") == (parts[5] == "?"):
        raise BadOrderError(f"quartzDef: {text!r} is no Quartz expression")
    if not set(_DAY_NAMES.findall(parts[5])) <= _DAYS:
        raise BadOrderError(f"quartzDef: invalid day-of-week in {text!r}")
    return text


def _date(name: str, text: str | None, zone: ZoneInfo) -> float | None:
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=zone).timestamp()
    except ValueError:
        raise BadOrderError(f"{name} is not of the form yyyy-MM-dd HH:mm:ss") from None


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise BadOrderError("retryCount is no number")
    return int(text)
