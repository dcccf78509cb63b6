"""A single move of an existing run: what an attempt finds of the ones before it."""

from __future__ import annotations

from airflow_provider_workflows.base.submission import Step
from tests.base.harness import StateStore, TaskInstance


class Task:
    """A task instance with a memory."""

    def __init__(self) -> None:
        self.ti = TaskInstance()
        self.store = StateStore()

    def retry(self) -> Task:
        self.ti.try_number += 1
        return self

    def clear(self) -> Task:
        self.ti.max_tries = self.ti.try_number
        return self.retry()


def step(task: Task) -> Step:
    """Return what a new attempt finds."""
    return Step({"ti": task.ti, "task_state_store": task.store})


def test_nothing_before_the_first_move() -> None:
    task = Task()
    assert (step(task).done, step(task).baseline, step(task).earlier) == (False, None, None)


def test_an_intent_is_found_by_a_retry_and_by_a_clear() -> None:
    task = Task()
    step(task).intend({"rows": 3})
    for again in (task.retry(), task.clear()):
        assert (step(again).done, step(again).baseline, step(again).earlier) == (False, {"rows": 3}, None)


def test_a_move_that_was_made_is_done_until_a_clear() -> None:
    task = Task()
    step(task).intend({"rows": 3})
    assert step(task).finish({"id": 7}) == {"id": 7}
    again = step(task.retry())
    assert (again.done, again.result, again.baseline) == (True, {"id": 7}, None)
    cleared = step(task.clear())
    assert (cleared.done, cleared.baseline, cleared.earlier) == (False, None, {"id": 7})


def test_a_move_that_was_taken_back_leaves_nothing() -> None:
    task = Task()
    one = step(task)
    one.intend({})
    assert one.baseline == {}
    one.forget()
    assert one.baseline is None
    assert step(task.retry()).baseline is None
