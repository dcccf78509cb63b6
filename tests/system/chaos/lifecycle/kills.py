"""Cells in which the process that runs a task is killed with SIGKILL."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.system.chaos.cell_context import CellContext
from tests.system.chaos.lifecycle.base import TIMEOUT, CellRun, LifecycleCell
from tests.system.chaos.lifecycle.run_driver import Submission

BEFORE_STORED = "worker killed after the POST, before the id is stored"
WHILE_WAITING = "worker killed after the id is stored, and again while waiting"
WHILE_WATCHING = "worker killed while a sensor waits, and again"
#: Seconds for which a task waits in its worker before it is killed there.
WAITED = 4.0


@dataclass(frozen=True, kw_only=True)
class KilledBeforeStored(LifecycleCell):
    """
    The vendor has acted, and holds its answer until the process that waits for it is killed.

    :param hold: seconds for which it holds the answer
    """

    fault: str = BEFORE_STORED
    hold: float = TIMEOUT * 3

    def prepare(self, cell_run: CellRun) -> None:
        """Let the vendor hold the answer to each submission's first request."""
        size = cell_run.driver.size
        self._order(cell_run.context, times=size)
        cell_run.ordered = size

    def _order(self, context: CellContext, *, times: int) -> None:
        context.control.fault(
            self.variant.mount,
            self.variant.endpoint,
            "slow",
            times=times,
            per_tag=self.variant.is_tagged,
            seconds=self.hold,
        )

    def lead(self, cell_run: CellRun) -> None:
        """Kill each task once its request has been struck."""
        driver, killed, struck = cell_run.driver, set[int](), set[int]()

        def step(submission: Submission) -> bool:
            if submission.index not in killed:
                due = (
                    submission.task.state == "running"
                    and submission.attempt == 1
                    and submission.index in struck
                )
                killed.update([submission.index] if due and driver.kill(submission) else [])
            elif submission.attempt > 1 and submission.waits and submission.remote_id is not None:
                driver.finisher.finish([submission.remote_id])
            return submission.ended

        def look() -> None:
            struck.update(self._struck(cell_run))
            if len(killed) == driver.size:
                self.after_all(cell_run)

        driver.lead(step, what="all tasks to be killed and to end", first=look)
        cell_run.confirmed = min(_hits(cell_run), len(killed))
        self._count(cell_run)

    def after_all(self, cell_run: CellRun) -> None:
        """Is called again and again once all have been killed."""

    def _struck(self, cell_run: CellRun) -> Iterable[int]:
        """The indexes of those whose request is held by the vendor, which has acted on it."""
        if self.variant.is_tagged:
            sent = cell_run.context.control.sent(self.variant.mount)
            return [
                int(one["tag"].rpartition(".")[2]) for one in sent if one["endpoint"] == self.variant.endpoint
            ]
        # Without tags: once as many requests are held as there are intents, each of the intents' is.
        begun = [submission.index for submission in cell_run.driver.look() if submission.record]
        return begun if _hits(cell_run) >= len(begun) else []

    def _count(self, cell_run: CellRun) -> None:
        size = cell_run.driver.size
        known = self.variant.found == "always"
        cell_run.count(
            succeeded=size if known else 0, in_doubt=0 if known else size, effects=size, settle=self.settle
        )


@dataclass(frozen=True, kw_only=True)
class RecordSwitchedOff(KilledBeforeStored):
    """The control: the same with the record switched off."""

    control: bool = True
    scenario: str = "without_record"

    def _count(self, cell_run: CellRun) -> None:
        cell_run.counts.close(cell_run.outcomes())

    def after_all(self, cell_run: CellRun) -> None:
        """Let whatever there is end, since no record says what is whose."""
        cell_run.driver.finisher.finish([effect.id for effect in cell_run.context.effects(self.variant)])

    def judge(self, problems: Sequence[str]) -> Sequence[str]:
        """Nothing but duplicates is asked of a control."""
        return ()


@dataclass(frozen=True, kw_only=True)
class KilledWhileWaiting(LifecycleCell):
    """Once the record names the run, or a sensor waits: killed, and killed again when the next one waits."""

    fault: str = WHILE_WAITING

    def lead(self, cell_run: CellRun) -> None:
        """Kill each task twice, then let its run end."""
        driver, killed = cell_run.driver, defaultdict[int, list[int]](list)

        def step(submission: Submission) -> bool:
            attempts = killed[submission.index]
            # Not by counting: a busy Airflow may have ended an attempt by itself.
            if attempts and submission.attempt <= attempts[-1]:
                return submission.ended
            if len(attempts) < 2:
                if self._is_due(submission, len(attempts)) and driver.kill(submission):
                    attempts.append(submission.attempt)
            elif submission.waits and submission.remote_id is not None:
                driver.finisher.finish([submission.remote_id])
            return submission.ended

        driver.lead(step, what="all tasks to be killed twice and to end")
        cell_run.ordered, cell_run.confirmed = 2 * driver.size, sum(map(len, killed.values()))
        cell_run.count(succeeded=driver.size, effects=driver.size, settle=self.settle)

    def _is_due(self, submission: Submission, kills: int) -> bool:
        due: Sequence[Callable[[], bool]] = (
            lambda: submission.remote_id is not None,
            lambda: submission.remote_id is not None and time.monotonic() - submission.since >= WAITED,
        )
        return submission.task.state == "running" and due[kills]()


def _hits(cell_run: CellRun) -> int:
    return sum(fault["hits"] for fault in cell_run.context.control.faults())
