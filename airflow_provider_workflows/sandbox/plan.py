"""
How many requests a second an account's plan allows, counted in one of several ways.

No vendor says how it counts: a declaration or a test chooses. A rate that is no whole number has a "second"
of another length: 0.5 is one request in two seconds, and 2.5 is two in 0.8 seconds.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol, get_args

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types

Counting = Literal["minimum_distance", "fixed_second", "sliding_second", "token_bucket"]
COUNTINGS: tuple[Counting, ...] = get_args(Counting)
#: The keys of a vendor's table that declare its plan.
PLAN_KEYS: Mapping[str, Types] = {"requests_per_second": (int, float), "counting": str}
#: A client that keeps to the rate exactly must not be refused for a rounding.
_ROUNDING = 1e-6


class OverPlanError(Exception):
    """
    A request that the plan does not allow.

    :param seconds: after which the account's next one is let in; infinite if none ever is.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class Meter(Protocol):
    """Counts the requests of one account; times are seconds, and never go back."""

    def wait(self, now: float) -> float:
        """Return how long until a request is let in; 0 for at once."""

    def let_in(self, now: float) -> None:
        """Count a request."""


@dataclass
class MinimumDistance:
    """A request keeps 1/rate seconds from the last that was let in, without any tolerance."""

    rate: float
    last: float = -math.inf

    def wait(self, now: float) -> float:
        """Return how long until a request is let in; 0 for at once."""
        return max(0.0, 1 / self.rate - (now - self.last))

    def let_in(self, now: float) -> None:
        """Count a request."""
        self.last = now


@dataclass
class FixedSecond:
    """Each second of the clock has its own count."""

    rate: float
    second: int | None = None
    count: int = 0

    def wait(self, now: float) -> float:
        """Return how long until a request is let in; 0 for at once."""
        second = self._second(now)
        full = second == self.second and self.count >= allowed(self.rate)
        return max(_ROUNDING, (second + 1) * span(self.rate) - now) if full else 0.0

    def let_in(self, now: float) -> None:
        """Count a request."""
        second = self._second(now)
        self.count = self.count + 1 if second == self.second else 1
        self.second = second

    def _second(self, now: float) -> int:
        return math.floor(now / span(self.rate))


@dataclass
class SlidingSecond:
    """No second, whenever it begins, has more than its count."""

    rate: float
    times: deque[float] = field(default_factory=deque)

    def wait(self, now: float) -> float:
        """Return how long until a request is let in; 0 for at once."""
        while self.times and now - self.times[0] >= span(self.rate):
            self.times.popleft()
        return 0.0 if len(self.times) < allowed(self.rate) else span(self.rate) - (now - self.times[0])

    def let_in(self, now: float) -> None:
        """Count a request."""
        self.times.append(now)


@dataclass
class TokenBucket:
    """A bucket holds the tokens of one second and is full at first; a request takes one out."""

    rate: float
    tokens: float = math.inf
    filled: float = -math.inf

    def wait(self, now: float) -> float:
        """Return how long until a request is let in; 0 for at once."""
        missing = 1 - self._held(now)
        return missing / self.rate if missing > _ROUNDING else 0.0

    def let_in(self, now: float) -> None:
        """Count a request."""
        self.tokens, self.filled = self._held(now) - 1, now

    def _held(self, now: float) -> float:
        return min(max(1.0, self.rate), self.tokens + (now - self.filled) * self.rate)


_METERS: Mapping[Counting, Callable[[float], Meter]] = {
    "minimum_distance": MinimumDistance,
    "fixed_second": FixedSecond,
    "sliding_second": SlidingSecond,
    "token_bucket": TokenBucket,
}


def allowed(rate: float) -> int:
    """Return how many requests a span has."""
    return max(1, math.floor(rate))


def span(rate: float) -> float:
    """Return how long a span is: a second, or what suits a rate that is no whole number."""
    return allowed(rate) / rate


@dataclass
class Usage:
    """
    What an account has used of its plan.

    :param counted: requests that were let in.
    :param refused: requests that were not; these do not count against the plan, which is a choice.
    """

    counted: int = 0
    refused: int = 0


class Plan:
    """
    The plan of each account at one server.

    :param rate: requests a second; None without limit, 0 for none at all.
    :param clock: the time in seconds.
    """

    def __init__(self, rate: float | None, counting: Counting, clock: Callable[[], float]) -> None:
        self._declared = (rate, counting)
        self._clock = clock
        self.reset()

    def reset(self) -> None:
        """Go back to the declared plan, and forget all requests."""
        self.change(*self._declared)

    def change(self, rate: float | None, counting: Counting) -> None:
        """Set another plan, which begins with no request counted."""
        self.rate, self.counting = rate, counting
        self.accounts: dict[str, Usage] = {}
        self._meters: dict[str, Meter] = {}

    def admit(self, account: str) -> None:
        """
        Count a request of an account; a name, and no secret.

        :raises OverPlanError: if it is beyond the plan.
        """
        usage = self.accounts.setdefault(account, Usage())
        wait = self._booked(account)
        if wait > 0:
            usage.refused += 1
            raise OverPlanError(wait)
        usage.counted += 1

    def _booked(self, account: str) -> float:
        """Let a request in; or return how long it has to wait."""
        if not self.rate:
            return 0.0 if self.rate is None else math.inf
        meter = self._meters.get(account)
        if meter is None:
            meter = self._meters[account] = _METERS[self.counting](self.rate)
        now = self._clock()
        wait = meter.wait(now)
        if wait <= 0:
            meter.let_in(now)
        return wait


def read_plan(table: Table, clock: Callable[[], float], *, place: str) -> Plan:
    """
    Return the plan that a vendor's table declares; none without ``requests_per_second``.

    :param place: names the table in the error.
    :raises DeclarationError: if it cannot be used.
    """
    return Plan(*checked(table.get("requests_per_second"), table.get("counting"), place=place), clock)


def checked(rate: float | None, counting: str | None, *, place: str) -> tuple[float | None, Counting]:
    """
    Return a rate and a way of counting.

    :param counting: the minimum distance if None.
    :raises DeclarationError: if they mean nothing.
    """
    if rate is not None and not 0 <= rate < math.inf:
        raise DeclarationError(f"{place}: requests_per_second cannot be {rate!r}")
    for known in COUNTINGS:
        if known == (counting or COUNTINGS[0]):
            return rate, known
    raise DeclarationError(f"{place}: counting cannot be {counting!r}; there are {', '.join(COUNTINGS)}")
