"""Cells in which the triggerer and the scheduler are killed while tasks wait."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.coordination import SharedRestart

BOTH = ("triggerer", "scheduler")
PARTS: Mapping[str, Sequence[str]] = {"deferrable": BOTH, "sync": ("scheduler",)}
TRIGGERER_KILLED = "triggerer killed and restarted while all wait"
KILLED = {
    "deferrable": "triggerer killed and restarted while all wait, then the scheduler",
    "sync": "scheduler killed and restarted while all wait",
}
RESTARTS = {part: SharedRestart(part) for part in BOTH}


@dataclass(frozen=True, kw_only=True)
class ComponentsKilled(LifecycleCell):
    """
    All lanes at once: Airflow's parts die and come back, and the waits go on.

    :param parts: which, in order
    """

    scenario: str = "prompt"
    parts: Sequence[str] = BOTH

    def held(self, size: int) -> int:
        """One for each task that waits there."""
        return size if self.mode == "sync" else 0

    def lead(self, cell_run: CellRun) -> None:
        """Wait until all wait, kill what carries them, and let all end."""
        driver, size = cell_run.driver, cell_run.driver.size
        with contextlib.ExitStack() as stack:
            restarts = [RESTARTS[part] for part in self.parts]
            for restart in restarts:
                stack.enter_context(restart.taking_part())
            for restart in restarts:
                driver.wait()
                restart.restart(cell_run.context.instance)
                cell_run.confirmed += 1
            # The scheduler's end is the end of its workers, too: their tasks begin another attempt.
            driver.wait(attempt=2 if self.mode == "sync" else 1)
            driver.finish()
        cell_run.ordered = len(restarts)
        cell_run.count(succeeded=size, effects=size, settle=self.settle)
