"""What a callback is about, told from its context: a try of a task, a run, or a missed deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

#: Values of a context's ``dag_run`` that are dates before which its callbacks have done nothing.
_BEGINNINGS = ("start_date", "queued_at")


@dataclass(frozen=True)
class Occasion:
    """
    What a callback is about.

    :param parts: what tells it from every other; the same if Airflow runs the callback twice. Empty if the
        context names no run, as when a person calls a notifier by hand
    :param names: the DAG, and the task if it is about one
    :param words: the same for a person
    :param begun: Unix time before which nothing of it can have been sent; None if that is not known
    """

    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    words: str = "a callback without a run"
    begun: float | None = None


def occasion_of(context: Mapping[str, Any]) -> Occasion:
    """
    Tell from a context what the callback is about: pure.

    Airflow gives a deadline's callback a run as plain JSON and no task; a DAG's callback a ``reason``, and a
    task of the run that is none of its business; and a task's callback its try.
    """
    run, ti = context.get("dag_run"), context.get("ti")
    dag_id = _text(run, "dag_id") or _text(context.get("dag"), "dag_id") or _text(ti, "dag_id")
    run_id = _text(run, "run_id") or _text(run, "dag_run_id") or str(context.get("run_id") or "")
    if deadline := _text(context.get("deadline"), "id"):
        parts = ("deadline", dag_id, run_id, deadline)
        return Occasion(parts, (dag_id,), f"the deadline of run {run_id} of {dag_id}", _begun(context))
    if ti is not None and "reason" not in context:
        return _of_task(ti, begun=_begun(context))
    if not (dag_id and run_id):
        return Occasion()
    # A Clear raises the number, so that a run which fails once more is another occasion. Airflow tells the
    # name alone of a run whose failed task has been taken out of the DAG.
    parts = ("run", dag_id, run_id, "unknown" if run is None else _text(run, "clear_number") or "0")
    return Occasion(parts, (dag_id,), f"run {run_id} of {dag_id}", _begun(context))


def _of_task(ti: Any, *, begun: float | None) -> Occasion:
    names = _text(ti, "dag_id"), _text(ti, "task_id")
    run_id, try_number = _text(ti, "run_id"), _text(ti, "try_number")
    # What is not mapped has -1 or nothing, depending on where the callback runs.
    index = _text(ti, "map_index") or "-1"
    mapped = "" if index == "-1" else f"[{index}]"
    words = f"try {try_number} of {names[1]}{mapped} in run {run_id} of {names[0]}"
    parts = ("try", names[0], run_id, names[1], index, try_number)
    # The try's own date does not do: each process of a try that is rescheduled is told another one, and what
    # an earlier process has sent would be overlooked.
    return Occasion(parts, names, words, _time(_value(ti, "start_date")) if begun is None else begun)


def _begun(context: Mapping[str, Any]) -> float | None:
    """Return the latest of the dates before which a run's callbacks have done nothing."""
    run, deadline = context.get("dag_run"), context.get("deadline")
    dates = [_value(run, name) for name in _BEGINNINGS] + [_value(deadline, "deadline_time")]
    return max((time for date in dates if (time := _time(date)) is not None), default=None)


def _value(thing: Any, name: str) -> Any:
    return thing.get(name) if isinstance(thing, Mapping) else getattr(thing, name, None)


def _text(thing: Any, name: str) -> str:
    value = _value(thing, name)
    return "" if value is None else str(value)


def _time(value: Any) -> float | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    # A date without a zone says no instant.
    aware = isinstance(value, datetime) and value.tzinfo is not None
    return value.timestamp() if aware else None
