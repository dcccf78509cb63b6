"""Cells in which a person meets a doubt: clears it, hands the id over, or has opted in to resubmit."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from tests.system.chaos.book import TASK
from tests.system.chaos.lifecycle.base import Course, LifeCell
from tests.system.chaos.lifecycle.crew import RECORD, STALLED, Member

HANDED_OVER = "cleared with an unresolved doubt; then the id handed over by hand and cleared"
OPTED_IN = "request lost before the effect, on_lost_answer=resubmit"


@dataclass(frozen=True, kw_only=True)
class HandedOver(LifeCell):
    """The answer is lost for good: a Clear sends nothing; with the id in the record, a Clear goes on."""

    fault: str = HANDED_OVER
    plot: str = "prompt"

    def prepare(self, course: Course) -> None:
        """Lose the answer to each submission's first request, and to any other."""
        size = course.crew.size
        course.stage.control.fault(self.variant.mount, self.variant.endpoint, "lost_answer", times=2 * size)
        course.ordered = size

    def lead(self, course: Course) -> None:
        """Fail in doubt, clear and fail in doubt again, hand the ids over, clear and end well."""
        crew, size = course.crew, course.crew.size
        crew.end()
        course.confirmed = min(size, sum(fault["hits"] for fault in course.stage.control.faults()))
        self._expect_doubts(course, "before the clear")
        first = {member.index: member.attempt for member in crew.look()}
        crew.clear(range(size))
        members = crew.end()
        self._expect_doubts(course, "after the clear")
        course.problems += [
            f"{member.task.label} was cleared and did not run"
            for member in members
            if member.attempt == first[member.index]
        ]
        found = list(self._found(course, members))
        # Some of the runs have come to their end before somebody finds them.
        self._end(course, [remote_id for _, remote_id in found[1::2]])
        for member, remote_id in found:
            self._hand_over(course, member, remote_id)
        crew.clear(range(size))
        crew.finish()
        course.count(succeeded=size, effects=size, settle=self.settle)

    def _expect_doubts(self, course: Course, when: str) -> None:
        doubting = sum(bool(task.doubt) for task in course.outcomes())
        if doubting != course.crew.size:
            course.problems.append(f"{doubting} in doubt {when}, not {course.crew.size}")

    def _found(self, course: Course, members: list[Member]) -> Iterator[tuple[Member, str]]:
        """What a person finds at the vendor for each task, by its tag; where there is none, any will do."""
        effects = course.stage.effects(self.variant)
        by_tag = {effect.tag: effect.id for effect in effects}
        for member, effect in zip(members, effects, strict=False):
            tag = f"{course.crew.run_id}.{member.index}"
            yield member, by_tag[tag] if self.variant.is_tagged else effect.id

    def _end(self, course: Course, remote_ids: list[str]) -> None:
        desk = course.crew.desk
        desk.finish(remote_ids)

        def ended() -> bool | None:
            desk.work()
            return desk.idle or None

        course.stage.until(ended, timeout=STALLED, what="runs to end at the vendor")

    def _hand_over(self, course: Course, member: Member, remote_id: str) -> None:
        crew = course.crew
        where = (crew.dag_id, crew.run_id, TASK)
        record = course.stage.airflow.state(*where, map_index=member.index).get(RECORD, {})
        course.stage.airflow.put_state(*where, RECORD, {**record, "id": remote_id}, map_index=member.index)


@dataclass(frozen=True, kw_only=True)
class OptedIn(LifeCell):
    """The user has said that a doubt is to be sent again: it is, once, and says so."""

    fault: str = OPTED_IN
    plot: str = "insisting"

    def prepare(self, course: Course) -> None:
        """Lose each submission's first request before it has an effect."""
        size = course.crew.size
        course.stage.control.fault(
            self.variant.mount,
            self.variant.endpoint,
            "reset_before",
            times=size,
            per_tag=self.variant.is_tagged,
        )
        course.ordered = size

    def lead(self, course: Course) -> None:
        """Let all end."""
        crew, size = course.crew, course.crew.size
        crew.finish()
        course.confirmed = sum(fault["hits"] for fault in course.stage.control.faults())
        if self.variant.is_tagged:
            course.count(succeeded=size, effects=size, settle=0.0)
            return
        course.ledger.close(course.outcomes(), excused=course.confirmed)
