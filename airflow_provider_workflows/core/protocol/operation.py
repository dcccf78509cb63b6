"""
An operation is a generator: it yields steps and receives their answers.

A vendor's call is written once, as a generator that yields :class:`Request`, :class:`Sleep` and
:class:`Renew`, and returns a typed result or raises one of :mod:`~airflow_provider_workflows.exceptions`. A
driver runs it, with ``requests`` in a worker and ``aiohttp`` in the triggerer; a test steps it by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.exceptions import WorkflowError

T = TypeVar("T")


@dataclass(frozen=True)
class Sleep:
    """Wait for some seconds; the answer is None."""

    seconds: float


@dataclass(frozen=True)
class Renew:
    """
    Request the connection's fetched credential; the answer is the credential.

    :param rejected: the credential that the vendor has just refused. A new one is fetched only if this one is
        still current, so that many waits cause only one renewal. None requests the current one.
    """

    rejected: str | None = None

    def __repr__(self) -> str:
        return f"Renew(rejected={'None' if self.rejected is None else '***'})"


@dataclass(frozen=True)
class Consult:
    """
    Ask the limiter of the account's plan; the answer is what it says. A driver yields it, no operation does.

    :param ask: may block for a moment, which must not happen on an event loop
    """

    ask: Callable[[], Any]


#: A step that an operation yields.
Step: TypeAlias = Request | Sleep | Renew
#: A vendor call: a generator that yields steps, receives their answers, and returns a result.
Operation: TypeAlias = Generator[Step, Any, T]


@dataclass(frozen=True)
class Page(Generic[T]):
    """
    One page of a listing; iterate over it for its items.

    :param next: the argument ``start`` that returns the next page; None on the last page
    """

    items: tuple[T, ...]
    next: Any = None

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)


@dataclass(frozen=True, kw_only=True)
class Sending:
    """
    One attempt to send a request and its outcome, for metrics.

    :param error: the error; None if there is an answer for the vendor's code to read
    :param seconds: time until the answer or the failure
    :param repeated: whether the request is sent again
    """

    request: Request
    error: WorkflowError | None
    seconds: float
    repeated: bool


Observer: TypeAlias = Callable[[Sending], None]


def unobserved(sending: Sending) -> None:
    """Observe nothing."""
