"""The sandbox's clock, which a test can move, and the agenda of work that falls due on it."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import dataclass, field


class Clock:
    """Wall-clock time plus whatever has been skipped with :meth:`advance`."""

    def __init__(self) -> None:
        # Anchored once on the wall clock and then monotonic: an NTP step must not expire a security code.
        self._offset = time.time() - time.monotonic()

    def now(self) -> float:
        """Seconds since the epoch, as the sandbox sees it."""
        return time.monotonic() + self._offset

    def advance(self, seconds: float) -> None:
        """
        Move the clock forward.

        :param seconds: how far; never negative, since work already done cannot be undone.
        :raises ValueError: if ``seconds`` is negative.
        """
        if seconds < 0:
            raise ValueError("the clock only moves forward")
        self._offset += seconds


@dataclass(order=True)
class Task:
    """One piece of work waiting for its time; ties are served in the order of planning."""

    due: float
    order: int
    duration: float = field(compare=False)
    action: Callable[[], None] = field(compare=False)


class Agenda:
    """
    Work due on the sandbox clock, done as discrete events.

    Nothing runs in the background: whoever looks at the state calls :meth:`run_due` first. So the outcome
    depends on the clock alone and not on the scheduling of threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._tasks: list[Task] = []
        self._order = itertools.count()
        self._running_at: float | None = None

    def now(self) -> float:
        """Return the time of the event being run, or the clock's time between events."""
        return self._clock.now() if self._running_at is None else self._running_at

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Plan ``action`` for ``seconds`` after :meth:`now`."""
        heapq.heappush(self._tasks, Task(self.now() + seconds, next(self._order), seconds, action))

    def run_due(self) -> None:
        """Run everything that is due by now, and what falls due from that, each at its own time."""
        now = self._clock.now()
        while self._tasks and self._tasks[0].due <= now:
            task = heapq.heappop(self._tasks)
            self._running_at = task.due
            try:
                task.action()
            finally:
                self._running_at = None

    def restart(self) -> None:
        """Begin everything that is under way once more, as a server does that keeps its queue on disk."""
        now = self._clock.now()
        for task in self._tasks:
            task.due = now + task.duration
        heapq.heapify(self._tasks)
