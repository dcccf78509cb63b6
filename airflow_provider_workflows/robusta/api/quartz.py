"""
Checks a Quartz cron expression for mistakes that would start a process at times that nobody meant.

Robusta takes its schedules in this form (vendor documentation), and no API can remove one. What is checked is
what tells Quartz from a Unix cron, and names of days and months (general Quartz knowledge). Everything else,
such as an hour of 25, is left to Robusta's own answer.
"""

from __future__ import annotations

import re
from typing import Any

from airflow_provider_workflows.exceptions import InvalidInput

FORM = (
    "a Quartz expression of 6 or 7 fields: second minute hour day-of-month month day-of-week [year], "
    "with ? in one of the two day fields, such as 0 30 9 ? * MON-FRI"
)
_NUMBERS = "-0-9*/,"
_MONTHS = "JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC"
_DAYS = "SUN|MON|TUE|WED|THU|FRI|SAT"
#: The characters and names that each field may consist of.
_FIELDS = {
    "second": f"[{_NUMBERS}]+",
    "minute": f"[{_NUMBERS}]+",
    "hour": f"[{_NUMBERS}]+",
    "day-of-month": rf"\?|[{_NUMBERS}LW]+",
    "month": f"(?:[{_NUMBERS}]|{_MONTHS})+",
    "day-of-week": rf"\?|(?:[{_NUMBERS}#L]|{_DAYS})+",
    "year": f"[{_NUMBERS}]+",
}


def check_quartz(text: Any, name: str = "quartz_def") -> str:
    """
    Return a Quartz cron expression with single spaces between its fields.

    :param name: name of the argument, for errors
    :raises InvalidInput: it is not a Quartz expression; the message shows the right form
    """
    if not isinstance(text, str):
        raise InvalidInput(f"{name} must be text, got {type(text).__name__}\nIt must be {FORM}")
    parts = text.split()
    if len(parts) == 5:
        raise InvalidInput(
            f"{name} {text!r} is a Unix cron expression of 5 fields\nIt must be {FORM}\n"
            "Quartz numbers the days of the week from Sunday as 1, Unix from Sunday as 0: use their names"
        )
    if len(parts) not in (6, 7):
        raise InvalidInput(f"{name} {text!r} has {len(parts)} field(s)\nIt must be {FORM}")
    for (field, pattern), part in zip(_FIELDS.items(), parts, strict=False):
        if not re.fullmatch(pattern, part.upper()):
            raise InvalidInput(f"{name} {text!r}: {part!r} is not a valid {field}\nIt must be {FORM}")
    if (parts[3] == "?") == (parts[5] == "?"):
        raise InvalidInput(
            f"{name} {text!r}: exactly one of day-of-month and day-of-week must be ?\nIt must be {FORM}"
        )
    return " ".join(parts)
