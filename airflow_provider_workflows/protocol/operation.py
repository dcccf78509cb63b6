"""
An operation is a generator: it yields what it needs done and is sent the answer.

A vendor's call is written once, as a generator over :class:`Request`, :class:`Sleep` and :class:`Renew` that
returns a typed result or raises one of :mod:`~airflow_provider_workflows.protocol.errors`. A driver runs it:
on ``requests`` in a worker, on ``aiohttp`` in the triggerer, or a test by hand.
"""

from __future__ import annotations

import itertools
import random
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from airflow_provider_workflows.protocol.errors import WorkflowError
from airflow_provider_workflows.protocol.message import ExchangeFailed, Reply, Request
from airflow_provider_workflows.protocol.retry import Retry, diagnose

T = TypeVar("T")


@dataclass(frozen=True)
class Sleep:
    """Wait; answered with None."""

    seconds: float


@dataclass(frozen=True)
class Renew:
    """
    Ask for the connection's fetched credential; answered with it.

    :param rejected: the credential that the vendor has just refused. A new one is fetched only if this is
        still the current one, so that many waits make one renewal; None asks for whatever is current.
    """

    rejected: str | None = None

    def __repr__(self) -> str:
        return f"Renew(rejected={'None' if self.rejected is None else '***'})"


#: What an operation yields.
Step: TypeAlias = Request | Sleep | Renew
#: A vendor call: a generator that yields steps, is sent their answers, and returns a result.
Operation: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True)
class Page(Generic[T]):
    """
    One page of a listing.

    :param next: what to pass to get the following page; None on the last
    """

    items: tuple[T, ...]
    next: Any = None


@dataclass(frozen=True, kw_only=True)
class Sending:
    """
    One sending of a request and what came of it, for whoever counts.

    :param error: what it amounts to; None if an answer came that is for the vendor's code to read
    :param seconds: from the sending until the answer or the failure
    :param repeated: whether the request is sent again
    """

    request: Request
    error: WorkflowError | None
    seconds: float
    repeated: bool


Observer: TypeAlias = Callable[[Sending], None]


def unobserved(sending: Sending) -> None:
    """Count nothing."""


def exchange(
    request: Request,
    *,
    retry: Retry,
    deadline: float | None = None,
    clock: Callable[[], float] = time.monotonic,
    draw: Callable[[], float] = random.random,
    observe: Observer = unobserved,
) -> Operation[Reply]:
    """
    Send a request, repeating it as far as it may be repeated; every driver does it this way.

    :param retry: how often, and after how long
    :param deadline: reading of ``clock`` after which nothing is repeated any more
    :param clock: seconds on a clock that never jumps
    :param draw: a random number in [0, 1), for the jitter
    :param observe: told of each sending; must neither raise nor block
    :raises WorkflowError: no usable answer; :class:`OutcomeUnknown` if the request must not be sent again
    """
    for attempt in itertools.count(1):
        outcome: Reply | ExchangeFailed
        began = clock()
        try:
            outcome = yield request
        except ExchangeFailed as failure:
            outcome = failure
        ended, error, delay = clock(), diagnose(request, outcome), None
        if error is not None:
            remaining = float("inf") if deadline is None else deadline - ended
            delay = retry.delay(error, attempt=attempt, remaining=remaining, draw=draw())
        observe(Sending(request=request, error=error, seconds=ended - began, repeated=delay is not None))
        if error is None:
            assert isinstance(outcome, Reply)
            return outcome
        if delay is None:
            raise error
        yield Sleep(delay)
    raise AssertionError("unreachable: the attempts are bounded by the retry policy")
