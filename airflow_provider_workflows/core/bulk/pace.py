"""Which records of one task are under way at the same time, and how many."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Hashable
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from airflow_provider_workflows.exceptions import WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.terms import Clock

#: Seconds of the first pause, and of the longest, while the vendor is away.
FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
#: Seconds in which all failures count as one: they were under way together.
TOGETHER = 1.0


class Pace:
    """
    Lets a number of requests go at the same time: fewer after refusals, more again after answers.

    A request that the vendor refuses for now halves the number and makes all pause. Each answer adds a
    little.

    :param most: maximum number
    """

    def __init__(self, most: int, clock: Clock) -> None:
        self._most = most
        self._clock = clock
        self.limit = float(most)
        self.answers = 0
        self._under_way = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._resume_at = self._slowed_at = 0.0
        self._pause = FIRST_PAUSE
        self._heard_at = self._clock.monotonic()

    def leave(self) -> None:
        """Let the next request go, after :meth:`enter`."""
        self._under_way -= 1
        self._let_go()

    async def pause(self) -> None:
        """Wait out a pause, before anything is prepared that must then be sent soon."""
        while (left := self._resume_at - self._clock.monotonic()) > 0:
            # Not all at the same moment.
            await self._clock.asleep(left * (1 + random.random() / 4))

    async def enter(self) -> None:
        """Wait until another request may go; :meth:`leave` follows."""
        if not self._queue and self._under_way < int(self.limit):
            self._under_way += 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._under_way -= 1
                self._let_go()
            raise

    def _let_go(self) -> None:
        while self._queue and self._under_way < int(self.limit):
            turn = self._queue.popleft()
            if not turn.cancelled():
                self._under_way += 1
                turn.set_result(None)

    def answered(self) -> None:
        """Note that the vendor answered."""
        self.answers += 1
        self._heard_at = self._clock.monotonic()
        self._pause = FIRST_PAUSE
        self.limit = min(float(self._most), self.limit + 1 / max(1.0, self.limit))

    def slow_down(self, error: WorkflowError) -> None:
        """Note that the vendor refused a request for now, or did not answer; what it said of time holds."""
        now = self._clock.monotonic()
        if now - self._slowed_at > TOGETHER:
            self.limit = max(1.0, self.limit / 2)
            self._resume_at = max(self._resume_at, now + (error.retry_after or self._pause))
            self._pause = min(LONGEST_PAUSE, 2 * self._pause)
            self._slowed_at = now

    @property
    def silence(self) -> float:
        """Seconds since the vendor's last answer."""
        return self._clock.monotonic() - self._heard_at


class Place:
    """
    A record's place among those that are under way.

    :param early: whether the second semaphore is let go as soon as the request is answered
    """

    def __init__(self, *semaphores: asyncio.Semaphore, early: bool = False) -> None:
        self._semaphores = list(semaphores)
        self._early = early

    async def take(self) -> None:
        """Wait for it."""
        for semaphore in self._semaphores:
            await semaphore.acquire()

    def sent(self) -> None:
        """Let another record be prepared, because this one was answered or waits for long."""
        if self._early and len(self._semaphores) == 2:
            self._semaphores.pop().release()

    def leave(self) -> None:
        """Let another record come."""
        while self._semaphores:
            self._semaphores.pop().release()


class Turns:
    """Lets what must not be under way at the same time go one after the other, in order."""

    def __init__(self) -> None:
        #: The last one of each kind.
        self._last: dict[Hashable, asyncio.Event] = {}

    @asynccontextmanager
    async def take(self, turn: Hashable | None) -> AsyncIterator[None]:
        """
        Wait for those before it.

        :param turn: what they have in common; None to wait for nobody
        """
        if turn is None:
            yield
            return
        before, ended = self._last.get(turn), asyncio.Event()
        self._last[turn] = ended
        try:
            if before is not None:
                await before.wait()
            yield
        finally:
            ended.set()
            if self._last.get(turn) is ended:
                del self._last[turn]
