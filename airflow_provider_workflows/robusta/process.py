"""The body of a start: every flag, number and date is text in it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pendulum

from airflow_provider_workflows.protocol.errors import InvalidConnection, InvalidInput
from airflow_provider_workflows.protocol.jsontext import from_text
from airflow_provider_workflows.robusta.dates import instant, local_text
from airflow_provider_workflows.robusta.quartz import check_quartz

_FLAGS = {"true": True, "y": True, "false": False, "n": False}


def start_body(
    process_name: Any,
    *,
    worker: Any,
    values: Any = None,
    run_once: Any = True,
    run_immediately: Any = True,
    quartz_def: Any = None,
    schedule_start: Any = None,
    schedule_end: Any = None,
    retry_count: Any = None,
    allow_recurring: Any = False,
    zone: pendulum.Timezone | None = None,
) -> dict[str, Any]:
    """
    Return what a start call carries; the arguments are those of ``RobustaApi.start_process``.

    What is None is left out, as the vendor's documentation does for the fields of a scheduled process.

    :param zone: in which the server reads dates; None if the connection does not say
    :raises InvalidInput: names the argument and what was expected
    :raises InvalidConnection: a date is given, but no zone
    """
    once = flag(run_once, "run_once")
    at_once = flag(run_immediately, "run_immediately")
    body: dict[str, Any] = {
        "name": _text(process_name, "process_name"),
        "worker": None if worker is None else _text(worker, "worker"),
        "runOnce": _yes_no(once),
        "runImmediately": _yes_no(at_once),
        "values": text_values(values),
        "quartzDef": None if quartz_def is None else check_quartz(quartz_def),
        **_window(schedule_start, schedule_end, zone),
        "retryCount": None if retry_count is None else str(_whole(retry_count, "retry_count")),
    }
    body = {name: value for name, value in body.items() if value is not None}
    recurring = flag(allow_recurring, "allow_recurring")
    _check_schedule(body, once=once, at_once=at_once, allow_recurring=recurring)
    return body


def text_values(values: Any) -> dict[str, str]:
    """
    Return input parameters as the map of texts that the vendor's sample code sends.

    :param values: a mapping of names to text, numbers, booleans, dates, lists or mappings; or JSON text of it
    :raises InvalidInput: names the value that has no text
    """
    values = from_text({} if values is None else values, "values")
    if not isinstance(values, Mapping):
        raise InvalidInput(f"values must be a mapping of names to values, got {type(values).__name__}")
    if wrong := [name for name in values if not isinstance(name, str) or not name.strip()]:
        raise InvalidInput(f"values: {wrong[0]!r} is no name of a parameter")
    return {name: as_text(value, f"values[{name!r}]") for name, value in values.items()}


def as_text(value: Any, name: str) -> str:
    """
    Return a value as text: numbers without exponent or loss, booleans as ``true`` and ``false``, dates in
    ISO 8601, lists and mappings as JSON (assumptions: no source says what a robot expects).

    :raises InvalidInput: there is no text for it
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case Decimal() if value.is_finite():
            return format(value, "f")
        case float() if value == value and abs(value) != float("inf"):
            return format(Decimal(repr(value)), "f")
        case dt.date() | dt.time():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return _as_json(value, name)
    hint = ' (for an empty value, "")' if value is None else ""
    raise InvalidInput(
        f"{name}: expected text, a finite number, a boolean, a date, a list or a mapping, got {value!r}{hint}"
    )


def flag(value: Any, name: str) -> bool:
    """
    Return a boolean that a template may have turned to text.

    :raises InvalidInput: it is neither
    """
    if isinstance(value, bool):
        return value
    known = _FLAGS.get(value.strip().lower()) if isinstance(value, str) else None
    if known is None:
        raise InvalidInput(f"{name} must be True or False (or Y or N), got {value!r}")
    return known


def _check_schedule(body: Mapping[str, Any], *, once: bool, at_once: bool, allow_recurring: bool) -> None:
    if once:
        if not at_once and not {"quartzDef", "startDate"} & set(body):
            raise InvalidInput(
                "run_immediately=False: give quartz_def or schedule_start, or nothing would run"
            )
        return
    if not allow_recurring:
        raise InvalidInput(
            "run_once=False leaves a recurring schedule behind that no API can remove, only a person in "
            "Robusta's Scheduler; if that is meant, set allow_recurring=True"
        )
    if "quartzDef" not in body:
        raise InvalidInput("run_once=False asks for a recurring schedule, which needs quartz_def")


def _window(start: Any, end: Any, zone: pendulum.Timezone | None) -> dict[str, str | None]:
    given = {"schedule_start": start, "schedule_end": end}
    if zone is None and (named := [name for name, value in given.items() if value is not None]):
        raise InvalidConnection(
            f"{named[0]} is sent as local time of Robusta's server: set the field time_zone of the connection"
        )
    if start is not None and end is not None:
        _check_order(instant(start, "schedule_start"), instant(end, "schedule_end"))
    texts = {
        name: None if value is None or zone is None else local_text(value, name, zone=zone)
        for name, value in given.items()
    }
    return {"startDate": texts["schedule_start"], "endDate": texts["schedule_end"]}


def _check_order(start: dt.datetime, end: dt.datetime) -> None:
    if end <= start:
        raise InvalidInput(f"schedule_end {end.isoformat()} is not after schedule_start {start.isoformat()}")


def _text(value: Any, name: str) -> str:
    """Return a name or number as text; ``None`` as text is a template that found nothing."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidInput(f"{name} must be text, got {type(value).__name__}")
    text = str(value).strip()
    if text in ("", "None"):
        raise InvalidInput(f"{name} must not be empty, got {value!r}")
    return text


def _whole(value: Any, name: str) -> int:
    text = "" if isinstance(value, bool) or not isinstance(value, (int, str)) else str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"{name} must be a whole number from 0 on, got {value!r}")
    return int(text)


def _as_json(value: Any, name: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} cannot be written as JSON: {error}") from None


def _yes_no(value: bool) -> str:
    return "Y" if value else "N"
