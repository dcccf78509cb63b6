"""
Field values between Python and MyBPM, which wants every value as text: pure functions.

Dates and option ids are as the vendor documentation shows them; how it writes a boolean is an assumption.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from airflow_provider_workflows.protocol.errors import InvalidInput

#: What a value can be read back to.
Kind: TypeAlias = type[str] | type[bool] | type[int] | type[Decimal] | type[datetime]

#: Field types that were seen (vendor documentation) and what their values are; of any other type, text.
#: Creation and modification time are system fields.
KINDS: dict[str, Kind] = {
    "INPUT_TEXT": str,
    "INPUT_NUMBER": Decimal,
    "FULL_DATE": datetime,
    "RADIO_BUTTON_GROUP": str,
    "CREATED_AT": datetime,
    "LAST_MODIFIED_AT": datetime,
}
#: Field types whose values are ids of options.
OPTION_TYPES = frozenset({"RADIO_BUTTON_GROUP"})

#: Ids of objects, instances and options (vendor documentation).
_ID = re.compile(r"[0-9A-Za-z~@]{16}")
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}


def to_text(value: Any, name: str) -> str:
    """
    Return a value as MyBPM takes it.

    :param value: text, a number (``Decimal`` goes out without exponent), a boolean (``true``, ``false``), or
        an aware datetime (UTC with milliseconds and ``Z``; what is finer is cut off)
    :param name: the field, for the error
    :raises InvalidInput: it is nothing of these; a date and a naive datetime name no moment
    """
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case datetime():
            return _moment(value, name)
        case int() | float() | Decimal():
            return _number(value, name)
        case None:
            raise InvalidInput(f'{name}: MyBPM has no null; use "" to empty a field')
        case date():
            raise InvalidInput(f"{name}: a date has no time and zone; give an aware datetime")
    raise InvalidInput(
        f"{name}: expected text, a number, a boolean or an aware datetime, got {type(value).__name__}"
    )


def to_python(text: str | None, kind: Kind = str) -> Any:
    """
    Return a value of MyBPM's as Python's.

    :param text: the ``apiValue``
    :param kind: what to read it as; :data:`KINDS` tells by the field's type
    :returns: None for an empty value of any kind but ``str``
    :raises ValueError: it cannot be read so
    """
    if kind is str or text is None:
        return text
    text = text.strip()
    if not text:
        return None
    if kind is bool:
        if text.lower() not in _BOOLEANS:
            raise ValueError(f"{text!r} is neither true nor false")
        return _BOOLEANS[text.lower()]
    if kind is datetime:
        return _read_moment(text)
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{text!r} is not a number")
    try:
        number = Decimal(text)
    except ArithmeticError:
        raise ValueError(f"{text!r} is beyond all numbers") from None
    return _whole(number) if kind is int else number


def same(one: str | None, other: str | None, type_: str | None) -> bool:
    """
    Tell whether two values are the same: for numbers and dates whatever their spelling, else as text.

    :param type_: the field's type; None if the answer did not tell
    """
    if (one or "") == (other or ""):
        return True
    kind = KINDS.get(type_ or "", str)
    try:
        return kind is not str and bool(to_python(one, kind) == to_python(other, kind))
    except ValueError:
        return False


def check_id(value: Any, name: str) -> str:
    """
    Return an id if it is one.

    :raises InvalidInput: it is not 16 letters, digits, ``~`` and ``@`` (vendor documentation)
    """
    if not isinstance(value, str) or not is_id(value):
        raise InvalidInput(f"{name} must be 16 letters, digits, ~ or @, got {value!r}")
    return value


def is_id(text: str) -> bool:
    """Tell whether a text has the form of an id."""
    return _ID.fullmatch(text) is not None


def check_code(value: Any, name: str) -> str:
    """
    Return the code of a BO or field.

    :raises InvalidInput: it is empty, or ``None`` from a template that found nothing
    """
    if not isinstance(value, str) or value.strip() in ("", "None"):
        raise InvalidInput(f"{name} must be a code, got {value!r}")
    return value.strip()


def _moment(value: datetime, name: str) -> str:
    if value.utcoffset() is None:
        raise InvalidInput(f"{name}: a datetime without zone names no moment; give an aware one")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{name}: {value} is out of range in UTC") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_moment(text: str) -> datetime:
    # MyBPM answers with an offset of two digits, +06, which Python reads from 3.11 on.
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no zone")
    return moment


def _number(value: float | Decimal, name: str) -> str:
    number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise InvalidInput(f"{name}: {value} is not a number that MyBPM could hold")
    return format(number, "f")


def _whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ValueError(f"{number} is not whole")
    return int(number)
