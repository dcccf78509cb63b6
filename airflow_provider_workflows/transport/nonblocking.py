"""Runs the same operations on ``aiohttp``, in the triggerer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from airflow_provider_workflows.protocol.body import Outgoing
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, WorkflowError
from airflow_provider_workflows.protocol.message import ExchangeFailed, Reply, Request
from airflow_provider_workflows.protocol.operation import (
    Observer,
    Operation,
    Renew,
    Sleep,
    Step,
    exchange,
    unobserved,
)
from airflow_provider_workflows.protocol.retry import Retry
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.redaction import hidden
from airflow_provider_workflows.transport.sessions import lease

if TYPE_CHECKING:
    import aiohttp

    from airflow_provider_workflows.transport.sessions import SharedSession

T = TypeVar("T")


class NonblockingTransport:
    """
    Drives operations against one endpoint, on the event loop's shared session.

    :param key: the connection's id; with the endpoint's fingerprint it names the shared session
    :param fetch: the operation that fetches a new credential, for vendors that have one
    :param learned: awaited with each fetched credential, so that logs can mask it
    :param retry: how a repeatable request is repeated
    :param observe: told of each sending; must neither raise nor block
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        key: str,
        fetch: Callable[[], Operation[str]] | None = None,
        learned: Callable[[str], Awaitable[None]] | None = None,
        retry: Retry | None = None,
        observe: Observer = unobserved,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.endpoint = endpoint
        self._key = key
        self._fetch = fetch
        self._learned = learned
        self._retry = retry or Retry()
        self._observe = observe
        self._sleep = sleep

    async def run(self, operation: Operation[T], *, deadline: float | None = None) -> T:
        """
        Run an operation to its end and return its result.

        :param deadline: reading of :func:`time.monotonic` after which nothing is repeated any more
        :raises WorkflowError: as the operation does
        """
        async with lease(self._key, self.endpoint) as shared:
            return await self._run(operation, shared, deadline)

    async def _run(self, operation: Operation[T], shared: SharedSession, deadline: float | None) -> T:
        async def once(step: Step) -> Any:
            if isinstance(step, Request):
                return await self._send(step, shared)
            return await self._sleep(step.seconds)  # type: ignore[union-attr]

        async def perform(step: Step) -> Any:
            match step:
                case Request():
                    return await _drive(self._exchange(step, deadline), once)
                case Sleep():
                    return await self._sleep(step.seconds)
                case Renew():
                    return await self._renew(step.rejected, shared, deadline)

        return await _drive(operation, perform)

    def _exchange(self, request: Request, deadline: float | None) -> Operation[Reply]:
        return exchange(request, retry=self._retry, deadline=deadline, observe=self._observe)

    async def _renew(self, rejected: str | None, shared: SharedSession, deadline: float | None) -> str:
        if self._fetch is None:
            raise TypeError("This vendor's connection has no credential to fetch")
        cell, asked = shared.cell, time.monotonic()
        async with cell.lock:
            credential = cell.current(rejected)
            if credential is None:
                cell.check_refusal(since=asked)
                try:
                    credential = cell.value = await self._run(self._fetch(), shared, deadline)
                except AuthenticationFailed as error:
                    cell.refused(error)
                    raise
                if self._learned is not None:
                    await self._learned(credential)
            return credential

    async def _send(self, request: Request, shared: SharedSession) -> Reply:
        """Send once; a repeatable request on the shared session, any other on a connection of its own."""
        if request.repeatable:
            return await self._attempt(shared.session, request)
        async with shared.fresh() as session:
            return await self._attempt(session, request)

    async def _attempt(self, session: aiohttp.ClientSession, request: Request) -> Reply:
        import aiohttp

        outgoing = Outgoing(request)
        try:
            with hidden(request.secrets):
                return await self._converse(session, request, outgoing)
        except (aiohttp.ClientError, TimeoutError, OSError, UnicodeError) as exception:
            failure = _failure(exception, outgoing)
        # Raised outside the handler, so that the library's exception, which may quote the URL, is not its
        # context.
        raise failure

    async def _converse(self, session: aiohttp.ClientSession, request: Request, outgoing: Outgoing) -> Reply:
        import aiohttp
        from yarl import URL

        timeout = request.timeout or self.endpoint.timeout
        headers = dict(request.headers)
        if outgoing.content_type:
            headers |= {"Content-Type": outgoing.content_type, "Content-Length": str(outgoing.length)}
        async with session.request(
            request.method,
            URL(self.endpoint.url(request.path), encoded=True),
            data=_stream(outgoing) if outgoing else None,
            headers=headers,
            proxy=self.endpoint.proxy,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=self.endpoint.patience(timeout, outgoing.length),
                sock_connect=self.endpoint.connect_timeout,
                sock_read=timeout,
            ),
        ) as response:
            body = await response.read()
            names = {name.lower(): value for name, value in response.headers.items()}
            return Reply(status=response.status, headers=names, body=body)


async def _drive(operation: Operation[T], perform: Callable[[Step], Awaitable[Any]]) -> T:
    """Feed an operation with what ``perform`` answers or raises, until it returns."""
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = operation.send(answer) if failure is None else operation.throw(failure)
        except StopIteration as end:
            result: T = end.value
            return result
        answer = failure = None
        try:
            answer = await perform(step)
        except (WorkflowError, ExchangeFailed) as raised:
            failure = raised


async def _stream(outgoing: Outgoing) -> AsyncIterator[bytes]:
    """Read the body's pieces; those of a file in a thread, since a slow disk must not stop the event loop."""
    pieces = iter(outgoing)
    if outgoing.in_memory:
        for held in pieces:
            yield held
        return
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


def _failure(exception: Exception, outgoing: Outgoing) -> Exception:
    import aiohttp

    if outgoing.broken is not None:
        return outgoing.broken
    connecting = (
        aiohttp.ClientConnectorError,
        aiohttp.ClientHttpProxyError,
        aiohttp.ConnectionTimeoutError,
        UnicodeError,  # a host name that is none
    )
    begun = outgoing.begun if outgoing else not isinstance(exception, connecting)
    return ExchangeFailed(_in_words(exception), begun=begun)


def _in_words(exception: Exception) -> str:
    """Name a failure without quoting the library's text, which may hold the URL."""
    cause = getattr(exception, "os_error", None) or getattr(exception, "certificate_error", None)
    names = [type(exception).__name__] + ([type(cause).__name__] if cause else [])
    detail = getattr(cause, "verify_message", None) or getattr(cause, "strerror", None)
    text = ": ".join(dict.fromkeys(names))
    return f"{text} ({detail})" if isinstance(detail, str) else text
