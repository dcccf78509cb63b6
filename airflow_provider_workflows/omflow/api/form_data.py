"""Checks and converts the values of an order's form, before anything is sent."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.core.protocol.body import encode_json, from_text
from airflow_provider_workflows.exceptions import InvalidInput, WorkflowError

#: Any other id would write a column of the order's table: opening an order with the id ``closed`` creates a
#: closed order (recorded). Lower case is not recognised.
_FIELD = re.compile(r"FORMITM_[0-9]+")
_ITEM_KEYS = frozenset({"id", "type", "value"})


@dataclass
class KnownForms:
    """
    What one connection's API has read so far, by process.

    :param types: types of the header's fields, by field; None if they cannot be read
    :param fields: fields that the form has
    :param problems: why no order's rows can be read, or which field the form does not have
    :param warned: problems that the log has
    """

    types: dict[str, Mapping[str, str] | None] = field(default_factory=dict)
    fields: dict[str, frozenset[str]] = field(default_factory=dict)
    problems: dict[tuple[str, frozenset[str]], WorkflowError] = field(default_factory=dict)
    warned: set[str] = field(default_factory=set)


def form_items(form_data: Any, item_types: Any = None) -> list[dict[str, Any]]:
    """
    Return form data as the vendor's list of items.

    :param form_data: a mapping ``{"FORMITM_1": value, ...}``, or the vendor's own list of ``{"id": ...,
        "type": ..., "value": ...}``, or JSON text of either
    :param item_types: mapping of ``FORMITM_n`` to type, for items that do not state their own. The types
        ``h_title``, ``h_level``, ``h_status`` and ``h_group`` also fill the order's header
    :returns: items with ``id`` and ``value``, and with a ``type`` only if there is one for it
    :raises InvalidInput: the message names the field and what is expected
    """
    if form_data is None:
        return []
    if isinstance(form_data, str):
        form_data = from_text(form_data, "form_data")
    if isinstance(form_data, Mapping):
        items = [{"id": name, "value": value} for name, value in form_data.items()]
    elif isinstance(form_data, Sequence) and not isinstance(form_data, (str, bytes)):
        items = [_item(item) for item in form_data]
    else:
        raise InvalidInput(
            "form_data must be a mapping of FORMITM_n to value or a list of items, got "
            f"{type(form_data).__name__}"
        )
    for item in items:
        check_field(item["id"])
    names = [item["id"] for item in items]
    if twice := {name for name in names if names.count(name) > 1}:
        raise InvalidInput(f"form_data has a duplicate field: {', '.join(sorted(twice))}")
    types = {} if item_types is None else _types(item_types)
    for item in items:
        name, kind = item["id"], item.pop("type", types.get(item["id"]))
        if not (kind is None or isinstance(kind, str)):
            raise InvalidInput(f"form_data {name}: type must be text, got {type(kind).__name__}")
        item["value"] = _value(name, item["value"])
        encode_json({f"form_data {name}": item["value"]})  # refuses what cannot be sent, and names it
        if kind is not None:
            item["type"] = kind
    return items


def typed(
    items: Sequence[Mapping[str, Any]], types: Mapping[str, str], *, version: str
) -> list[dict[str, Any]]:
    """
    Return items as a server takes them.

    Server 1.1 requires a type but accepts any (recorded); 1.2 needs none (manual). Assumption: 1.2 accepts
    the types that 1.1 has. Wrong if 1.2 refuses an item because of its type.

    :param types: types that the form shows, for items without one
    """
    sent = []
    for item in items:
        value, kind, shown = item["value"], item.get("type"), types.get(item["id"])
        # A group as text would be refused with its type, and is accepted without it (recorded).
        if kind is None and shown is not None and (shown == "h_group") == isinstance(value, dict):
            kind = shown
        if kind is None and version == "1.1":
            kind = {"list": "checkbox", "dict": "h_group"}.get(type(value).__name__, "inputbox")
        sent.append({"id": item["id"], **({} if kind is None else {"type": kind}), "value": value})
    return sent


def check_field(name: Any) -> str:
    """
    Return a form field's id, checked.

    :raises InvalidInput: it is not ``FORMITM_`` followed by digits
    """
    if not isinstance(name, str) or not _FIELD.fullmatch(name):
        raise InvalidInput(f"{name!r} is not a form field. Expected FORMITM_ and a number, such as FORMITM_1")
    return name


def column(field: str) -> str:
    """Return the column of the order's table that holds a form field."""
    return check_field(field).lower()


def stored(value: Any) -> str:
    """Return a value as the order's table stores it, for comparison; lists and objects as JSON text."""
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def _item(item: Any) -> dict[str, Any]:
    if not isinstance(item, Mapping) or not {"id", "value"} <= set(item) <= _ITEM_KEYS:
        raise InvalidInput("Each item of form_data must be an object with id, value and, optionally, type")
    return dict(item)


def _types(item_types: Any) -> Mapping[str, Any]:
    types = from_text(item_types, "item_types")
    if not isinstance(types, Mapping):
        raise InvalidInput(f"item_types must be a mapping of FORMITM_n to type, got {type(types).__name__}")
    for name in types:
        check_field(name)
    return types


def _value(name: str, value: Any) -> Any:
    """
    Return a value in the form that OMFlow accepts: numbers as text, because a number fails in a field with a
    regex.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, (float, Decimal)) and not Decimal(value).is_finite():
        raise InvalidInput(f"form_data {name}: {value} is not a number")
    if isinstance(value, bool) or value is None:
        raise InvalidInput(
            f"form_data {name}: expected text, a number, a list or an object, got {value!r}. "
            'Use the text that the form shows, or "" for empty'
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
