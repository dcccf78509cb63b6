"""Cells in which a person meets a doubt: clears it, hands the id over, or has opted in to resubmit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.system.chaos.airflow_reader import TASK
from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.run_driver import RECORD, STALLED, Submission

ID_FROM_PERSON = "cleared with an unresolved doubt; then the id handed over by hand and cleared"
OPTED_IN = "request lost before the effect, on_lost_answer=resubmit"


@dataclass(frozen=True, kw_only=True)
class IdFromPerson(LifecycleCell):
    """The answer is lost for good: a Clear sends nothing; with the id in the record, a Clear goes on."""

    fault: str = ID_FROM_PERSON
    scenario: str = "prompt"

    def prepare(self, cell_run: CellRun) -> None:
        """Lose the answer to each submission's first request, and to any other."""
        size = cell_run.driver.size
        cell_run.context.control.fault(
            self.variant.mount, self.variant.endpoint, "lost_answer", times=2 * size
        )
        cell_run.ordered = size

    def lead(self, cell_run: CellRun) -> None:
        """Fail in doubt, clear and fail in doubt again, hand the ids over, clear and end well."""
        driver, size = cell_run.driver, cell_run.driver.size
        driver.end()
        cell_run.confirmed = min(size, sum(fault["hits"] for fault in cell_run.context.control.faults()))
        self._expect_doubts(cell_run, "before the clear")
        first = {submission.index: submission.attempt for submission in driver.look()}
        driver.clear(range(size))
        submissions = driver.end()
        self._expect_doubts(cell_run, "after the clear")
        cell_run.problems += [
            f"{submission.task.label} was cleared and did not run"
            for submission in submissions
            if submission.attempt == first[submission.index]
        ]
        found = list(self._found(cell_run, submissions))
        # Some of the runs have come to their end before somebody finds them.
        self._end(cell_run, [remote_id for _, remote_id in found[1::2]])
        for submission, remote_id in found:
            self._hand_over(cell_run, submission, remote_id)
        driver.clear(range(size))
        driver.finish()
        cell_run.count(succeeded=size, effects=size, settle=self.settle)

    def _expect_doubts(self, cell_run: CellRun, when: str) -> None:
        doubting = sum(bool(task.doubt) for task in cell_run.outcomes())
        if doubting != cell_run.driver.size:
            cell_run.problems.append(f"{doubting} in doubt {when}, not {cell_run.driver.size}")

    def _found(self, cell_run: CellRun, submissions: list[Submission]) -> Iterator[tuple[Submission, str]]:
        """What a person finds at the vendor for each task, by its tag; where there is none, any will do."""
        effects = cell_run.context.effects(self.variant)
        by_tag = {effect.tag: effect.id for effect in effects}
        for submission, effect in zip(submissions, effects, strict=False):
            tag = f"{cell_run.driver.run_id}.{submission.index}"
            yield submission, by_tag[tag] if self.variant.is_tagged else effect.id

    def _end(self, cell_run: CellRun, remote_ids: list[str]) -> None:
        finisher = cell_run.driver.finisher
        finisher.finish(remote_ids)

        def ended() -> bool | None:
            finisher.work()
            return finisher.idle or None

        cell_run.context.until(ended, timeout=STALLED, what="runs to end at the vendor")

    def _hand_over(self, cell_run: CellRun, submission: Submission, remote_id: str) -> None:
        driver = cell_run.driver
        where = (driver.dag_id, driver.run_id, TASK)
        record = cell_run.context.airflow.state(*where, map_index=submission.index).get(RECORD, {})
        cell_run.context.airflow.put_state(
            *where, RECORD, {**record, "id": remote_id}, map_index=submission.index
        )


@dataclass(frozen=True, kw_only=True)
class OptedIn(LifecycleCell):
    """The user has said that a doubt is to be sent again: it is, once, and says so."""

    fault: str = OPTED_IN
    scenario: str = "insisting"

    def prepare(self, cell_run: CellRun) -> None:
        """Lose each submission's first request before it has an effect."""
        size = cell_run.driver.size
        cell_run.context.control.fault(
            self.variant.mount,
            self.variant.endpoint,
            "reset_before",
            times=size,
            per_tag=self.variant.is_tagged,
        )
        cell_run.ordered = size

    def lead(self, cell_run: CellRun) -> None:
        """Let all end."""
        driver, size = cell_run.driver, cell_run.driver.size
        driver.finish()
        cell_run.confirmed = sum(fault["hits"] for fault in cell_run.context.control.faults())
        if self.variant.is_tagged:
            cell_run.count(succeeded=size, effects=size, settle=0.0)
            return
        cell_run.counts.close(cell_run.outcomes(), excused=cell_run.confirmed)
