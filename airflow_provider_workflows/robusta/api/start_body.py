"""The body of a start call, in which every flag, number and date is text."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.exceptions import InvalidConnection, InvalidInput
from airflow_provider_workflows.robusta.api.dates import instant, local_text
from airflow_provider_workflows.robusta.api.quartz import check_quartz

if TYPE_CHECKING:
    import pendulum

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
    Return the body of a start call; the arguments are those of ``RobustaApi.start_process``.

    Arguments that are None are left out, as in the vendor's documentation of scheduled processes.

    :param zone: time zone in which the server reads dates; None if the connection has none
    :raises InvalidInput: an argument is invalid; the message says what is expected
    :raises InvalidConnection: a date is given, but the connection has no time zone
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
        **_dates(schedule_start, schedule_end, zone),
        "retryCount": None if retry_count is None else str(_whole(retry_count, "retry_count")),
    }
    body = {name: value for name, value in body.items() if value is not None}
    recurring = flag(allow_recurring, "allow_recurring")
    _check_schedule(body, once=once, at_once=at_once, allow_recurring=recurring)
    return body


def check_not_past(body: Mapping[str, Any], *, zone: dt.tzinfo, now: dt.datetime) -> None:
    """
    Check, right before it is sent, that a start does not ask for a time that is over.

    Robusta's documentation does not say whether such a process runs at once or never.

    :param zone: time zone in which the server reads dates
    :raises InvalidInput: its only date, or its last one, is in the past
    """
    local = now.astimezone(zone).replace(tzinfo=None)
    date = local.isoformat(sep=" ", timespec="seconds")
    if body.get("endDate", date) < date:
        raise InvalidInput(f"schedule_end is in the past, so nothing would run: {body['endDate']} local time")
    fields = body.get("quartzDef", "").split()
    if len(fields) == 7 and fields[6].isdigit() and int(fields[6]) < local.year:
        raise InvalidInput(f"quartz_def names only the past year {fields[6]}, so nothing would run")
    only_then = body["runOnce"] == "Y" and body["runImmediately"] == "N" and not fields
    if only_then and body["startDate"] < date:
        raise InvalidInput(
            f"schedule_start is in the past: {body['startDate']} local time\nRobusta might run it at "
            "once, or never. Give a later time, or run_immediately=True"
        )


def text_values(values: Any) -> dict[str, str]:
    """
    Return input parameters as a mapping of texts, as a public client sends them.

    :param values: a mapping of names to text, numbers, booleans, dates, lists or mappings; or JSON text of it
    :raises InvalidInput: a value cannot be converted to text; the message names it
    """
    values = from_text({} if values is None else values, "values")
    if not isinstance(values, Mapping):
        raise InvalidInput(f"values must be a mapping of names to values, got {type(values).__name__}")
    if wrong := [name for name in values if not isinstance(name, str) or not name.strip()]:
        raise InvalidInput(f"values: {wrong[0]!r} is not a parameter name")
    return {name: as_text(value, f"values[{name!r}]") for name, value in values.items()}


def as_text(value: Any, name: str) -> str:
    """
    Return a value as text: numbers without exponent or loss, booleans as ``true`` and ``false``, dates in
    ISO 8601, lists and mappings as JSON.

    Assumption: a robot reads them so; no source says what it expects. Wrong if a robot gets
    another value than the task gave. Then give the text that the robot expects.

    :raises InvalidInput: it cannot be converted
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
    hint = '. For an empty value, use ""' if value is None else ""
    raise InvalidInput(
        f"{name}: expected text, a finite number, a boolean, a date, a list or a mapping, got {value!r}{hint}"
    )


def flag(value: Any, name: str) -> bool:
    """
    Return a boolean, which a template may have rendered to text.

    :raises InvalidInput: it is neither a boolean nor its text
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
                "run_immediately=False requires quartz_def or schedule_start; otherwise nothing would run"
            )
        return
    if not allow_recurring:
        raise InvalidInput(
            "run_once=False creates a recurring schedule, which no API can remove\n"
            "Only a person can, in Robusta's Scheduler. If you want that, set allow_recurring=True"
        )
    if "quartzDef" not in body:
        raise InvalidInput("run_once=False creates a recurring schedule and requires quartz_def")


def _dates(start: Any, end: Any, zone: pendulum.Timezone | None) -> dict[str, str | None]:
    given = {"schedule_start": start, "schedule_end": end}
    if zone is None and (named := [name for name, value in given.items() if value is not None]):
        raise InvalidConnection(
            f"{named[0]} is sent in the local time of Robusta's server. Set the field time_zone of the "
            "connection"
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
    """Return a name or number as text; the text ``None`` comes from a template without a value."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise InvalidInput(f"{name} must be text, got {type(value).__name__}")
    text = str(value).strip()
    if text in ("", "None"):
        raise InvalidInput(f"{name} must not be empty, got {value!r}")
    return text


def _whole(value: Any, name: str) -> int:
    text = "" if isinstance(value, bool) or not isinstance(value, (int, str)) else str(value).strip()
    if not (text.isascii() and text.isdigit()):
        raise InvalidInput(f"{name} must be an integer of 0 or more, got {value!r}")
    return int(text)


def _as_json(value: Any, name: str) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"{name} cannot be encoded as JSON: {error}") from None


def _yes_no(value: bool) -> str:
    return "Y" if value else "N"
