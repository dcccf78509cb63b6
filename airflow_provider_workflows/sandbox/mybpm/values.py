"""Values as the sandbox takes, keeps and shows them."""

from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from typing import Any

from airflow_provider_workflows.sandbox.mybpm.declared import Field
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")
_ZONE = re.compile(r"GMT([+-])(\d\d)(\d\d)")
# How far from Greenwich clocks are set on Earth.
_WEST, _EAST = timedelta(hours=-12), timedelta(hours=14)


def accept(field: Field, value: Any) -> str:
    """
    Return a value to keep.

    Stricter than is known of the vendor: it is documented that values are text and what a date looks like,
    not what happens to others.

    :raises Refusal: if it is not text, or not of the field's type.
    """
    if not isinstance(value, str):
        raise Refusal(400, f"{field.code}: a value must be a string, not {type(value).__name__}")
    if value and not _fits(field, value):
        raise Refusal(400, f"{field.code}: {value!r} is no {field.type}")
    return value


def _fits(field: Field, value: str) -> bool:
    match field.type:
        case "INPUT_NUMBER":
            return _NUMBER.fullmatch(value) is not None
        case "FULL_DATE":
            return _MOMENT.fullmatch(value) is not None and _is_date(value)
        case "RADIO_BUTTON_GROUP":
            return value in field.options
        case "REFERENCE":
            return False
    return True


def _is_date(value: str) -> bool:
    try:
        datetime.fromisoformat(value)
    except ValueError:
        return False
    return True


def told(field: Field, value: str, zone: timezone) -> dict[str, str]:
    """Return a value as an answer shows it: dates in the user's zone, options with their label."""
    api, display = value, value
    if value and field.type == "FULL_DATE":
        return {**told_moment(datetime.fromisoformat(value), zone), "type": field.type}
    if field.type == "RADIO_BUTTON_GROUP":
        display = field.options.get(value, "")
    return {"apiValue": api, "displayValue": display, "type": field.type}


def told_moment(moment: datetime, zone: timezone) -> dict[str, str]:
    """Return a moment in the user's zone; people see it to the minute."""
    local = moment.astimezone(zone)
    return {"apiValue": short_offset(local), "displayValue": local.strftime("%Y-%m-%d %H:%M")}


def short_offset(moment: datetime) -> str:
    """ISO 8601 with milliseconds and an offset of two digits unless there are minutes, as Java's ``X``."""
    text = moment.isoformat(timespec="milliseconds")
    if moment.utcoffset() == timedelta(0):
        return text[:-6] + "Z"
    return text[:-3] if text.endswith(":00") else text[:-3] + text[-2:]


def read_zone(text: Any) -> timezone | None:
    """
    Return a zone of the form ``GMT+0600``; None if it is not of it, or no clock on Earth is set so.

    What the vendor makes of others is not known; it may be less strict.
    """
    found = _ZONE.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    sign, hours, minutes = found.groups()
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    offset = -offset if sign == "-" else offset
    return timezone(offset) if _WEST <= offset <= _EAST else None
