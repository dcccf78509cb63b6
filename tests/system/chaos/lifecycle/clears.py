"""Cells in which a user clears tasks."""

from __future__ import annotations

from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import Course, LifeCell
from tests.system.chaos.lifecycle.crew import Member

ALIVE = {
    "sync": "cleared while running, then after success",
    "deferrable": "cleared while deferred, then after success",
}


@dataclass(frozen=True, kw_only=True)
class ClearedAlive(LifeCell):
    """Cleared while the run is alive: attaches. Cleared after success: starts anew; a sensor looks anew."""

    plot: str = "prompt"

    def lead(self, course: Course) -> None:
        """Clear each task while it waits; let all end; clear all again, and let the new runs end."""
        crew, size = course.crew, course.crew.size
        attempts: dict[int, int] = {}

        def step(member: Member) -> bool:
            if member.index not in attempts:
                if member.waits:
                    crew.clear([member.index])
                    attempts[member.index] = member.attempt
            elif member.attempt > attempts[member.index] and member.waits and member.remote_id is not None:
                crew.desk.finish([member.remote_id])
            return member.ended and member.index in attempts

        crew.lead(step, what="all tasks to be cleared and to end")
        course.count(succeeded=size, effects=size, settle=self.settle)
        first = {member.index: member for member in crew.end()}
        crew.clear(range(size))
        crew.finish()
        _count_again(self, course)
        renewed = [member for member in crew.look() if member.attempt > first[member.index].attempt]
        course.ordered, course.confirmed = 2 * size, len(attempts) + len(renewed)


@dataclass(frozen=True, kw_only=True)
class ClearedAfterSuccess(LifeCell):
    """What does not wait, cleared after success: starts anew; a true upsert meets its instance again."""

    fault: str = "cleared after success"
    plot: str = "prompt"

    def lead(self, course: Course) -> None:
        """Let all end, clear all, let all end."""
        crew, size = course.crew, course.crew.size
        crew.end()
        course.count(succeeded=size, effects=size, settle=self.settle)
        first = {member.index: member.attempt for member in crew.look()}
        crew.clear(range(size))
        crew.end()
        course.ordered = size
        course.confirmed = sum(member.attempt > first[member.index] for member in crew.look())
        _count_again(self, course)


@dataclass(frozen=True, kw_only=True)
class ClearedAfterFailure(LifeCell):
    """
    The run ends badly at the vendor; the tasks fail, and are cleared.

    :param reruns: the operator is to start another run when one has failed, which its one retry does
    """

    reruns: bool = False

    def lead(self, course: Course) -> None:
        """Let all fail, clear all, let all fail."""
        crew, size = course.crew, course.crew.size
        crew.end()
        self._section(course)
        first = {member.index: member.attempt for member in crew.look()}
        crew.clear(range(size))
        crew.end()
        self._section(course)
        course.ordered = size
        course.confirmed = sum(member.attempt > first[member.index] for member in crew.look())

    def _section(self, course: Course) -> None:
        """Count the runs of a generation: one, or with ``rerun`` one for each of two attempts."""
        if self.reruns:
            course.ledger.close_pairs(course.outcomes(), course.problems)
        else:
            course.count(succeeded=0, effects=course.crew.size)
        expected = "RunMayRerun" if self.reruns else "RunFailed"
        others = {task.error for task in course.outcomes() if not task.error.startswith(expected)}
        course.problems += [f"e.g. {text[:160] or 'no error'}" for text in sorted(others)[:1]]


def _count_again(cell: LifeCell, course: Course) -> None:
    """Count what came of a Clear after success."""
    if cell.variant.renews:
        size = course.crew.size
        course.count(succeeded=size, effects=size, settle=cell.settle)
    else:
        course.count_again()
