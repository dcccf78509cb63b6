"""From what a connection's extra has to a field's type; from a URI comes nothing but text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_workflows.base.form import Kind

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def _as_text(value: Any) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError
    return str(value)


def _as_boolean(value: Any) -> bool:
    text = str(value).lower()
    if text not in TRUE | FALSE:
        raise ValueError
    return text in TRUE


def _as_number(value: Any) -> float:
    if isinstance(value, bool):
        raise TypeError
    number = float(value)
    if number != number or number in (float("inf"), float("-inf")):
        raise ValueError
    return number


def _as_integer(value: Any) -> int:
    number = _as_number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _as_object(value: Any) -> dict[str, Any]:
    decoded = json.loads(value) if isinstance(value, str) else value
    if not isinstance(decoded, dict) or not all(isinstance(entry, str) for entry in decoded.values()):
        raise TypeError
    return decoded


#: By kind of the field; each raises TypeError or ValueError for what is no such value.
CONVERSIONS: dict[Kind, Callable[[Any], Any]] = {
    "string": _as_text,
    "boolean": _as_boolean,
    "number": _as_number,
    "integer": _as_integer,
    "object": _as_object,
}
