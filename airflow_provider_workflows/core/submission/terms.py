"""What one attempt may do and for how long, and its clocks; a test can replace both."""

from __future__ import annotations

import asyncio
import time as system
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Literal, get_args

from airflow_provider_workflows.core.protocol.body import Permit
from airflow_provider_workflows.core.submission.effect import LookupResult, NotSent, Unknown
from airflow_provider_workflows.exceptions import InvalidInput, RunTimedOut, TemporaryError

OnLostAnswer = Literal["fail", "ask", "resubmit"]
OnAskTimeout = Literal["fail", "accept", "resubmit"]
OnFailedRun = Literal["fail", "rerun"]
OnClear = Literal["attach", "rerun"]

#: How often one attempt sends, each time after the request before certainly had no effect.
SENDS = 3
#: How often an intent is saved again at one piece of its request, if that takes as long as an intent holds.
SAVES = 3
#: Seconds beyond the connection's timeout in which a request without an answer may still reach the vendor,
#: and within which a request begins after its intent was saved.
SETTLE_MARGIN = 15.0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """
    What the user wants where there is a choice.

    :param on_lost_answer: if it is unknown whether a request took effect: ``fail``, ``ask`` or ``resubmit``
    :param on_failed_run: if the run failed: ``fail``, or ``rerun`` by the next attempt
    :param on_clear: if the task is cleared while its run is alive: ``attach`` or ``rerun``
    :raises InvalidInput: a value is not one of these
    """

    on_lost_answer: OnLostAnswer = "fail"
    on_failed_run: OnFailedRun = "fail"
    on_clear: OnClear = "attach"

    def __post_init__(self) -> None:
        for name, choices in _CHOICES.items():
            if (value := getattr(self, name)) not in choices:
                known = " or ".join(map(repr, choices))
                raise InvalidInput(f"{name} must be {known}, got {value!r}. Nothing was sent")

    def allows_again(self, result: LookupResult) -> bool:
        """
        Return whether a request may be sent again.

        :param result: of its look-up
        """
        if isinstance(result, Unknown):
            return self.on_lost_answer == "resubmit" and result.forbids is None
        return isinstance(result, NotSent)


_CHOICES = {
    "on_lost_answer": get_args(OnLostAnswer),
    "on_failed_run": get_args(OnFailedRun),
    "on_clear": get_args(OnClear),
}


@dataclass(frozen=True, kw_only=True)
class Terms:
    """
    What the user wants, and how long one attempt may take.

    There are three kinds: for a task with a state store; for a task without one, before Airflow 3.3; and for
    a callback, which has no memory and little time.

    :param policy: what the user wants where there is a choice
    :param settle: seconds from a lost answer until a request that the vendor does not show has never arrived
    :param deadline: Unix time after which nothing is sent any more
    :param sends: maximum number of requests of one attempt
    :param window: seconds after an intent was saved in which its request may begin, and the longest time for
        which the request may stand still then
    :param fenced: whether a successful write to the store proves that no newer attempt has begun
    :param look_first: whether to look for the mark before the first request
    :param doubted: whether an earlier attempt may have sent the request without leaving a record
    :param pauses_before: seconds before each further look before the first request, as long as a later look
        may show more
    :param pauses_after: seconds before each look after a lost answer; nothing is then ever sent again.
        Without them, the looks go on until ``settle`` is over
    :param longest_look: maximum seconds of one look
    """

    policy: Policy = field(default_factory=Policy)
    settle: float = 60.0
    deadline: float = float("inf")
    sends: int = SENDS
    window: float = float("inf")
    fenced: bool = False
    look_first: bool = False
    doubted: bool = False
    pauses_before: tuple[float, ...] = ()
    pauses_after: tuple[float, ...] = ()
    longest_look: float = float("inf")

    @property
    def hurried(self) -> bool:
        """Whether these are the terms of a callback."""
        return bool(self.pauses_after)


class Clock:
    """The machine's clocks, in seconds, and how to wait."""

    time: Callable[[], float] = staticmethod(system.time)
    #: Never jumps; stands still while the machine is suspended.
    monotonic: Callable[[], float] = staticmethod(system.monotonic)
    #: Never jumps, and goes on while the machine is suspended, if the system has such a clock, as Linux does.
    boottime: Callable[[], float] = staticmethod(
        partial(system.clock_gettime, system.CLOCK_BOOTTIME)
        if hasattr(system, "CLOCK_BOOTTIME")
        else system.monotonic
    )
    sleep: Callable[[float], None] = staticmethod(system.sleep)

    async def asleep(self, seconds: float) -> None:
        """Wait on the running event loop."""
        await asyncio.sleep(seconds)


class Gate(Permit):
    """
    Decides, right before the first byte and each piece of the body, whether a once-only request may go on.

    An attempt that finds an intent waits for ``settle`` seconds before it concludes that the request had no
    effect. A process that was suspended in the meantime must not send the request after that. Nor must it
    complete one that it has begun: a server cannot act on a request whose announced body never arrives.

    :param clock: the larger of its wall time and boot time counts, because either may stand still or jump
    """

    def __init__(self, terms: Terms, clock: Clock, *, subject: str) -> None:
        self._terms = terms
        self._clock = clock
        self._subject = subject
        self._killed = False
        #: Whether the intent must be saved again because its request was not sent in time.
        self.expired = False
        #: Saves the intent again while its request is under way; raises if a newer attempt has begun. None if
        #: no store would tell.
        self.save_again: Callable[[], None] | None = None
        #: Logs that the request goes out; called once, after the login and right before it connects.
        self.announce: Callable[[], None] | None = None
        self._written: tuple[float, float] | None = None

    def close(self) -> None:
        """Refuse every further request, because the task is being killed."""
        self._killed = True

    def arm(self) -> None:
        """
        Start counting, right before an intent is saved.

        :raises WorkflowError: as :meth:`check_time`
        """
        self.check_time()
        self.expired = False
        if self._terms.fenced or self._written is None:
            self._written = self._clock.time(), self._clock.boottime()

    def look(self) -> None:
        """
        Start counting, right before a look-up, where no store tells whether a newer attempt has begun.

        What the look-up shows is as old as this when the request begins.
        """
        if not self._terms.fenced:
            self._written = self._clock.time(), self._clock.boottime()

    def check(self, *, begun: bool = False, waited: bool = False) -> None:
        """
        Check that a request may begin, or that the next piece of its body may be sent.

        An upload may take longer than an intent holds, and so may the wait for a slot of the account's plan.
        Then the store is asked whether a newer attempt has begun, by saving the intent again. Without such a
        store it is only certain that this process has not stood still, so each piece counts from the one
        before it, and the wait for a slot counts in full.

        :param begun: whether the request has begun
        :param waited: whether it has just waited for its slot
        :raises TemporaryError: the intent has :attr:`expired`
        :raises Exception: what the store raised
        :raises WorkflowError: as :meth:`check_time`
        """
        for _ in range(SAVES):
            self.check_time()
            now = self._clock.time(), self._clock.boottime()
            then = self._written or now
            late = max(now[0] - then[0], now[1] - then[1]) > self._terms.window
            if not (late and (begun or waited) and self.save_again):
                break
            # Saving takes time, too.
            self.save_again()
            self._written = now
        if late:
            self.expired = True
            if begun:
                raise TemporaryError(f"The request was not sent completely in time ({self._subject})")
            raise TemporaryError(f"Nothing was sent: the request did not begin in time ({self._subject})")
        if begun and self.save_again is None:
            self._written = now
        if self.announce is not None and not waited:
            announce, self.announce = self.announce, None
            announce()

    def time_left(self, *, once: bool) -> float:
        """Return the seconds until the deadline; or until the intent expires, if nothing can renew it."""
        left = self._terms.deadline - self._clock.time()
        if not once or self.save_again is not None or self._written is None:
            return left
        age = max(self._clock.time() - self._written[0], self._clock.boottime() - self._written[1])
        return min(left, self._terms.window - age)

    def check_time(self) -> None:
        """
        Check that the preparation of a request may begin.

        :raises TemporaryError: the task was killed
        :raises RunTimedOut: the task's time is over
        """
        if self._killed:
            raise TemporaryError(
                f"Nothing was sent: the task was killed before the request ({self._subject})"
            )
        if self._clock.time() >= self._terms.deadline:
            raise RunTimedOut(f"Nothing was sent: the task's timeout has passed ({self._subject})")


@dataclass
class Options:
    """
    Replacements for the whole process; for tests.

    :param clock: the clocks
    :param settle: seconds instead of every ``settle``; None to use what the operator and its connection say
    """

    clock: Clock = field(default_factory=Clock)
    settle: float | None = None


#: Only :func:`options` changes it.
current = Options()


@contextmanager
def options(*, clock: Clock | None = None, settle: float | None = None) -> Iterator[None]:
    """
    Use other clocks, or settle sooner, until the block ends; in the whole process.

    Never settle sooner with a real vendor, where a request may still be under way. It is safe with a double
    that delays no requests.
    """
    before = current.clock, current.settle
    current.clock = clock or current.clock
    current.settle = current.settle if settle is None else settle
    try:
        yield
    finally:
        current.clock, current.settle = before
