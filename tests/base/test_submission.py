"""Starting something once: every way in which an earlier attempt may have ended."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.base import submission
from airflow_provider_workflows.base.submission import KEY, STORE_ATTEMPTS, Submission, make_mark
from airflow_provider_workflows.protocol.errors import (
    ConnectionFailed,
    InvalidInput,
    OutcomeUnknown,
    PermanentError,
    Rejected,
    ServiceUnavailable,
    WorkflowError,
)
from tests.base.harness import Clock, StateStore, TaskInstance


class Vendor:
    """Counts what it is asked to start."""

    def __init__(self, outcome: Any = "run-1") -> None:
        self.outcome = outcome
        self.marks: list[str] = []

    def submit(self, mark: str) -> Any:
        self.marks.append(mark)
        if isinstance(self.outcome, BaseException):
            raise self.outcome
        return self.outcome


class Task:
    """A task instance with a memory; each :meth:`submission` is a new attempt's."""

    def __init__(self, *, store: bool = True) -> None:
        self.ti = TaskInstance(dag_id="a dag", task_id="open.order")
        self.store = StateStore()
        self._known = {"ti": self.ti, **({"task_state_store": self.store} if store else {})}

    def submission(self) -> Submission:
        return Submission(self._known, subject="an order of purchase")

    def once(self, vendor: Vendor, look_up: Callable[[str], Any] | None = None) -> Any:
        return self.submission().once(vendor.submit, look_up=look_up)

    def retry(self) -> Task:
        self.ti.try_number += 1
        return self

    def clear(self) -> Task:
        self.ti.max_tries = self.ti.try_number
        return self.retry()

    @property
    def record(self) -> Any:
        return self.store.get(KEY)


def crash(task: Task) -> None:
    """Die between sending and hearing, as a killed process does."""
    with pytest.raises(KeyboardInterrupt):
        task.once(Vendor(KeyboardInterrupt()))


def test_the_first_attempt_starts_and_stores_the_id() -> None:
    task, vendor = Task(), Vendor()
    assert task.once(vendor) == "run-1"
    record = task.record
    assert (record["id"], record["mark"], record["generation"]) == ("run-1", vendor.marks[0], 0)
    assert record["format"] == submission.FORMAT


def test_the_intent_is_stored_before_the_request() -> None:
    task, seen = Task(), []

    def submit(mark: str) -> str:
        seen.append(task.record)
        return "run-1"

    task.submission().once(submit)
    (intent,) = seen
    assert set(intent) == {"format", "mark", "intended_at", "generation"}


def test_a_retry_attaches_and_sends_nothing() -> None:
    task, vendor = Task(), Vendor()
    task.once(vendor)
    assert task.retry().once(vendor) == "run-1"
    assert len(vendor.marks) == 1


def test_a_clear_after_a_known_start_starts_anew_with_a_new_mark() -> None:
    task, vendor = Task(), Vendor()
    task.once(vendor)
    vendor.outcome = "run-2"
    assert task.clear().once(vendor) == "run-2"
    assert len(set(vendor.marks)) == 2
    assert task.record["id"] == "run-2"


@pytest.mark.parametrize("how", ["retry", "clear"])
@pytest.mark.parametrize("look_up", [None, lambda mark: None], ids=["no look-up", "finds nothing"])
def test_a_doubt_is_never_resolved_by_sending_again(how: str, look_up: Any) -> None:
    task, vendor = Task(), Vendor()
    crash(task)
    mark = task.record["mark"]
    with pytest.raises(OutcomeUnknown) as caught:
        getattr(task, how)().once(vendor, look_up)
    assert vendor.marks == []
    for said in (mark, KEY, "clear the task", "an order of purchase"):
        assert said in str(caught.value)
    assert task.record["mark"] == mark


@pytest.mark.parametrize("how", ["retry", "clear"])
def test_a_run_found_by_its_mark_is_attached_to(how: str) -> None:
    task, vendor, looked_up = Task(), Vendor(), Vendor("run-0")
    crash(task)
    mark = task.record["mark"]
    found = getattr(task, how)().once(vendor, looked_up.submit)
    assert (found, looked_up.marks, vendor.marks) == ("run-0", [mark], [])
    assert task.record["id"] == "run-0"
    assert task.retry().once(vendor) == "run-0"


@pytest.mark.parametrize(
    "error", [Rejected("no"), InvalidInput("bad"), ConnectionFailed("away"), ServiceUnavailable("no code")]
)
def test_what_was_surely_not_started_leaves_no_doubt(error: WorkflowError) -> None:
    task = Task()
    with pytest.raises(type(error)):
        task.once(Vendor(error))
    assert task.record is None
    assert task.retry().once(Vendor("run-2")) == "run-2"


@pytest.mark.parametrize("error", [OutcomeUnknown("lost"), RuntimeError("a bug"), SystemExit(143)])
def test_anything_else_keeps_the_intent(error: BaseException) -> None:
    task = Task()
    with pytest.raises(type(error)):
        task.once(Vendor(error))
    assert "id" not in task.record
    with pytest.raises(OutcomeUnknown):
        task.retry().once(Vendor())


def test_a_store_that_is_briefly_away_is_offered_the_id_again(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(submission, "time", clock)
    task = Task()

    def submit(mark: str) -> str:
        task.store.failing = STORE_ATTEMPTS - 1
        return "run-1"

    assert task.submission().once(submit) == "run-1"
    assert task.record["id"] == "run-1"
    assert clock.slept == [1, 2, 3]


def test_a_store_that_stays_away_ends_in_an_error_that_names_the_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(submission, "time", Clock())
    task = Task()

    def submit(mark: str) -> str:
        task.store.failing = STORE_ATTEMPTS
        return "run-1"

    with pytest.raises(OutcomeUnknown, match="run-1") as caught:
        task.submission().once(submit)
    assert isinstance(caught.value, PermanentError), "a retry could only find the intent"


def test_nothing_is_sent_when_the_intent_cannot_be_stored() -> None:
    task, vendor = Task(), Vendor()
    task.store.failing = 1
    with pytest.raises(ConnectionError):
        task.once(vendor)
    assert vendor.marks == []


def test_without_a_store_each_attempt_starts() -> None:
    task, vendor = Task(store=False), Vendor()
    task.once(vendor)
    task.retry().once(vendor)
    assert len(set(vendor.marks)) == 2


def test_marks_are_readable_unique_and_plain() -> None:
    ti = TaskInstance(dag_id="Bestellung über 100€ " * 5, task_id="grp.öffnen")
    marks = {make_mark({"ti": ti}) for _ in range(50)} | {make_mark({})}
    assert len(marks) == 51
    assert all(re.fullmatch(r"af-[A-Za-z0-9-]{1,61}", mark) for mark in marks)
    assert any(mark.startswith("af-Bestellung--ber-100") for mark in marks)


@pytest.mark.parametrize(
    ("look_up", "told"), [(None, True), (lambda mark: None, False)], ids=["no place", "place"]
)
def test_a_doubt_says_when_it_began_and_whether_the_vendor_has_the_mark(look_up: Any, told: bool) -> None:
    task = Task()
    crash(task)
    with pytest.raises(OutcomeUnknown, match=r"begun at about 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC") as caught:
        task.retry().once(Vendor(), look_up=look_up)
    assert ("which this start could not give the vendor" in str(caught.value)) == told
