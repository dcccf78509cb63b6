"""What the lifecycle cells have in common: a run of a scenario, led through its events, and then counted."""

from __future__ import annotations

import abc
import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from tests.system.chaos import targets as move_targets
from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import SETTLE, CellContext, row
from tests.system.chaos.lifecycle import sensor_targets
from tests.system.chaos.lifecycle.coordination import WORKER_SLOTS
from tests.system.chaos.lifecycle.run_driver import RunDriver
from tests.system.chaos.lifecycle.section_counts import SectionCounts
from tests.system.chaos.tally import Tally, TaskOutcome
from tests.system.chaos.variants import vendor_of
from tests.system.chaos.vendor import Mode, Variant

#: Seconds after which a connection of these lanes gives a request up: long enough to be killed meanwhile.
TIMEOUT = 40.0


@dataclass
class CellRun:
    """
    One run of a cell, and what is noted on the way.

    :param context: the lane's
    :param driver: its tasks
    :param counts: of its effects
    :param targets: what the tasks watch or move
    :param ordered: how many faults there were to be
    :param confirmed: how many there were
    :param problems: what is not as it should be
    :param note: what else was seen
    """

    context: CellContext
    driver: RunDriver
    counts: SectionCounts
    targets: Sequence[str] = ()
    ordered: int = 0
    confirmed: int = 0
    problems: list[str] = field(default_factory=list)
    note: str = ""

    def outcomes(self) -> list[TaskOutcome]:
        """How the tasks have ended so far."""
        return self.context.outcomes(self.driver.dag_id, self.driver.run_id)

    def count(self, *, succeeded: int, in_doubt: int = 0, effects: int, settle: float | None = None) -> Tally:
        """
        Count a section, and note what is not as expected.

        :param succeeded: how many tasks should have
        :param in_doubt: how many should have failed naming their doubt
        :param effects: how many there should be at the vendor
        :param settle: seconds until a request may be sent again; None if none may
        """
        tasks = self.outcomes()
        section = self.counts.close(tasks, settle=settle)
        expected = {"succeeded": succeeded, "doubting": in_doubt, "effects": effects}
        words = {"doubting": "in doubt"}
        found = [
            f"{getattr(section, name)} {words.get(name, name)}, not {number}"
            for name, number in expected.items()
            if getattr(section, name) != number
        ]
        self.problems += found
        self._example(tasks if found else [])
        return section

    def count_again(self) -> None:
        """Note what is wrong after a Clear that has no other effect: all succeed, and nothing is new."""
        size, tasks, there = self.driver.size, self.outcomes(), len(self.context.effects(self.counts.variant))
        succeeded = sum(task.state == "success" for task in tasks)
        if (succeeded, there) != (size, size):
            self.problems.append(f"{succeeded} succeeded and {there} are there after the clear, not {size}")
            self._example(tasks)

    def _example(self, tasks: Sequence[TaskOutcome]) -> None:
        others = sorted({task.error or f"state {task.state}" for task in tasks if task.state != "success"})
        self.problems += [f"e.g. {text[:160]}" for text in others[:1]]


@dataclass(frozen=True, kw_only=True)
class LifecycleCell(Cell):
    """
    A cell on one run of a scenario of its lane.

    :param variant: what is submitted
    :param scenario: which DAG of the lane, see :data:`~tests.system.chaos.lifecycle.dag_files.SCENARIOS`
    """

    variant: Variant
    scenario: str = "patient"

    @classmethod
    def on(cls, variant: Variant, mode: Mode, *, fault: str, **more: object) -> LifecycleCell:
        """A cell for a variant in a mode."""
        return cls(fault=fault, vendor=variant.title, mode=mode, variant=variant, **more)  # type: ignore[arg-type]

    @property
    def settle(self) -> float | None:
        """Seconds until a request may be sent again; None where the vendor cannot be asked."""
        return SETTLE if self.variant.found == "always" else None

    def run(self, context: CellContext) -> CellResult:
        """Start the run, lead it, count."""
        began = time.monotonic()
        dag_id = f"{context.lane.name}_{self.scenario}"
        run_id = context.fresh(type(self).__name__)
        watched = self.variant.watches
        if watched:
            targets = sensor_targets.make(vendor_of(self.variant), context, run_id, size=context.size)
        else:
            targets = move_targets.make(self.variant, context.lane.name, size=context.size)
        driver = RunDriver(
            context,
            dag_id,
            run_id,
            deferring=self.mode == "deferrable",
            targets=targets if watched else (),
        )
        cell_run = CellRun(context, driver, SectionCounts(context, self.variant), targets)
        self.prepare(cell_run)
        with WORKER_SLOTS.reserve(self.held(context.size)):
            context.begin(dag_id, run_id, targets=targets)
            self.lead(cell_run)
        return row(
            self,
            cell_run.counts.total,
            began=began,
            ordered=cell_run.ordered,
            confirmed=cell_run.confirmed,
            problems=self.judge(cell_run.problems),
            note=cell_run.note,
        )

    def held(self, size: int) -> int:
        """How many workers the cell's tasks must all have at once."""
        return 0

    def prepare(self, cell_run: CellRun) -> None:
        """Order the faults that are to be there from the beginning."""

    @abc.abstractmethod
    def lead(self, cell_run: CellRun) -> None:
        """Lead the run through its events to its end, and count."""

    def judge(self, problems: Sequence[str]) -> Sequence[str]:
        """The problems that count."""
        return problems
