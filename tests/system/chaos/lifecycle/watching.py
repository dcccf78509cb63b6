"""Cells in which what a sensor watches ends at once."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.lifecycle.crew import Crew, Member
from tests.system.chaos.lifecycle.watched import lane_of, make
from tests.system.chaos.lifecycle.written import FOLD
from tests.system.chaos.stage import Stage, row
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

    def run(self, stage: Stage) -> CellResult:
        """Make targets, let sensors watch them, end each soon, and count."""
        began = time.monotonic()
        run_id = stage.fresh(type(self).__name__)
        size = stage.size * FOLD[self.place]
        targets = make(self.of, stage, run_id, size=size)
        crew = Crew(stage, f"{lane_of(self.of)}_{self.place}", run_id, size=size)
        stage.begin(crew.dag_id, run_id, targets=targets)
        struck = self._lead(crew, targets)
        ended = crew.look()
        return row(
            self,
            figures(stage, ended),
            began=began,
            ordered=size,
            confirmed=struck,
            problems=failures(crew, ended),
        )

    def _lead(self, crew: Crew, targets: Sequence[str]) -> int:
        """End each target at a moment of its own, 0 to 3 s after its sensor waits; returns how many."""
        due: dict[int, float] = {}
        struck: set[int] = set()

        def step(member: Member) -> bool:
            now = time.monotonic()
            if member.index not in due and member.task.state in ("deferred", "up_for_reschedule"):
                due[member.index] = now + random.uniform(0, QUICK_SECONDS)
            if member.index not in struck and now >= due.get(member.index, now + 1):
                crew.desk.finish([targets[member.index]])
                struck.add(member.index)
            return member.ended

        crew.lead(step, what="all sensors to end")
        return len(struck)


def figures(stage: Stage, members: Sequence[Member]) -> Tally:
    """The row's figures: targets were made once, and nothing but the sensors' own end is at stake."""
    return Tally(
        submissions=len(members),
        effects=len(stage.control.records(stage.lane.mount)),
        duplicates=max(0, len(stage.control.records(stage.lane.mount)) - len(members)),
        lost=0,
        resubmissions=0,
        silent=0,
        succeeded=sum(member.task.state == "success" for member in members),
        doubting=0,
        strangers=0,
    )


def failures(crew: Crew, members: Sequence[Member]) -> list[str]:
    """What did not end well, or not in its first attempt."""
    states = Counter(str(member.task.state) for member in members if member.task.state != "success")
    found = [f"{number} sensors {state}" for state, number in states.items()]
    again = sum(member.attempt != 1 for member in members)
    if again:
        found.append(f"{again} sensors needed another attempt")
    if found:
        errors = {task.error for task in crew.stage.outcomes(crew.dag_id, crew.run_id) if task.error}
        found += [f"e.g. {text[:160]}" for text in sorted(errors)[:1]]
    return found
