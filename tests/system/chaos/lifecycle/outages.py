"""Cells in which the vendor is away, or forgets who is logged in, while tasks wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import Course, LifeCell
from tests.system.chaos.lifecycle.crew import STALLED, Member
from tests.system.chaos.lifecycle.relayed import RelayedLane

DOWN = "vendor down while waiting: refused 60 s, later 503 for 60 s"
FORGOTTEN = "login expired in mid-wait; vendor restarted"
RESTARTED = "vendor restarted in mid-wait"
DOWN_SECONDS = 60.0
#: Seconds until the vendor has taken in what was under way when its door was shut.
UNDER_WAY_SECONDS = 3.0
BETWEEN_SECONDS = 12.0
#: The requests that log in, by mount, and after how many seconds a login expires; others send it each time.
LOGINS = {"omflow-1.2": ("security", 600.0), "mybpm": ("login", 3600.0)}
#: So many requests that a minute does not see their end.
ALL = 1_000_000


@dataclass(frozen=True, kw_only=True)
class WaitingCell(LifeCell):
    """A cell whose events come when all tasks wait, and pass without a task's noticing."""

    plot: str = "prompt"

    def held(self, size: int) -> int:
        """One for each task that waits there."""
        return size if self.mode == "sync" else 0

    def lead(self, course: Course) -> None:
        """Wait until all wait, let it happen, let all end."""
        crew, size = course.crew, course.crew.size
        attempts = {member.index: member.attempt for member in crew.wait()}
        self.happen(course)
        ended = crew.finish()
        again = sum(self._again(member, attempts) for member in ended)
        if again:
            course.problems.append(f"{again} tasks did not go on in their attempt")
        course.count(succeeded=size, effects=size, settle=self.settle)

    def happen(self, course: Course) -> None:
        """What happens while all wait."""
        raise NotImplementedError

    def _again(self, member: Member, attempts: dict[int, int]) -> bool:
        return member.attempt != attempts[member.index]


@dataclass(frozen=True, kw_only=True)
class VendorDown(WaitingCell):
    """First nobody listens, later a proxy says 503."""

    fault: str = DOWN

    def happen(self, course: Course) -> None:
        """Close the relay for a minute, open it, and order the answer 503 for another."""
        course.ordered = 2 * course.crew.size
        lane = course.stage.lane
        assert isinstance(lane, RelayedLane)
        lane.relay.close()
        self._sleep(course, UNDER_WAY_SECONDS, "closing")
        before = self._requests(course)
        self._sleep(course, DOWN_SECONDS, "refused")
        if self._requests(course) == before:
            course.confirmed += course.crew.size
        lane.relay.open()
        self._sleep(course, BETWEEN_SECONDS, "back")
        fault = course.stage.control.fault(self.variant.mount, "any", "unavailable", times=ALL)
        self._sleep(course, DOWN_SECONDS, "503")
        course.confirmed += min(course.crew.size, course.stage.control.hits(fault))
        course.stage.control.clear_faults()

    def _requests(self, course: Course) -> int:
        return sum(course.stage.control.effects(self.variant.mount)["requests"].values())

    def _sleep(self, course: Course, seconds: float, word: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            course.stage.show(f"{word}, {left:.0f} s left")
            course.stage.instance.check_alive()
            time.sleep(min(1.0, left))


@dataclass(frozen=True, kw_only=True)
class LoginForgotten(WaitingCell):
    """The code or token expires, and later the vendor's server is restarted."""

    fault: str = FORGOTTEN

    def happen(self, course: Course) -> None:
        """Let time pass at the vendor, and restart it."""
        stage, mount = course.stage, self.variant.mount
        if mount in LOGINS:
            course.ordered += 1
            _, seconds = LOGINS[mount]
            course.confirmed += self._renewed(course, lambda: stage.control.advance(seconds))
        course.ordered += 1
        course.confirmed += self._renewed(course, lambda: stage.control.restart(mount))

    def _renewed(self, course: Course, event: Callable[[], object]) -> int:
        """Let it happen, and wait until the tasks are at the vendor again; with a new login, if any."""
        before = self._logins(course)
        event()
        course.stage.until(
            lambda: self._logins(course) > before or None,
            timeout=STALLED,
            what="the waits to reach the vendor again",
        )
        return 1

    def _logins(self, course: Course) -> int:
        requests = course.stage.control.effects(self.variant.mount)["requests"]
        login = LOGINS.get(self.variant.mount)
        return sum(requests.values()) if login is None else requests.get(login[0], 0)
