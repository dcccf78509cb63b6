"""Cells in which a user clears tasks."""

from __future__ import annotations

from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.run_driver import Submission

ALIVE = {
    "sync": "cleared while running, then after success",
    "deferrable": "cleared while deferred, then after success",
}


@dataclass(frozen=True, kw_only=True)
class ClearedAlive(LifecycleCell):
    """Cleared while the run is alive: attaches. Cleared after success: starts anew; a sensor looks anew."""

    scenario: str = "prompt"

    def lead(self, cell_run: CellRun) -> None:
        """Clear each task while it waits; let all end; clear all again, and let the new runs end."""
        driver, size = cell_run.driver, cell_run.driver.size
        attempts: dict[int, int] = {}

        def step(submission: Submission) -> bool:
            if submission.index not in attempts:
                if submission.waits:
                    driver.clear([submission.index])
                    attempts[submission.index] = submission.attempt
            elif (
                submission.attempt > attempts[submission.index]
                and submission.waits
                and submission.remote_id is not None
            ):
                driver.finisher.finish([submission.remote_id])
            return submission.ended and submission.index in attempts

        driver.lead(step, what="all tasks to be cleared and to end")
        cell_run.count(succeeded=size, effects=size, settle=self.settle)
        first = {submission.index: submission for submission in driver.end()}
        driver.clear(range(size))
        driver.finish()
        _count_again(self, cell_run)
        renewed = [
            submission for submission in driver.look() if submission.attempt > first[submission.index].attempt
        ]
        cell_run.ordered, cell_run.confirmed = 2 * size, len(attempts) + len(renewed)


@dataclass(frozen=True, kw_only=True)
class ClearedAfterSuccess(LifecycleCell):
    """What does not wait, cleared after success: starts anew; a true upsert meets its instance again."""

    fault: str = "cleared after success"
    scenario: str = "prompt"

    def lead(self, cell_run: CellRun) -> None:
        """Let all end, clear all, let all end."""
        driver, size = cell_run.driver, cell_run.driver.size
        driver.end()
        cell_run.count(succeeded=size, effects=size, settle=self.settle)
        first = {submission.index: submission.attempt for submission in driver.look()}
        driver.clear(range(size))
        driver.end()
        cell_run.ordered = size
        cell_run.confirmed = sum(submission.attempt > first[submission.index] for submission in driver.look())
        _count_again(self, cell_run)


@dataclass(frozen=True, kw_only=True)
class ClearedAfterFailure(LifecycleCell):
    """
    The run ends badly at the vendor; the tasks fail, and are cleared.

    :param reruns: the operator is to start another run when one has failed, which its one retry does
    """

    reruns: bool = False

    def lead(self, cell_run: CellRun) -> None:
        """Let all fail, clear all, let all fail."""
        driver, size = cell_run.driver, cell_run.driver.size
        driver.end()
        self._section(cell_run)
        first = {submission.index: submission.attempt for submission in driver.look()}
        driver.clear(range(size))
        driver.end()
        self._section(cell_run)
        cell_run.ordered = size
        cell_run.confirmed = sum(submission.attempt > first[submission.index] for submission in driver.look())

    def _section(self, cell_run: CellRun) -> None:
        """Count the runs of a generation: one, or with ``rerun`` one for each of two attempts."""
        if self.reruns:
            cell_run.counts.close_pairs(cell_run.outcomes(), cell_run.problems)
        else:
            cell_run.count(succeeded=0, effects=cell_run.driver.size)
        expected = "RunMayRerun" if self.reruns else "RunFailed"
        others = {task.error for task in cell_run.outcomes() if not task.error.startswith(expected)}
        cell_run.problems += [f"e.g. {text[:160] or 'no error'}" for text in sorted(others)[:1]]


def _count_again(cell: LifecycleCell, cell_run: CellRun) -> None:
    """Count what came of a Clear after success."""
    if cell.variant.renews:
        size = cell_run.driver.size
        cell_run.count(succeeded=size, effects=size, settle=cell.settle)
    else:
        cell_run.count_again()
