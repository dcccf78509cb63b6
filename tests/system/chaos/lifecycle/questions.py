"""Cells in which a person is asked about a doubt in Airflow, and answers by its REST API."""

from __future__ import annotations

import abc
import contextlib
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar

from airflow_provider_workflows.core.tasks.question import GIVE_UP, NOT_THERE, THERE
from dev.airflow_home import AirflowError
from tests.system.chaos.airflow_reader import TASK
from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.run_driver import Submission
from tests.system.chaos.tally import Send, bare, tally

#: Seconds for which a task has been waiting before it is answered: Airflow may fail one that resumes sooner.
CALM = 5.0
WRONG_ID = "999999999"


@dataclass
class Person:
    """
    Answers the questions of a run.

    :param cell_run: the run
    :param calm: seconds for which a task must have been waiting
    """

    cell_run: CellRun
    calm: float = CALM
    #: Which questions were answered: map index and when the task began to wait.
    answered: set[tuple[int, float]] = field(default_factory=set)

    def is_asked(self, submission: Submission) -> bool:
        """Whether a task waits for an answer that it has not got."""
        waited = time.monotonic() - submission.since
        parked = submission.task.state == "awaiting_input" and waited >= self.calm
        return parked and (submission.index, submission.since) not in self.answered

    def times(self, submission: Submission) -> int:
        """How often a task was answered."""
        return sum(index == submission.index for index, _ in self.answered)

    def answer(self, submission: Submission, option: str, id: str | None = None) -> None:
        """Answer, as the UI does."""
        self.answered.add((submission.index, submission.since))
        self.send(submission.index, option, id)

    def send(self, index: int, option: str, id: str | None = None) -> None:
        """Send an answer."""
        driver = self.cell_run.driver
        path = f"/dags/{driver.dag_id}/dagRuns/{driver.run_id}/taskInstances/{TASK}/{index}/hitlDetails"
        body = {"chosen_options": [option], "params_input": {} if id is None else {"id": id}}
        self.cell_run.context.airflow.call("PATCH", path, json=body)

    def found(self) -> Mapping[int, str]:
        """What the person finds at the vendor for each task, by its tag; where there is none, any will do."""
        cell_run = self.cell_run
        effects = cell_run.context.effects(cell_run.counts.variant)
        if not cell_run.counts.variant.is_tagged:
            return {index: effect.id for index, effect in enumerate(effects)}
        return {int(str(effect.tag).rpartition(".")[2]): effect.id for effect in effects if effect.tag}


@dataclass(frozen=True, kw_only=True)
class AskedCell(LifecycleCell):
    """The first request of each submission is lost, and a person says what became of it."""

    scenario: str = "asking"
    #: The fault of the sandbox.
    lost: ClassVar[str] = "lost_answer"
    calm: ClassVar[float] = CALM

    def prepare(self, cell_run: CellRun) -> None:
        """Lose each submission's first request, before or after its effect."""
        size = cell_run.driver.size
        cell_run.context.control.fault(
            self.variant.mount, self.variant.endpoint, self.lost, times=size, per_tag=self.variant.is_tagged
        )
        cell_run.ordered = size

    def lead(self, cell_run: CellRun) -> None:
        """Let all be asked and answered, and end."""
        person, driver, size = Person(cell_run, self.calm), cell_run.driver, cell_run.driver.size
        self.before(cell_run, person)
        driver.lead(lambda submission: self._step(cell_run, person, submission), what="all tasks to end")
        driver.end()
        cell_run.confirmed = min(size, sum(fault["hits"] for fault in cell_run.context.control.faults()))
        self.count(cell_run)
        for index in range(size if self.variant.found == "never" else 0):
            if not any(index == one for one, _ in person.answered):
                cell_run.problems.append(f"task {index} was never asked")

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Do what strikes the tasks while they wait for an answer."""

    def _step(self, cell_run: CellRun, person: Person, submission: Submission) -> bool:
        if person.is_asked(submission):
            self.answer(person, submission)
        elif self.variant.waits and submission.waits and submission.remote_id is not None:
            cell_run.driver.finisher.finish([submission.remote_id])
        return self.is_over(cell_run, submission)

    def is_over(self, cell_run: CellRun, submission: Submission) -> bool:
        """Whether a task is where it is to be."""
        return submission.ended

    @abc.abstractmethod
    def answer(self, person: Person, submission: Submission) -> None:
        """Answer a task's question."""

    def count(self, cell_run: CellRun) -> None:
        """Count: all succeed, with one effect each."""
        cell_run.count(succeeded=cell_run.driver.size, effects=cell_run.driver.size, settle=self.settle)

    def _all_asked(self, cell_run: CellRun, person: Person) -> list[Submission]:
        return cell_run.driver.lead(person.is_asked, what="all tasks to wait for an answer")


@dataclass(frozen=True, kw_only=True)
class ItIsThere(AskedCell):
    """It is there. Every third person first gives a wrong id, and every third gives up, and clears later."""

    fault: str = "asked: it is there; a wrong id first; given up, cleared and asked again"

    def answer(self, person: Person, submission: Submission) -> None:
        """Answer with the id that the person finds at the vendor."""
        first = person.times(submission) == 0
        if first and submission.index % 3 == 1:
            person.answer(submission, THERE, WRONG_ID)
        elif first and submission.index % 3 == 2:
            person.answer(submission, GIVE_UP)
        else:
            person.answer(submission, THERE, person.found()[submission.index])

    def is_over(self, cell_run: CellRun, submission: Submission) -> bool:
        """Clear what failed because its person gave up."""
        if submission.task.state == "failed" and submission.attempt == 1:
            cell_run.driver.clear([submission.index])
            return False
        return submission.ended


@dataclass(frozen=True, kw_only=True)
class ItIsNotThere(AskedCell):
    """It is not there: it is sent again, once."""

    fault: str = "asked: it is not there, send it"
    lost: ClassVar[str] = "reset_before"

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Without tags, wait until each has lost its first request: a second one would be lost instead."""
        if not self.variant.is_tagged:
            self._all_asked(cell_run, person)

    def answer(self, person: Person, submission: Submission) -> None:
        """Let it be sent."""
        person.answer(submission, NOT_THERE)

    def count(self, cell_run: CellRun) -> None:
        """Count, where a second request of each submission is right."""
        size = cell_run.driver.size
        if self.variant.is_tagged:
            cell_run.count(succeeded=size, effects=size, settle=0.0)
            return
        section = cell_run.counts.close(cell_run.outcomes(), excused=cell_run.confirmed)
        if (section.succeeded, section.effects) != (size, size):
            cell_run.problems.append(f"{section.succeeded} succeeded, {section.effects} effects, not {size}")


@dataclass(frozen=True, kw_only=True)
class AnsweredAtOnce(ItIsThere):
    """
    Answered the moment that the task waits.

    Airflow may then take the old process's end for the resumed task's, and fail it: its retry asks again,
    and this time the person waits a little.
    """

    fault: str = "asked: answered at once"
    calm: ClassVar[float] = 0.0

    def answer(self, person: Person, submission: Submission) -> None:
        """Answer with the id that the person finds at the vendor."""
        if person.times(submission) and time.monotonic() - submission.since < CALM:
            return
        # It may be gone already, or answered in the moment before.
        with contextlib.suppress(AirflowError, KeyError):
            person.answer(submission, THERE, person.found()[submission.index])

    def is_over(self, cell_run: CellRun, submission: Submission) -> bool:
        """Whether it has ended; nothing is cleared."""
        return submission.ended


@dataclass(frozen=True, kw_only=True)
class ClearedWhileAsked(AskedCell):
    """Cleared while it waits for an answer: asked again, and nothing is sent."""

    fault: str = "asked: cleared before the answer"

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Clear all while they wait."""
        self._clear(cell_run, self._all_asked(cell_run, person))

    def _clear(self, cell_run: CellRun, submissions: Iterable[Submission]) -> None:
        attempts = {submission.index: submission.attempt for submission in submissions}
        cell_run.driver.clear(attempts)
        cell_run.driver.lead(
            lambda submission: submission.attempt > attempts[submission.index], what="all tasks to be cleared"
        )

    def answer(self, person: Person, submission: Submission) -> None:
        """Answer with the id that the person finds at the vendor."""
        person.answer(submission, THERE, person.found()[submission.index])


@dataclass(frozen=True, kw_only=True)
class FailedWhileAsked(ClearedWhileAsked):
    """Marked failed while it waits for an answer: the answer does nothing; a Clear asks again."""

    fault: str = "asked: marked failed before the answer, then answered, then cleared"

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Mark all failed, and then say that nothing is there, which is not true."""
        driver = cell_run.driver
        for submission in self._all_asked(cell_run, person):
            cell_run.context.airflow.set_state(
                driver.dag_id, driver.run_id, TASK, "failed", map_index=submission.index
            )
        driver.end()
        for index in range(driver.size):
            person.send(index, NOT_THERE)
        time.sleep(3 * CALM)
        submissions = driver.look()
        others = [one for one in submissions if one.task.state != "failed"]
        cell_run.problems += [f"{len(others)} went on after they were marked failed"] if others else []
        self._clear(cell_run, submissions)


@dataclass(frozen=True, kw_only=True)
class MovedByHand(AskedCell):
    """
    The request of a move is lost, and somebody at the vendor makes the same move by hand.

    So the vendor shows a move, but not this task's. A third of the people say that it is there, a third that
    it is not there, and a third give up.
    """

    fault: str = "asked: a lost move that somebody made by hand: it is there; it is not there; given up"
    scenario: str = "asking_late"
    lost: ClassVar[str] = "reset_before"

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Move by hand whatever has lost its request, before its task looks again."""
        moved: set[str] = set()
        cell_run.driver.lead(
            person.is_asked,
            what="all tasks to wait for an answer",
            first=lambda: self._move(cell_run, moved),
        )

    def _move(self, cell_run: CellRun, moved: set[str]) -> None:
        context, mount = cell_run.context, self.variant.mount
        lost = {one["tag"] for one in context.control.sent(mount) if one["endpoint"] == self.variant.endpoint}
        if not (now := lost - moved):
            return
        records = {bare(record["id"]): record for record in context.control.records(mount)}
        for tag in now:
            target = cell_run.targets[int(tag.rpartition(".")[2])]
            action = records[bare(target)]["actions"][0]
            context.control.command(mount, action["command"], **action["arguments"])
        moved |= now

    def answer(self, person: Person, submission: Submission) -> None:
        """Answer each third in its own way."""
        person.answer(submission, (THERE, NOT_THERE, GIVE_UP)[submission.index % 3])

    def count(self, cell_run: CellRun) -> None:
        """Count the move by hand as that of whoever says that it is there, or gives up."""
        size, tasks = cell_run.driver.size, cell_run.outcomes()
        tags = {bare(target): task.tag for target, task in zip(cell_run.targets, tasks, strict=True)}
        by_hand = {task.tag for index, task in enumerate(tasks) if index % 3 == 1}
        effects = []
        for effect in cell_run.context.effects(self.variant, tags):
            if effect.tag in by_hand:
                by_hand.remove(effect.tag)
            else:
                effects.append(effect)
        sent = cell_run.context.control.sent(self.variant.mount)
        sends = [Send(one["tag"], one["at"]) for one in sent if one["endpoint"] == self.variant.endpoint]
        section = tally(tasks, effects, sends, settle=0.0)
        cell_run.counts.sections.append(section)
        again, given_up = len(range(1, size, 3)), len(range(2, size, 3))
        found = (section.succeeded, section.doubting, section.effects, section.resubmissions)
        if found != (wanted := (size - given_up, given_up, size, again)):
            cell_run.problems.append(f"succeeded, in doubt, effects, sent again: {found}, not {wanted}")


@dataclass(frozen=True, kw_only=True)
class SchedulerKilledWhileAsked(ClearedWhileAsked):
    """The scheduler dies while tasks wait for an answer, and another one follows."""

    fault: str = "asked: scheduler killed and restarted before the answer"

    def before(self, cell_run: CellRun, person: Person) -> None:
        """Kill the scheduler while all wait."""
        self._all_asked(cell_run, person)
        instance = cell_run.context.instance
        instance.kill("scheduler")
        time.sleep(1.0)
        instance.restart("scheduler")
