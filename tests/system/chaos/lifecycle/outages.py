"""Cells in which the vendor is away, or forgets who is logged in, while tasks wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.lifecycle.run_driver import STALLED, Submission
from tests.system.chaos.variants import BY_MOUNT

DOWN = "vendor down while waiting: refused 60 s, later 503 for 60 s"
FORGOTTEN = "login expired in mid-wait; vendor restarted"
RESTARTED = "vendor restarted in mid-wait"
DOWN_SECONDS = 60.0
#: Seconds until the vendor has taken in what was under way when its door was shut.
UNDER_WAY_SECONDS = 3.0
BETWEEN_SECONDS = 12.0
#: So many requests that a minute does not see their end.
ALL = 1_000_000


@dataclass(frozen=True, kw_only=True)
class WaitingCell(LifecycleCell):
    """A cell whose events come when all tasks wait, and pass without a task's noticing."""

    scenario: str = "prompt"

    def held(self, size: int) -> int:
        """One for each task that waits there."""
        return size if self.mode == "sync" else 0

    def lead(self, cell_run: CellRun) -> None:
        """Wait until all wait, let it happen, let all end."""
        driver, size = cell_run.driver, cell_run.driver.size
        attempts = {submission.index: submission.attempt for submission in driver.wait()}
        self.happen(cell_run)
        ended = driver.finish()
        again = sum(self._again(submission, attempts) for submission in ended)
        if again:
            cell_run.problems.append(f"{again} tasks did not go on in their attempt")
        cell_run.count(succeeded=size, effects=size, settle=self.settle)

    def happen(self, cell_run: CellRun) -> None:
        """What happens while all wait."""
        raise NotImplementedError

    def _again(self, submission: Submission, attempts: dict[int, int]) -> bool:
        return submission.attempt != attempts[submission.index]


@dataclass(frozen=True, kw_only=True)
class VendorDown(WaitingCell):
    """First nobody listens, later a proxy says 503."""

    fault: str = DOWN

    def happen(self, cell_run: CellRun) -> None:
        """Close the proxy for a minute, open it, and order the answer 503 for another."""
        cell_run.ordered = 2 * cell_run.driver.size
        lane = cell_run.context.lane
        assert isinstance(lane, ProxiedLane)
        lane.proxy.close()
        self._sleep(cell_run, UNDER_WAY_SECONDS, "closing")
        before = self._requests(cell_run)
        self._sleep(cell_run, DOWN_SECONDS, "refused")
        if self._requests(cell_run) == before:
            cell_run.confirmed += cell_run.driver.size
        lane.proxy.open()
        self._sleep(cell_run, BETWEEN_SECONDS, "back")
        fault = cell_run.context.control.fault(self.variant.mount, "any", "unavailable", times=ALL)
        self._sleep(cell_run, DOWN_SECONDS, "503")
        cell_run.confirmed += min(cell_run.driver.size, cell_run.context.control.hits(fault))
        cell_run.context.control.clear_faults()

    def _requests(self, cell_run: CellRun) -> int:
        return sum(cell_run.context.control.effects(self.variant.mount)["requests"].values())

    def _sleep(self, cell_run: CellRun, seconds: float, word: str) -> None:
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            cell_run.context.show(f"{word}, {left:.0f} s left")
            cell_run.context.instance.check_alive()
            time.sleep(min(1.0, left))


@dataclass(frozen=True, kw_only=True)
class LoginForgotten(WaitingCell):
    """The code or token expires, and later the vendor's server is restarted."""

    fault: str = FORGOTTEN

    def happen(self, cell_run: CellRun) -> None:
        """Let time pass at the vendor, and restart it."""
        context, mount = cell_run.context, self.variant.mount
        if (login := BY_MOUNT[mount].login) is not None:
            cell_run.ordered += 1
            _, seconds = login
            cell_run.confirmed += self._renewed(cell_run, lambda: context.control.advance(seconds))
        cell_run.ordered += 1
        cell_run.confirmed += self._renewed(cell_run, lambda: context.control.restart(mount))

    def _renewed(self, cell_run: CellRun, event: Callable[[], object]) -> int:
        """Let it happen, and wait until the tasks are at the vendor again; with a new login, if any."""
        before = self._logins(cell_run)
        event()
        cell_run.context.until(
            lambda: self._logins(cell_run) > before or None,
            timeout=STALLED,
            what="the waits to reach the vendor again",
        )
        return 1

    def _logins(self, cell_run: CellRun) -> int:
        requests = cell_run.context.control.effects(self.variant.mount)["requests"]
        login = BY_MOUNT[self.variant.mount].login
        return sum(requests.values()) if login is None else requests.get(login[0], 0)
