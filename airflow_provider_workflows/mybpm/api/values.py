"""
Converts field values between Python and MyBPM, where every value is text; pure functions.

Dates and option ids follow the vendor documentation.

Assumption: a boolean is the text ``true`` or ``false``. Wrong if MyBPM refuses it in a checkbox,
or shows another text there.

Assumption: ``""`` empties a field. Wrong if the field keeps its value, or MyBPM refuses the text.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeAlias

from airflow_provider_workflows.core.protocol.message import can_be_id
from airflow_provider_workflows.exceptions import InvalidInput

#: Python types that a value can be converted to.
Kind: TypeAlias = type[str] | type[bool] | type[int] | type[Decimal] | type[datetime]

#: Python types of the documented field types; values of other types are text. Creation and modification time
#: are system fields.
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

#: Characters of an id of an object, instance or option (vendor documentation, which names no set of them).
_ID_LENGTH = 16
_NUMBER = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_BOOLEANS = {"true": True, "false": False}


def to_text(value: Any, name: str) -> str:
    """
    Return a value as text, in the form that MyBPM accepts.

    :param value: text, a number (``Decimal`` is written without an exponent), a boolean (``true``, ``false``)
        or an aware datetime (written in UTC with milliseconds and ``Z``; microseconds are cut off)
    :param name: the field, for the error
    :raises InvalidInput: it is none of these; a date and a naive datetime are not points in time
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
            raise InvalidInput(f'{name}: None is not a text. To empty a field, send ""')
        case date():
            raise InvalidInput(
                f"{name}: a date has no time of day and no time zone\nUse a datetime with a time zone"
            )
    raise InvalidInput(
        f"{name}: expected text, a number, a boolean or a datetime with a time zone, got "
        f"{type(value).__name__}"
    )


def to_python(text: str | None, kind: Kind = str) -> Any:
    """
    Convert a MyBPM value to a Python value.

    :param text: the ``apiValue``
    :param kind: the Python type; see :data:`KINDS` for the type of a field
    :returns: None for an empty value, except for ``str``
    :raises ValueError: it cannot be converted
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
        raise ValueError(f"{text!r} is out of range") from None
    return _whole(number) if kind is int else number


def same(one: str | None, other: str | None, type_: str | None) -> bool:
    """
    Return whether two values are equal: numbers and dates by value, everything else as text.

    :param type_: the field's type; None if the answer did not have it
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
    Return an id, checked.

    :raises InvalidInput: it does not have 16 characters (vendor documentation)
    """
    if not isinstance(value, str) or not is_id(value):
        raise InvalidInput(f"{name} must be {_ID_LENGTH} characters long, got {value!r:.100}")
    return value


def is_id(text: str) -> bool:
    """Return whether a text has the form of an id."""
    return len(text) == _ID_LENGTH and text.isprintable() and text == text.strip()


def check_code(value: Any, name: str) -> str:
    """
    Return the code of a BO or field, checked.

    :raises InvalidInput: it is empty, ``None`` from a template without a value, or cannot be a code
    """
    text = value.strip() if isinstance(value, str) else ""
    if not can_be_id(text):
        raise InvalidInput(f"{name} must be a non-empty code, got {value!r:.100}")
    return text


def _moment(value: datetime, name: str) -> str:
    if value.utcoffset() is None:
        raise InvalidInput(f"{name}: the datetime has no time zone. Use one with a time zone")
    try:
        moment = value.astimezone(UTC)
    except OverflowError:
        raise InvalidInput(f"{name}: {value} is out of range in UTC") from None
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _read_moment(text: str) -> datetime:
    # MyBPM answers with a two-digit offset, +06, which Python accepts from 3.11 on.
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None:
        raise ValueError(f"{text!r} has no time zone")
    return moment


def _number(value: float | Decimal, name: str) -> str:
    number = Decimal(repr(float(value))) if isinstance(value, float) else Decimal(value)
    if not number.is_finite():
        raise InvalidInput(f"{name}: {value} is not a finite number")
    return format(number, "f")


def _whole(number: Decimal) -> int:
    if number != number.to_integral_value():
        raise ValueError(f"{number} is not an integer")
    return int(number)
