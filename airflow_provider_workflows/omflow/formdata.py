"""Checks what goes into an order's form, before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text

#: Any other id writes a column of the order's table: an open with id ``closed`` makes an order born closed
#: (recorded), and lower case is not recognised.
_FIELD = re.compile(r"FORMITM_[0-9]+")
_ITEM_KEYS = frozenset({"id", "type", "value"})


def form_items(form_data: Any) -> list[dict[str, Any]]:
    """
    Return form data as the vendor's list of items.

    :param form_data: a mapping ``{"FORMITM_1": value, ...}``, or the vendor's own list of
        ``{"id": ..., "type": ..., "value": ...}``, or JSON text of either. In a mapping, the type follows
        from the value: a list is a ``checkbox``, an object a ``h_group``, anything else an ``inputbox``;
        server 1.1 demands a type but accepts any (recorded). Items name theirs, such as ``h_title``, which
        also fills the order's title.
    :raises InvalidInput: names the field and what was expected
    """
    if form_data is None:
        return []
    form_data = from_text(form_data, "form_data")
    if isinstance(form_data, Mapping):
        items = [{"id": name, "value": value} for name, value in form_data.items()]
    elif isinstance(form_data, Sequence) and not isinstance(form_data, (str, bytes)):
        items = [_item(item) for item in form_data]
    else:
        raise InvalidInput(
            "form_data must be a mapping FORMITM_n -> value or a list of items, got "
            f"{type(form_data).__name__}"
        )
    for item in items:
        check_field(item["id"])
    names = [item["id"] for item in items]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(f"form_data names {', '.join(sorted(twice))} more than once")
    return [_complete(item) for item in items]


def check_field(name: Any) -> str:
    """
    Return the id of a form field if it is one.

    :raises InvalidInput: it is not ``FORMITM_`` and digits
    """
    if not isinstance(name, str) or not _FIELD.fullmatch(name):
        raise InvalidInput(f"{name!r} is not a form field: expected FORMITM_ and a number, such as FORMITM_1")
    return name


def column(field: str) -> str:
    """Return the column of the order's table that holds a form field."""
    return check_field(field).lower()


def stored(value: Any) -> str:
    """Return a value as the order's table holds it, for comparing; lists and objects as JSON text."""
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def _item(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not {"id", "value"} <= set(item) <= _ITEM_KEYS:
        raise InvalidInput("Each item of form_data must be an object with id, value and, if wanted, type")
    return dict(item)


def _complete(item: dict[str, Any]) -> dict[str, Any]:
    value = _value(item["id"], item["value"])
    kind = item.get("type")
    if kind is None:
        kind = "checkbox" if isinstance(value, list) else "h_group" if isinstance(value, dict) else "inputbox"
    if not isinstance(kind, str):
        raise InvalidInput(f"form_data {item['id']}: type must be text, got {type(kind).__name__}")
    return {"id": item["id"], "type": kind, "value": value}


def _value(name: str, value: Any) -> Any:
    """
    Return a value as the vendor takes it: numbers as text, since a number in a field with a regex fails.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or value is None:
        raise InvalidInput(
            f"form_data {name}: expected text, a number, a list or an object, got {value!r}; "
            'OMFlow has no such value (use the text that the form shows, or "" for empty)'
        )
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, Mapping):
        return {str(key): str(entry) for key, entry in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [str(entry) for entry in value]
    raise InvalidInput(
        f"form_data {name}: expected text, a number, a list or an object, got {type(value).__name__}"
    )
