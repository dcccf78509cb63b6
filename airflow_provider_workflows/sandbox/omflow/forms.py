"""Form data: how the vendor reads, checks and stores it."""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.sandbox.omflow.dialect import Dialect
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import FormField, Process
from airflow_provider_workflows.sandbox.omflow.table import Row

_INDICES = "string indices must be integers"
# Columns that an item may reach although they belong to no form (recorded: an order born closed).
_FLAGS = ("history", "closed", "running", "error", "is_child")
_TEXTS = (
    "status",
    "title",
    "level",
    "group",
    "error_message",
    "stop_uuid",
    "stop_chart_type",
    "stop_chart_text",
    "dataid_header",
    "data_param",
)
TRUE = (True, 1, "1", "t", "True")
FALSE = (False, 0, "0", "f", "False")


class StorageError(Exception):
    """A value that the server's database does not take; an open swallows it, a push shows it."""


@dataclass(frozen=True)
class Item:
    """One item of ``formdata``."""

    id: str
    type: str
    value: Any


def read_items(formdata: Any, process: Process, dialect: Dialect, *, status: int) -> list[Item]:
    """
    Return the items of a ``formdata`` that is a list; an empty list stands for none.

    :param status: of the refusal; the vendor gives 500 for open and 404 for push (recorded).
    :raises Refusal: with the server's exception text if an item is not as it expects.
    """
    if formdata is None:
        raise Refusal(404, "'NoneType' object is not iterable")
    return [_item(entry, process, dialect, status) for entry in formdata]


def _item(entry: Any, process: Process, dialect: Dialect, status: int) -> Item:
    if not isinstance(entry, Mapping):
        raise Refusal(status, _INDICES)
    for key in ("id", "value") if dialect.type_optional else ("id", "type", "value"):
        if key not in entry:
            raise Refusal(status, repr(key))
    name = str(entry["id"])
    declared = process.fields.get(name, FormField(id=name))
    return Item(name, str(entry.get("type", declared.type)), entry["value"])


def check_items(items: Sequence[Item], process: Process, required: Sequence[str]) -> None:
    """
    Apply the rules of a form.

    :raises Refusal: if a required field is missing or blank, or a value misses its regex (one text for both).
    """
    blank = {item.id for item in items if item.value in (None, "", [])}
    if not set(required) <= {item.id for item in items} - blank:
        raise Refusal(404, Say.FIELD_MISSING)
    for item in items:
        declared = process.fields.get(item.id)
        if declared is None or not declared.regex:
            continue
        if not isinstance(item.value, str):
            raise Refusal(404, "expected string or bytes-like object")
        # From the start, but not to the end; and a blank does not match, even if the field is optional.
        if not re.match(declared.regex, item.value):
            raise Refusal(404, Say.FIELD_MISSING)


def check_headers(items: Sequence[Item]) -> None:
    """
    Refuse a group that is no object.

    :raises Refusal: with the server's exception text.
    """
    if any(item.type == "h_group" and isinstance(item.value, str) for item in items):
        raise Refusal(404, _INDICES)


def apply_items(row: Row, items: Sequence[Item], process: Process) -> None:
    """
    Write items into a row and the row's own columns: all of them or none.

    :raises StorageError: if the table has no such column or the column takes no such value.
    """
    draft = dataclasses.replace(row, form=dict(row.form))
    for item in items:
        _store(draft, item, process)
    for item in items:
        if item.type in ("h_title", "h_level", "h_status", "h_group"):
            setattr(draft, item.type.removeprefix("h_"), _shown(item, process))
    vars(row).update(vars(draft))


def _store(row: Row, item: Item, process: Process) -> None:
    column = item.id.lower()
    if column in row.form:
        row.form[column] = _text(item.value)
    elif column in _FLAGS:
        setattr(row, column, _flag(item.value))
    elif column in _TEXTS:
        setattr(row, column, _text(item.value))
    else:
        raise StorageError(f"Omdata_{process.uuid} has no field named '{column}'")


def _flag(value: Any) -> bool:
    if value in TRUE:
        return True
    if value in FALSE:
        return False
    raise StorageError(f"['“{value}” value must be either True or False.']")


def _text(value: Any) -> str | None:
    if isinstance(value, list | dict):
        return json.dumps(value)
    return None if value is None else str(value)


def _shown(item: Item, process: Process) -> str | None:
    declared = process.fields.get(item.id)
    labels = declared.labels if declared else {}
    if item.type == "h_group" and isinstance(item.value, Mapping):
        group = str(item.value.get("group", ""))
        return json.dumps({"group": labels.get(group, group), "user": item.value.get("user", "")})
    text = _text(item.value)
    return labels.get(text, text) if text is not None else None
