"""Converts values of a connection's extra to the field's type; a connection URI holds only text."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from airflow_provider_workflows.core.connection.form import Kind

TRUE = frozenset({"true", "yes", "on", "1"})
FALSE = frozenset({"false", "no", "off", "0"})


def _as_text(value: object) -> str:
    if isinstance(value, (dict, list)):
        raise TypeError
    return str(value)


def _as_boolean(value: object) -> bool:
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


def _as_integer(value: object) -> int:
    number = _as_number(value)
    if number != int(number):
        raise ValueError
    return int(number)


def _as_object(value: object) -> dict[str, str]:
    decoded = json.loads(value) if isinstance(value, str) else value
    if not isinstance(decoded, dict) or not all(isinstance(entry, str) for entry in decoded.values()):
        raise TypeError
    return decoded


#: Converter by kind of field; each raises TypeError or ValueError for an invalid value.
CONVERSIONS: dict[Kind, Callable[[object], object]] = {
    "string": _as_text,
    "boolean": _as_boolean,
    "number": _as_number,
    "integer": _as_integer,
    "object": _as_object,
}
