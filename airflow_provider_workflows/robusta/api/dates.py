"""Dates in the vendor's form: the server's local time, without an offset."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    import pendulum

_EXPECTED = "expected a datetime with a time zone, or ISO 8601 text with an offset"


def local_text(value: Any, name: str, *, zone: pendulum.Timezone) -> str:
    """
    Return a point in time as ``yyyy-MM-dd HH:mm:ss`` in the server's time zone (vendor documentation).

    Fractions of a second are cut off, because that form cannot express them.

    :param value: an aware datetime, or ISO 8601 text with an offset, to which templates render one
    :param name: name of the argument, for errors
    :param zone: time zone in which the server reads dates
    :raises InvalidInput: it is not a point in time, or is in the hour that occurs twice when daylight saving
        time ends: the vendor's form is then ambiguous, and it is not known how the server reads it
    """
    local = _in_zone(instant(value, name), name, zone)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        raise InvalidInput(
            f"{name} {local.isoformat()} is in the hour that occurs twice in {zone.name}, and Robusta's "
            "dates have no offset. Choose a time outside that hour"
        )
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def instant(value: Any, name: str) -> dt.datetime:
    """
    Return an aware datetime.

    :raises InvalidInput: it is neither an aware datetime nor text of one
    """
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise InvalidInput(f"{name}: {_EXPECTED}, got {value!r}") from None
    if not isinstance(value, dt.datetime):
        raise InvalidInput(f"{name}: {_EXPECTED}, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise InvalidInput(f"{name}: {_EXPECTED}, got {value} without a time zone")
    return value


def _in_zone(value: dt.datetime, name: str, zone: pendulum.Timezone) -> dt.datetime:
    try:
        # Through UTC, so that a wall time that its zone skips is converted correctly.
        return value.astimezone(dt.UTC).astimezone(zone)
    except OverflowError:
        raise InvalidInput(f"{name} {value.isoformat()} is out of range in {zone.name}") from None
