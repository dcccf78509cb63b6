"""How many requests of one task are under way at the same time, adapted to the vendor's answers."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
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

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Wait until another request may go, and let the next one go at its end."""
        await self._queue_up()
        try:
            yield
        finally:
            self._under_way -= 1
            self._let_go()

    async def pause(self) -> None:
        """Wait out a pause, before anything is prepared that must then be sent soon."""
        while (left := self._resume_at - self._clock.monotonic()) > 0:
            # Not all at the same moment.
            await self._clock.asleep(left * (1 + random.random() / 4))

    async def _queue_up(self) -> None:
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
