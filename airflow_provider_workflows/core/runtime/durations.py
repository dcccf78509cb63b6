"""Durations: seconds, as people write them in DAG files."""

from __future__ import annotations

import contextlib
from datetime import timedelta
from typing import TypeAlias

from airflow_provider_workflows.exceptions import InvalidInput

#: Seconds, as a number or as text of one; or a ``timedelta``.
Duration: TypeAlias = float | str | timedelta


def seconds_of(value: object, name: str) -> float:
    """
    Return a duration as seconds.

    :param name: the parameter, for the error
    :raises InvalidInput: it is not a duration, is negative, or is infinite
    """
    with contextlib.suppress(TypeError, ValueError, OverflowError):
        seconds = value.total_seconds() if isinstance(value, timedelta) else float(value)  # type: ignore[arg-type]
        if 0 <= seconds < float("inf") and not isinstance(value, bool):
            return seconds
    expected = f"{name} must be a number of seconds or a timedelta"
    raise InvalidInput(f"{expected}, got {value!r:.100}. Nothing was sent")
