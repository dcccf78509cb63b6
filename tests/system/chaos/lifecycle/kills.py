"""Cells in which the process that runs a task is killed with SIGKILL."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import TIMEOUT, Course, LifeCell
from tests.system.chaos.lifecycle.crew import Member
from tests.system.chaos.stage import Stage

BEFORE_STORED = "worker killed after the POST, before the id is stored"
WHILE_WAITING = "worker killed after the id is stored, and again while waiting"
WHILE_WATCHING = "worker killed while a sensor waits, and again"
#: Seconds for which a task waits in its worker before it is killed there.
WAITED = 4.0


@dataclass(frozen=True, kw_only=True)
class KilledBeforeStored(LifeCell):
    """The vendor has acted, and holds its answer until the process that waits for it is killed."""

    fault: str = BEFORE_STORED

    def prepare(self, course: Course) -> None:
        """Let the vendor hold the answer to each submission's first request."""
        size = course.crew.size
        self._order(course.stage, times=size)
        course.ordered = size

    def _order(self, stage: Stage, *, times: int) -> None:
        stage.control.fault(
            self.variant.mount,
            self.variant.endpoint,
            "slow",
            times=times,
            per_tag=self.variant.is_tagged,
            seconds=TIMEOUT * 3,
        )

    def lead(self, course: Course) -> None:
        """Kill each task once its request has been struck."""
        crew, killed, struck = course.crew, set[int](), set[int]()

        def step(member: Member) -> bool:
            if member.index not in killed:
                due = member.task.state == "running" and member.attempt == 1 and member.index in struck
                killed.update([member.index] if due and crew.kill(member) else [])
            elif member.attempt > 1 and member.waits and member.remote_id is not None:
                crew.desk.finish([member.remote_id])
            return member.ended

        def look() -> None:
            struck.update(self._struck(course))
            if len(killed) == crew.size:
                self.after_all(course)

        crew.lead(step, what="all tasks to be killed and to end", first=look)
        course.confirmed = min(_hits(course), len(killed))
        self._count(course)

    def after_all(self, course: Course) -> None:
        """Is called again and again once all have been killed."""

    def _struck(self, course: Course) -> Iterable[int]:
        """The indexes of those whose request is held by the vendor, which has acted on it."""
        if self.variant.is_tagged:
            sent = course.stage.control.sent(self.variant.mount)
            return [
                int(one["tag"].rpartition(".")[2]) for one in sent if one["endpoint"] == self.variant.endpoint
            ]
        # Without tags: once as many requests are held as there are intents, each of the intents' is.
        begun = [member.index for member in course.crew.look() if member.record]
        return begun if _hits(course) >= len(begun) else []

    def _count(self, course: Course) -> None:
        size = course.crew.size
        known = self.variant.found == "always"
        course.count(
            succeeded=size if known else 0, in_doubt=0 if known else size, effects=size, settle=self.settle
        )


@dataclass(frozen=True, kw_only=True)
class Forgetful(KilledBeforeStored):
    """The control: the same with the record switched off."""

    control: bool = True
    plot: str = "forgetful"

    def _count(self, course: Course) -> None:
        course.ledger.close(course.outcomes())

    def after_all(self, course: Course) -> None:
        """Let whatever there is end, since no record says what is whose."""
        course.crew.desk.finish([effect.id for effect in course.stage.effects(self.variant)])

    def judge(self, problems: Sequence[str]) -> Sequence[str]:
        """Nothing but duplicates is asked of a control."""
        return ()


@dataclass(frozen=True, kw_only=True)
class KilledWhileWaiting(LifeCell):
    """Once the record names the run, or a sensor waits: killed, and killed again when the next one waits."""

    fault: str = WHILE_WAITING

    def lead(self, course: Course) -> None:
        """Kill each task twice, then let its run end."""
        crew, killed = course.crew, defaultdict[int, list[int]](list)

        def step(member: Member) -> bool:
            attempts = killed[member.index]
            # Not by counting: a busy Airflow may have ended an attempt by itself.
            if attempts and member.attempt <= attempts[-1]:
                return member.ended
            if len(attempts) < 2:
                if self._is_due(member, len(attempts)) and crew.kill(member):
                    attempts.append(member.attempt)
            elif member.waits and member.remote_id is not None:
                crew.desk.finish([member.remote_id])
            return member.ended

        crew.lead(step, what="all tasks to be killed twice and to end")
        course.ordered, course.confirmed = 2 * crew.size, sum(map(len, killed.values()))
        course.count(succeeded=crew.size, effects=crew.size, settle=self.settle)

    def _is_due(self, member: Member, kills: int) -> bool:
        due: Sequence[Callable[[], bool]] = (
            lambda: member.remote_id is not None,
            lambda: member.remote_id is not None and time.monotonic() - member.since >= WAITED,
        )
        return member.task.state == "running" and due[kills]()


def _hits(course: Course) -> int:
    return sum(fault["hits"] for fault in course.stage.control.faults())
