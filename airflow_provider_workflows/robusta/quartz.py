"""
Quartz cron expressions, checked before anything is sent: pure functions.

Robusta takes its schedules in this form (vendor documentation), and no API can remove a schedule that fires
at the wrong times. What each field takes is general Quartz knowledge (its ``CronExpression``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.protocol.errors import InvalidInput

FORM = (
    "a Quartz expression of 6 or 7 fields: second minute hour day-of-month month day-of-week [year], "
    "with ? in one of the two day fields, such as 0 30 9 ? * MON-FRI"
)
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")


@dataclass(frozen=True, kw_only=True)
class _Field:
    """
    One field of an expression.

    :param step: the largest step after a slash
    :param names: of the values, from ``low`` on
    :param alone: what may stand there besides numbers, but not in a list
    """

    name: str
    low: int
    high: int
    step: int
    names: tuple[str, ...] = ()
    alone: re.Pattern[str] | None = None

    def check(self, text: str) -> None:
        """Raise ValueError, saying why, unless the text means something in this field."""
        if self.alone is not None and self.alone.fullmatch(text):
            return
        for entry in text.split(","):
            self._check_entry(entry)

    def _check_entry(self, entry: str) -> None:
        span, slash, step = entry.partition("/")
        if slash and not (_is_number(step) and 1 <= int(step) <= self.step):
            raise ValueError(f"the step after / must be 1 to {self.step}")
        if span == "*" or (slash and not span):
            return
        first, dash, last = span.partition("-")
        begin, end = self._value(first), self._value(last if dash else first)
        if dash and _is_number(first) != _is_number(last):
            raise ValueError(f"{span} mixes a name and a number")
        if slash and not _is_number(first):
            # Quartz would leave the step out without a word.
            raise ValueError("before / stand numbers, not names")
        if begin > end and self.name == "year":
            raise ValueError(f"{span} runs backwards")

    def _value(self, text: str) -> int:
        if text in self.names:
            return self.low + self.names.index(text)
        if _is_number(text) and self.low <= int(text) <= self.high:
            return int(text)
        raise ValueError(f"{text!r} is not {self._expected()}")

    def _expected(self) -> str:
        named = f" or {', '.join(self.names)}" if self.names else ""
        return f"{self.low} to {self.high}{named}"


_NAMED_DAY = f"(?:[1-7]|{'|'.join(DAYS)})"
_MONTH_DAY = "(?:[1-9]|[12][0-9]|3[01])"
_FIELDS = (
    _Field(name="second", low=0, high=59, step=59),
    _Field(name="minute", low=0, high=59, step=59),
    _Field(name="hour", low=0, high=23, step=23),
    _Field(
        name="day-of-month",
        low=1,
        high=31,
        step=31,
        alone=re.compile(rf"\?|LW?|L-(?:[1-9]|[12][0-9]|30)W?|{_MONTH_DAY}W"),
    ),
    _Field(name="month", low=1, high=12, step=12, names=MONTHS),
    _Field(
        name="day-of-week",
        low=1,
        high=7,
        step=7,
        names=DAYS,
        alone=re.compile(rf"\?|{_NAMED_DAY}?L|{_NAMED_DAY}#[1-5]"),
    ),
    _Field(name="year", low=1970, high=2099, step=129),
)


def check_quartz(text: Any, name: str = "quartz_def") -> str:
    """
    Return a Quartz cron expression with its fields set apart by single spaces.

    :param name: of the argument, for errors
    :raises InvalidInput: it is none; the message shows the right form, for a five-field cron the same
        schedule in it where there is one
    """
    if not isinstance(text, str):
        raise InvalidInput(f"{name} must be {FORM}; got {type(text).__name__}")
    parts = text.split()
    if len(parts) == 5:
        raise InvalidInput(f"{name} {text!r} is a Unix cron expression of 5 fields; {_instead(parts)}")
    if len(parts) not in (6, 7):
        raise InvalidInput(f"{name} {text!r} has {len(parts)} field(s); it must be {FORM}")
    for field, part in zip(_FIELDS, parts, strict=False):
        try:
            field.check(part.upper())
        except ValueError as error:
            raise InvalidInput(f"{name} {text!r}: {field.name}: {error}; it must be {FORM}") from None
    if (parts[3] == "?") == (parts[5] == "?"):
        raise InvalidInput(
            f"{name} {text!r}: exactly one of day-of-month and day-of-week must be ?; it must be {FORM}"
        )
    return " ".join(parts)


def from_unix(text: str) -> str | None:
    """
    Return the Quartz expression of the same schedule as a five-field Unix cron; None if there is none.

    With both day fields restricted, Unix fires when either matches, which Quartz cannot say.
    """
    parts = text.upper().split()
    if len(parts) != 5:
        return None
    minute, hour, day, month, weekday = parts
    try:
        if weekday == "*":
            weekday = "?"
        elif day == "*":
            day, weekday = "?", ",".join(_weekday(entry) for entry in weekday.split(","))
        # With both restricted this fails for want of a question mark.
        return check_quartz(f"0 {minute} {hour} {day} {month} {weekday}")
    except ValueError:
        return None


def _instead(parts: Sequence[str]) -> str:
    same = from_unix(" ".join(parts))
    return f"the same in Quartz is {same!r}" if same else f"it must be {FORM}"


def _weekday(entry: str) -> str:
    """
    Return days of Unix, 0-7 from Sunday, as days of Quartz: by name, or before a step 1-7 from Sunday.

    :raises ValueError: there is no such entry in Quartz, or in Unix
    """
    span, slash, step = entry.partition("/")
    if span == "*":
        return entry
    days = [DAYS.index(day) if day in DAYS else _unix_day(day) for day in span.split("-")]
    if len(days) > 1 and days[0] == days[1]:
        raise ValueError("0-7 is every day in Unix; SUN-SUN is one day in Quartz")
    return "-".join(str(day + 1) if slash else DAYS[day] for day in days) + slash + step


def _unix_day(text: str) -> int:
    if not re.fullmatch("[0-7]", text):
        raise ValueError(f"{text!r} is no day")
    return int(text) % 7


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
