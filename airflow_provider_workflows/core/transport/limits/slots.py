"""The slots that the requests of one call to a vendor wait for, and what is said of that."""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Generator
from typing import Any

from airflow_provider_workflows.core.protocol.body import Permit
from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.protocol.operation import Consult, Sleep
from airflow_provider_workflows.core.transport.limits.limiter import Limiter, Slot
from airflow_provider_workflows.exceptions import NoSlot, Throttled

log = logging.getLogger(__name__)

#: Seconds of a wait that is worth a line in the log, and seconds until the next such line of a process.
WORTH_SAYING, SAID_AGAIN = 1.0, 60.0
#: Maximum seconds for which a vendor's refusal holds an account's requests up.
LONGEST_REFUSAL = 3600.0


#: Account -> reading of the clock when a wait was said.
_said: dict[str, float] = {}


class Slots:
    """
    The slots of one call to a vendor, which may take several requests.

    :param first: maximum seconds until the first slot, after which all further ones are worth their wait;
        None if each is worth waiting for until the call's deadline
    :param limited: called with the seconds of each wait, for metrics
    """

    def __init__(
        self,
        limiter: Limiter,
        *,
        first: float | None = None,
        limited: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        self._limiter = limiter
        self._first = first
        self._limited = limited
        self._booked = self._waited = False

    def wait(
        self, request: Request, *, left: float, permit: Permit, clock: Callable[[], float]
    ) -> Generator[Consult | Sleep, Any, None]:
        """
        Wait for a request's slot.

        :param left: seconds until the call's deadline
        :param permit: asked again after a wait, because it may no longer hold
        :param clock: a monotonic clock, in seconds
        :raises NoSlot: the slot would be too late
        :raises Exception: from ``permit``
        """
        once = not request.repeatable
        most = self._most(min(left, permit.time_left(once=once)))
        slot: Slot = yield Consult(functools.partial(self._limiter.book, most))
        wait = max(0.0, slot.at - clock())
        if not slot.booked:
            message = f"Nothing was sent: {self._allows}, and the next slot is free in {wait:.1f} s"
            raise request.failure(NoSlot, message, retry_after=wait)
        self._booked = True
        if wait:
            self._say(wait, clock())
            yield Sleep(wait)
            self._waited = True
            begin: float = yield Consult(self._limiter.begin)
            yield Sleep(max(0.0, begin - clock()))
        if once and self._waited:
            permit.check(waited=True)

    def slow_down(self, error: Throttled) -> Consult:
        """Slow all users of the account down, after the vendor has refused a request."""
        if isinstance(error, NoSlot):  # the vendor was not asked
            return Consult(lambda: None)
        asked = self._limiter.interval if error.retry_after is None else error.retry_after
        return Consult(functools.partial(self._limiter.postpone, min(asked, LONGEST_REFUSAL)))

    def _most(self, left: float) -> float:
        if self._first is None:
            return max(0.0, left)
        return float("inf") if self._booked else self._first

    def _say(self, wait: float, now: float) -> None:
        self._limited(wait)
        account = self._limiter.account
        # One that sends thousands of requests says it once a minute.
        if wait >= WORTH_SAYING and not 0 <= now - _said.get(account, float("-inf")) < SAID_AGAIN:
            _said[account] = now
            log.info("Waiting %.0f s for a slot: %s", wait, self._allows)

    @property
    def _allows(self) -> str:
        return f"the plan of {self._limiter.server} allows {self._limiter.rate:g} requests a second"
