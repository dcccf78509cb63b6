"""
Runs operations with any HTTP library. Everything about a call to a vendor is decided here.

A :class:`Driver` steps an operation, and is itself a generator. It yields what an adapter must do:
:class:`Send` a request once, :class:`Sleep`, wait for its :class:`Turn` to fetch a credential, mask a
:class:`Fetched` one, and :class:`Consult` the limiter of the account's plan. There is an adapter on
``requests`` and one on ``aiohttp``. Tests do these things by hand.
"""

from __future__ import annotations

import asyncio
import itertools
import random
import re
import ssl
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from airflow_provider_workflows.core.protocol.body import PERMITTED, Outgoing, Permit
from airflow_provider_workflows.core.protocol.message import ExchangeFailed, Reply, Request
from airflow_provider_workflows.core.protocol.operation import (
    Consult,
    Observer,
    Operation,
    Renew,
    Sending,
    Sleep,
    unobserved,
)
from airflow_provider_workflows.core.protocol.retry import Retry, diagnose
from airflow_provider_workflows.core.protocol.secret import Secret
from airflow_provider_workflows.core.transport.endpoint import Endpoint, InvalidAddress
from airflow_provider_workflows.core.transport.faults import exchange_failed
from airflow_provider_workflows.core.transport.redaction import hidden
from airflow_provider_workflows.core.transport.tls import alerts_about_us
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    Throttled,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.transport.limits.slots import Slots

T = TypeVar("T")

#: The slowest upload to wait for, in bytes a second. It limits how long a stalled connection may take.
SLOWEST_UPLOAD = 16 * 1024
_UNSENDABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ud800-\udfff]")


@dataclass(kw_only=True, repr=False)
class Send:
    """
    Send a request once. The adapter answers with the reply, or with the exception that ended the request.

    URL, headers and body are final: an adapter adds nothing.

    :param fresh: use a new connection, so that a stale one cannot look like a lost answer
    :param connect_timeout: maximum seconds to connect
    :param timeout: maximum seconds without a byte from the server
    :param total: maximum seconds for everything; what arrives later does not count
    :param largest: maximum bytes of the answer's body
    :param permit: asked before the request begins; the body asks for itself
    """

    method: str
    url: str
    headers: dict[str, str]
    body: Outgoing
    fresh: bool
    connect_timeout: float
    timeout: float
    total: float
    largest: int
    permit: Permit
    #: Whether a part of the request may have reached the server.
    begun: bool = field(default=False, init=False)
    #: What ``permit`` has raised.
    refusal: Exception | None = field(default=None, init=False)

    def begin(self) -> None:
        """
        Note that the connection is made and the first byte is about to be sent.

        :raises Exception: from ``permit``; then nothing is sent
        """
        try:
            self.permit.check()
        except Exception as error:
            self.refusal = error
            raise
        # A server cannot act on a request whose announced body never arrives.
        self.begun = not self.body


@dataclass
class Cell:
    """
    A connection's fetched security code or session token, and when it must be fetched.

    :param lock: held while fetching; for threads, or for the coroutines of one event loop
    """

    lock: threading.Lock | asyncio.Lock = field(repr=False)
    value: str | None = field(default=None, repr=False)
    _refusal: tuple[float, AuthenticationFailed] | None = field(default=None, init=False, repr=False)

    def refused(self, error: AuthenticationFailed) -> None:
        """Remember that the vendor has just refused the login."""
        self._refusal = (time.monotonic(), error)

    def check_refusal(self, *, since: float) -> None:
        """
        Raise the refusal of a login that was tried after ``since``.

        All who waited for one login share its refusal: a thousand waits with a wrong password must not cause
        a thousand failed logins, which would lock the account.

        :param since: reading of :func:`time.monotonic` when the caller began to wait
        :raises AuthenticationFailed: a copy of the refusal
        """
        if self._refusal is not None and self._refusal[0] >= since:
            raise WorkflowError.from_json(self._refusal[1].to_json())


@dataclass(frozen=True)
class Turn:
    """Wait for the turn to fetch the connection's credential. The adapter answers with the locked cell."""


@dataclass(frozen=True, repr=False)
class Fetched:
    """Mask a credential that was just fetched in logs."""

    credential: str


#: What a driver yields.
Action: TypeAlias = Send | Sleep | Turn | Fetched | Consult
#: A call to a vendor, as an adapter runs it.
Actions: TypeAlias = Generator[Action, Any, T]


@dataclass(kw_only=True)  # not frozen: one is made for each call, which takes a frozen one much longer
class Driver:
    """
    Turns the steps of operations on one endpoint into actions.

    :param fetch: the operation that fetches a new credential, for vendors that have one
    :param retry: how repeatable requests are repeated
    :param observe: called after each sending; must neither raise nor block
    :param permit: asked right before the first byte and each piece of the body of each request that is not
        repeatable, because a process may stand still in between
    :param longest_timeout: upper limit in seconds of every timeout of endpoint and request
    :param slots: where each request books its slot before it is sent; None if the plan has no limit
    :param clock: a monotonic clock, in seconds
    :param draw: a random number in [0, 1), for the jitter
    """

    endpoint: Endpoint
    fetch: Callable[[], Operation[str]] | None = None
    retry: Retry = field(default_factory=Retry)
    observe: Observer = unobserved
    permit: Permit = PERMITTED
    longest_timeout: float = float("inf")
    slots: Slots | None = None
    clock: Callable[[], float] = time.monotonic
    draw: Callable[[], float] = random.random

    def drive(self, operation: Operation[T], *, deadline: float | None = None) -> Actions[T]:
        """
        Run an operation to its end and return its result.

        :param deadline: time on ``clock`` after which nothing is repeated, and no slot is waited for
        :raises WorkflowError: from the operation; it names the connection and the server
        """
        answer: Any = None
        failure: WorkflowError | None = None
        while True:
            try:
                step = operation.send(answer) if failure is None else operation.throw(failure)
            except StopIteration as end:
                result: T = end.value
                return result
            except WorkflowError as error:
                self._name(error)
                if self.slots is not None and isinstance(error, Throttled) and error is not failure:
                    yield self.slots.slow_down(error)
                raise
            answer = failure = None
            try:
                match step:
                    case Request():
                        answer = yield from self._exchange(step, deadline)
                    case Renew():
                        answer = yield from self._renew(step.rejected, deadline)
                    case Sleep():
                        answer = yield step
            except WorkflowError as raised:
                self._name(raised)
                failure = raised

    def _exchange(self, request: Request, deadline: float | None) -> Actions[Reply]:
        """
        Send a request, repeating it as far as it may be repeated.

        :raises WorkflowError: no usable answer; :class:`OutcomeUnknown` if the request must not be sent again
        """
        for attempt in itertools.count(1):
            if self.slots is not None:
                left = float("inf") if deadline is None else deadline - self.clock()
                yield from self.slots.wait(request, left=left, permit=self.permit, clock=self.clock)
            began = self.clock()
            outcome = yield from self._once(request, float("inf") if deadline is None else deadline - began)
            ended, error, delay = self.clock(), diagnose(request, outcome), None
            if error is not None:
                remaining = float("inf") if deadline is None else deadline - ended
                delay = self.retry.delay(error, attempt=attempt, remaining=remaining, draw=self.draw())
            sending = Sending(request=request, error=error, seconds=ended - began, repeated=delay is not None)
            self.observe(sending)
            if self.slots is not None and isinstance(error, Throttled):
                yield self.slots.slow_down(error)
            if error is None:
                assert isinstance(outcome, Reply)
                return outcome
            if delay is None:
                raise error
            yield Sleep(delay)
        raise AssertionError("unreachable: the attempts are bounded by the retry policy")

    def _once(self, request: Request, remaining: float) -> Actions[Reply | ExchangeFailed]:
        """Send a request once. A library's exception is a value here, so it is no error's context."""
        send = self._prepare(request, remaining)
        send.permit.check()  # also before connecting
        alerts: list[ssl.SSLError] = []
        token = alerts_about_us.set(alerts)
        try:
            with hidden(request.secrets):
                outcome = yield send
        finally:
            alerts_about_us.reset(token)
        if isinstance(outcome, Reply):
            return outcome
        if (ours := send.refusal or send.body.broken) is not None:
            raise ours
        if isinstance(outcome, WorkflowError):
            raise outcome
        # An alert about our certificate means that the server has accepted no request.
        begun = not alerts and (send.begun or send.body.begun)
        return exchange_failed(alerts[0] if alerts else outcome, begun=begun, proxy=self.endpoint.proxy)

    def _prepare(self, request: Request, remaining: float) -> Send:
        permit = PERMITTED if request.repeatable else self.permit
        body = Outgoing(request, permit=permit)
        endpoint = self.endpoint
        timeout = min(request.timeout or endpoint.timeout, self.longest_timeout)
        total = endpoint.connect_timeout + 4 * timeout + len(body) / SLOWEST_UPLOAD
        if request.repeatable:
            # An answer that drips must not outlive the deadline by more than one timeout.
            total = min(total, max(0.0, remaining) + timeout)
        try:
            url = endpoint.url(request.path)
        except InvalidAddress as error:
            raise request.failure(InvalidInput, f"The path {error}; nothing was sent") from None
        return Send(
            method=request.method,
            url=url,
            headers=self._headers(request, body),
            body=body,
            fresh=not (request.repeatable or request.pooled),
            connect_timeout=min(endpoint.connect_timeout, self.longest_timeout),
            timeout=timeout,
            total=total,
            largest=endpoint.largest_answer,
            permit=permit,
        )

    def _headers(self, request: Request, body: Outgoing) -> dict[str, str]:
        """Return all headers. Those of the request replace those of the connection."""
        known = self.endpoint.known_headers
        if request.headers:
            known = known | {name.lower(): (name, value) for name, value in request.headers.items()}
        headers = dict(known.values())
        if body.content_type is not None:
            headers["Content-Type"] = body.content_type
        if request.method != "GET":
            headers["Content-Length"] = str(len(body))
        if _UNSENDABLE.search("".join(headers.values())):
            named = ", ".join(name for name, value in headers.items() if _UNSENDABLE.search(value))
            raise request.failure(
                InvalidInput, f"{named} contains a character that HTTP headers cannot contain"
            )
        return headers

    def _renew(self, rejected: str | None, deadline: float | None) -> Actions[str]:
        if self.fetch is None:
            raise TypeError("This vendor's connection has no credential to fetch")
        asked = self.clock()
        cell: Cell = yield Turn()
        try:
            if cell.value is None or cell.value == rejected:
                cell.check_refusal(since=asked)
                cell.value = yield from self._fetched(cell, deadline)
            return cell.value
        finally:
            cell.lock.release()

    def _fetched(self, cell: Cell, deadline: float | None) -> Actions[str]:
        assert self.fetch is not None
        try:
            credential = Secret((yield from self.drive(self.fetch(), deadline=deadline)))
        except AuthenticationFailed as error:
            cell.refused(error)
            raise
        yield Fetched(credential)
        return credential

    def _name(self, error: WorkflowError) -> None:
        """Add connection and server to an error that does not name them."""
        error.conn_id = error.conn_id or self.endpoint.conn_id or None
        error.host = error.host or self.endpoint.server
