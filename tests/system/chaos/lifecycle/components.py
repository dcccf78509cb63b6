"""Cells in which the triggerer and the scheduler are killed while tasks wait."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import Course, LifeCell
from tests.system.chaos.lifecycle.gate import Blow

BOTH = ("triggerer", "scheduler")
PARTS: Mapping[str, Sequence[str]] = {"deferrable": BOTH, "sync": ("scheduler",)}
TRIGGERER_KILLED = "triggerer killed and restarted while all wait"
KILLED = {
    "deferrable": "triggerer killed and restarted while all wait, then the scheduler",
    "sync": "scheduler killed and restarted while all wait",
}
BLOWS = {part: Blow(part) for part in BOTH}


@dataclass(frozen=True, kw_only=True)
class ComponentsKilled(LifeCell):
    """
    All lanes at once: Airflow's parts die and come back, and the waits go on.

    :param parts: which, in order
    """

    plot: str = "prompt"
    parts: Sequence[str] = BOTH

    def held(self, size: int) -> int:
        """One for each task that waits there."""
        return size if self.mode == "sync" else 0

    def lead(self, course: Course) -> None:
        """Wait until all wait, kill what carries them, and let all end."""
        crew, size = course.crew, course.crew.size
        with contextlib.ExitStack() as stack:
            blows = [BLOWS[part] for part in self.parts]
            for blow in blows:
                stack.enter_context(blow.taking_part())
            for blow in blows:
                crew.wait()
                blow.strike(course.stage.instance)
                course.confirmed += 1
            # The scheduler's end is the end of its workers, too: their tasks begin another attempt.
            crew.wait(attempt=2 if self.mode == "sync" else 1)
            crew.finish()
        course.ordered = len(blows)
        course.count(succeeded=size, effects=size, settle=self.settle)
