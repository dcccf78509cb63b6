"""Cells in which what a sensor watches ends at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import CellContext, row
from tests.system.chaos.lifecycle.dag_files import FOLD
from tests.system.chaos.lifecycle.run_driver import RunDriver, Submission
from tests.system.chaos.lifecycle.sensor_targets import lane_of, make
from tests.system.chaos.tally import Tally

#: A target ends at most so many seconds after its sensor has been handed over.
QUICK_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True)
class QuickEnds(Cell):
    """
    What a sensor waits for ends right after it was handed over; none may fail, or need another attempt.

    :param of: the vendor, such as ``omflow``
    :param place: where the sensors wait: ``deferrable`` or ``reschedule``
    """

    of: str
    place: str

    def run(self, context: CellContext) -> CellResult:
        """Make targets, let sensors watch them, end each soon, and count."""
        began = time.monotonic()
        run_id = context.fresh(type(self).__name__)
        size = context.size * FOLD[self.place]
        targets = make(self.of, context, run_id, size=size)
        driver = RunDriver(context, f"{lane_of(self.of)}_{self.place}", run_id, size=size)
        context.begin(driver.dag_id, run_id, targets=targets)
        struck = self._lead(driver, targets)
        ended = driver.look()
        return row(
            self,
            figures(context, ended),
            began=began,
            ordered=size,
            confirmed=struck,
            problems=failures(driver, ended),
        )

    def _lead(self, driver: RunDriver, targets: Sequence[str]) -> int:
        """End each target at a moment of its own, 0 to 3 s after its sensor waits; returns how many."""
        due: dict[int, float] = {}
        struck: set[int] = set()

        def step(submission: Submission) -> bool:
            now = time.monotonic()
            if submission.index not in due and submission.task.state in ("deferred", "up_for_reschedule"):
                due[submission.index] = now + random.uniform(0, QUICK_SECONDS)
            if submission.index not in struck and now >= due.get(submission.index, now + 1):
                driver.finisher.finish([targets[submission.index]])
                struck.add(submission.index)
            return submission.ended

        driver.lead(step, what="all sensors to end")
        return len(struck)


def figures(context: CellContext, submissions: Sequence[Submission]) -> Tally:
    """The row's figures: targets were made once, and nothing but the sensors' own end is at stake."""
    return Tally(
        submissions=len(submissions),
        effects=len(context.control.records(context.lane.mount)),
        duplicates=max(0, len(context.control.records(context.lane.mount)) - len(submissions)),
        lost=0,
        resubmissions=0,
        silent=0,
        succeeded=sum(submission.task.state == "success" for submission in submissions),
        doubting=0,
        strangers=0,
    )


def failures(driver: RunDriver, submissions: Sequence[Submission]) -> list[str]:
    """What did not end well, or not in its first attempt."""
    states = Counter(
        str(submission.task.state) for submission in submissions if submission.task.state != "success"
    )
    found = [f"{number} sensors {state}" for state, number in states.items()]
    again = sum(submission.attempt != 1 for submission in submissions)
    if again:
        found.append(f"{again} sensors needed another attempt")
    if found:
        errors = {task.error for task in driver.context.outcomes(driver.dag_id, driver.run_id) if task.error}
        found += [f"e.g. {text[:160]}" for text in sorted(errors)[:1]]
    return found
