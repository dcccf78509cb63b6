"""Dates as the vendor writes them: local time of its server, without a zone."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pendulum

from airflow_provider_workflows.protocol.errors import InvalidInput

_EXPECTED = "expected a datetime with a time zone, or ISO 8601 text with an offset"


def local_text(value: Any, name: str, *, zone: pendulum.Timezone) -> str:
    """
    Return an instant as ``yyyy-MM-dd HH:mm:ss`` in the server's zone (vendor documentation).

    Fractions of a second are cut off, for which that form has no place.

    :param value: an aware datetime, or ISO 8601 text with an offset, which is what templates make of one
    :param name: of the argument, for errors
    :param zone: in which the server reads dates
    :raises InvalidInput: it names no instant, or falls into the hour that the end of daylight saving time
        repeats: the vendor's text would stand for two instants, and which one it takes is not known
    """
    local = _in_zone(instant(value, name), name, zone)
    if local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset():
        raise InvalidInput(
            f"{name} {local.isoformat()} is in the hour that occurs twice in {zone.name}; Robusta's dates "
            "carry no offset to tell which is meant, so choose a time outside that hour"
        )
    return local.replace(tzinfo=None).isoformat(sep=" ", timespec="seconds")


def instant(value: Any, name: str) -> dt.datetime:
    """
    Return an aware datetime.

    :raises InvalidInput: it is none, nor text of one
    """
    if isinstance(value, str):
        try:
            value = dt.datetime.fromisoformat(value.strip())
        except ValueError:
            raise InvalidInput(f"{name}: {_EXPECTED}, got {value!r}") from None
    if not isinstance(value, dt.datetime):
        raise InvalidInput(f"{name}: {_EXPECTED}, got {type(value).__name__}")
    if value.utcoffset() is None:
        raise InvalidInput(f"{name}: {_EXPECTED}, got {value} without one")
    return value


def _in_zone(value: dt.datetime, name: str, zone: pendulum.Timezone) -> dt.datetime:
    try:
        # Through UTC, so that a wall time that its own zone skips becomes the instant that it stands for.
        return value.astimezone(dt.UTC).astimezone(zone)
    except OverflowError:
        raise InvalidInput(f"{name} {value.isoformat()} is no date in {zone.name}") from None
