"""The sandbox's clock, which a test can move, and the agenda of work that falls due on it."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable


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


class Agenda:
    """
    Work due on the sandbox clock, done as discrete events.

    Nothing runs in the background: whoever looks at the state calls :meth:`run_due` first. So the outcome
    depends on the clock alone and not on the scheduling of threads.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        #: A heap, by when a task is due and in which order it was planned; then its seconds, and what to do.
        self._tasks: list[tuple[float, int, float, Callable[[], None]]] = []
        self._order = itertools.count()
        self._running_at: float | None = None
        #: How many tasks have been run.
        self.done = 0

    def now(self) -> float:
        """Return the time of the event being run, or the clock's time between events."""
        return self._clock.now() if self._running_at is None else self._running_at

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Plan ``action`` for ``seconds`` after :meth:`now`; ties are served in the order of planning."""
        heapq.heappush(self._tasks, (self.now() + seconds, next(self._order), seconds, action))

    def run_due(self) -> None:
        """Run everything that is due by now, and what falls due from that, each at its own time."""
        now = self._clock.now()
        while self._tasks and self._tasks[0][0] <= now:
            self._running_at, _, _, action = heapq.heappop(self._tasks)
            self.done += 1
            try:
                action()
            finally:
                self._running_at = None

    def restart(self) -> None:
        """Begin everything that is under way once more, as a server does that keeps its queue on disk."""
        now = self._clock.now()
        self._tasks = [(now + seconds, order, seconds, action) for _, order, seconds, action in self._tasks]
        heapq.heapify(self._tasks)
