"""What a callback is about, from the contexts that Airflow gives in its four places."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject, subject_of

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
LATER = datetime(2026, 3, 1, 13, tzinfo=UTC)


def run(**values: Any) -> Any:
    return SimpleNamespace(
        **{"dag_id": "loans", "run_id": "monday", "clear_number": 0, "start_date": START, **values}
    )


def ti(**values: Any) -> Any:
    names = {"dag_id": "loans", "run_id": "monday", "task_id": "pay", "map_index": -1, "try_number": 1}
    return SimpleNamespace(**{**names, "start_date": LATER, **values})


def of_task(**values: Any) -> CallbackSubject:
    one = ti(**values)
    return subject_of({"ti": one, "dag_run": run(run_id=one.run_id), "exception": ValueError()})


def of_run(**values: Any) -> CallbackSubject:
    # Airflow adds the task that it looked at last.
    context = {"dag": SimpleNamespace(dag_id="loans"), "run_id": "monday", "reason": "task_failure"}
    return subject_of({**context, "ti": ti(), "dag_run": run(**values)})


def of_deadline(id: str = "d1", **values: Any) -> CallbackSubject:
    """The context of a deadline's callback has been JSON."""
    dag_run = {"dag_id": "loans", "dag_run_id": "monday", "queued_at": START.isoformat(), **values}
    context = {"dag_run": dag_run, "deadline": {"id": id, "deadline_time": LATER.isoformat()}}
    return subject_of(json.loads(json.dumps(context)))


def test_of_a_task() -> None:
    found = of_task()
    assert found.description == "try 1 of pay in run monday of loans"
    assert (found.names, found.begun) == (("loans", "pay"), START.timestamp())
    assert of_task(map_index=3).description == "try 1 of pay[3] in run monday of loans"


def test_of_a_run() -> None:
    found = of_run()
    assert (found.description, found.names, found.begun) == (
        "run monday of loans",
        ("loans",),
        START.timestamp(),
    )


def test_of_a_run_without_a_task() -> None:
    context = {"dag": SimpleNamespace(dag_id="loans"), "run_id": "monday", "reason": "timed_out"}
    found = subject_of(context)
    assert found.begun is None
    # How often the run was cleared is not told, and one that was not tells it.
    assert (found.parts, found.description) == (("run", "loans", "monday", "unknown"), of_run().description)


def test_a_try_that_is_rescheduled_is_the_same_throughout() -> None:
    # Its processes are told a date each.
    assert of_task(start_date=LATER) == of_task(start_date=LATER + timedelta(minutes=10))


def test_of_a_task_whose_run_tells_no_date() -> None:
    assert subject_of({"ti": ti()}).begun == LATER.timestamp()


def test_of_a_deadline() -> None:
    found = of_deadline()
    assert found.description == "the deadline of run monday of loans"
    assert (found.names, found.begun) == (("loans",), LATER.timestamp())


def test_a_deadline_long_past_reaches_no_further_back_than_its_run() -> None:
    assert (
        of_deadline(queued_at="2026-03-02T00:00:00+00:00").begun
        == datetime(2026, 3, 2, tzinfo=UTC).timestamp()
    )


def test_what_is_run_again_is_the_same() -> None:
    assert of_task() == of_task()
    assert of_run() == of_run()
    assert of_deadline() == of_deadline()


def test_where_the_worker_has_died_it_is_the_same() -> None:
    # The DAG processor knows no start of the try, and calls what is not mapped None.
    elsewhere = ti(map_index=None)
    del elsewhere.start_date
    found = subject_of({"ti": elsewhere, "dag_run": run()})
    assert found.parts == of_task().parts
    assert found.begun == START.timestamp()


def test_all_others_differ() -> None:
    all_of_them = [
        of_task(),
        of_task(try_number=2),
        of_task(task_id="other"),
        of_task(map_index=0),
        of_task(map_index=1),
        of_task(run_id="tuesday"),
        of_task(dag_id="other"),
        of_run(),
        of_run(clear_number=1),
        of_run(run_id="tuesday"),
        of_deadline(),
        of_deadline("d2"),
    ]
    assert len({one.parts for one in all_of_them}) == len(all_of_them)


@pytest.mark.parametrize("context", [{}, {"run_id": "monday"}, {"dag": SimpleNamespace(dag_id="loans")}])
def test_without_a_run_it_is_about_nothing(context: dict[str, Any]) -> None:
    assert subject_of(context) == CallbackSubject()


@pytest.mark.parametrize("date", [None, "soon", "2026-03-01T12:00:00", 12])
def test_a_date_that_is_none_is_not_known(date: Any) -> None:
    assert of_task(start_date=date).begun == START.timestamp()
    assert of_run(start_date=date).begun is None
