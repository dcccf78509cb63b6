"""What a callback is about: a try of a task, a run, or a missed deadline."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

#: Dates of a context's ``dag_run`` before which its callbacks cannot have sent anything.
_BEGINNINGS = ("start_date", "queued_at")


@dataclass(frozen=True)
class CallbackSubject:
    """
    What a callback is about.

    :param parts: identify the subject, and are the same if Airflow runs the callback twice. Empty if the
        context names no run, as when a person calls a notifier
    :param names: of the DAG and, if the callback is about a task, the task
    :param description: for a person
    :param begun: Unix time before which the callback cannot have sent anything; None if unknown
    """

    parts: tuple[str, ...] = ()
    names: tuple[str, ...] = ()
    description: str = "a callback without a run"
    begun: float | None = None


def subject_of(context: Mapping[str, object]) -> CallbackSubject:
    """
    Return the subject of a callback, from its context; pure.

    Airflow gives a deadline's callback the run as plain JSON and no task. It gives a DAG's callback a
    ``reason`` and an unrelated task of the run. It gives a task's callback the try.
    """
    run, ti = context.get("dag_run"), context.get("ti")
    dag_id = _text(run, "dag_id") or _text(context.get("dag"), "dag_id") or _text(ti, "dag_id")
    run_id = _text(run, "run_id") or _text(run, "dag_run_id") or str(context.get("run_id") or "")
    if deadline := _text(context.get("deadline"), "id"):
        parts = ("deadline", dag_id, run_id, deadline)
        return CallbackSubject(parts, (dag_id,), f"the deadline of run {run_id} of {dag_id}", _begun(context))
    if ti is not None and "reason" not in context:
        return _of_task(ti, begun=_begun(context))
    if not (dag_id and run_id):
        return CallbackSubject()
    # A Clear raises the number, so a run that fails once more is another subject. If the failed task is no
    # longer in the DAG, Airflow gives only the name of the run.
    parts = ("run", dag_id, run_id, "unknown" if run is None else _text(run, "clear_number") or "0")
    return CallbackSubject(parts, (dag_id,), f"run {run_id} of {dag_id}", _begun(context))


def _of_task(ti: object, *, begun: float | None) -> CallbackSubject:
    names = _text(ti, "dag_id"), _text(ti, "task_id")
    run_id, try_number = _text(ti, "run_id"), _text(ti, "try_number")
    # A task that is not mapped has -1 or nothing, depending on where the callback runs.
    index = _text(ti, "map_index") or "-1"
    mapped = "" if index == "-1" else f"[{index}]"
    description = f"try {try_number} of {names[1]}{mapped} in run {run_id} of {names[0]}"
    parts = ("try", names[0], run_id, names[1], index, try_number)
    # The try's own start date is the last resort: each process of a rescheduled try gets another one, and a
    # look-up would miss what an earlier process has sent.
    return CallbackSubject(
        parts, names, description, _time(_value(ti, "start_date")) if begun is None else begun
    )


def _begun(context: Mapping[str, object]) -> float | None:
    """Return the latest of the dates before which a run's callbacks cannot have sent anything."""
    run, deadline = context.get("dag_run"), context.get("deadline")
    dates = [_value(run, name) for name in _BEGINNINGS] + [_value(deadline, "deadline_time")]
    return max((time for date in dates if (time := _time(date)) is not None), default=None)


def _value(source: object, name: str) -> object:
    return source.get(name) if isinstance(source, Mapping) else getattr(source, name, None)


def _text(source: object, name: str) -> str:
    value = _value(source, name)
    return "" if value is None else str(value)


def _time(value: object) -> float | None:
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value)
        except ValueError:
            return None
    # A date without a time zone is ambiguous.
    if not isinstance(value, datetime) or value.tzinfo is None:
        return None
    return value.timestamp()
