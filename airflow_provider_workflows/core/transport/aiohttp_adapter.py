"""
Does with ``aiohttp``, on an event loop, what a driver asks for.

Below the adapter are the loop's shared sessions: one a connection and endpoint, however many triggers wait on
it. A session outlives its last user by a minute, so that waits which poll in turn keep their connections, and
is closed then, or when the loop shuts down.
"""

from __future__ import annotations

import asyncio
import functools
import os
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import aiohttp
from aiohttp.http import HttpProcessingError
from yarl import URL

from airflow_provider_workflows.core.protocol.body import Outgoing
from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Consult, Sleep
from airflow_provider_workflows.core.transport.answer import Incoming
from airflow_provider_workflows.core.transport.driver import Action, Actions, Cell, Fetched, Send, Turn
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.tls import PatientSocket

if TYPE_CHECKING:
    from aiohttp.abc import AbstractStreamWriter

T = TypeVar("T")

#: Bytes of a line of an answer's head at the most; that of http.client.
HEAD = 64 * 1024
#: Seconds that an unused session stays open.
LINGER = 60.0


async def unmasked(credential: str) -> None:
    """Mask nothing."""


class AiohttpAdapter:
    """
    Runs drivers' actions against one endpoint, on the event loop's shared session.

    :param learned: awaited with each fetched credential, so that logs can mask it
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        learned: Callable[[str], Awaitable[None]] = unmasked,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.endpoint = endpoint
        self._learned = learned
        self._sleep = sleep

    async def run(self, actions: Actions[T]) -> T:
        """Do what a driver asks for until it returns."""
        # Taken out again to be sent: a library's exception quotes the URL, and this frame must not show it.
        answers: list[Any] = [None]
        async with lease(self.endpoint) as shared:
            try:
                while True:
                    action = actions.send(answers.pop())
                    answers.append(await self._do(action, shared))
            except StopIteration as end:
                result: T = end.value
                return result
            finally:
                actions.close()

    async def _do(self, action: Action, shared: SharedSession) -> object:
        match action:
            case Send():
                try:
                    return await self._send(action, shared)
                except Exception as exception:
                    return exception
                except BaseException as struck:
                    # From outside, as a task's timeout. The libraries' frames hold headers and URLs.
                    raise struck.with_traceback(None) from struck.__cause__
            case Sleep():
                await self._sleep(action.seconds)
            case Turn():
                await shared.cell.lock.acquire()  # type: ignore[misc]
                return shared.cell
            case Fetched():
                await self._learned(action.credential)
            case Consult():
                return await asyncio.get_running_loop().run_in_executor(_consulting(), action.ask)
        return None

    async def _send(self, send: Send, shared: SharedSession) -> Reply:
        proxy, body = self.endpoint.proxy, send.body
        session = shared.fresh() if send.fresh else shared.session
        times = aiohttp.ClientTimeout(
            total=send.total, sock_connect=send.connect_timeout, sock_read=send.timeout
        )
        token = _sending.set(send)
        try:
            async with session.request(
                send.method,
                URL(send.url, encoded=True),
                data=(_InMemory(body) if body.in_memory else _stream(body)) if body else None,
                headers=send.headers,
                proxy=None if proxy is None else proxy.url,
                proxy_headers=None if proxy is None else proxy.headers,
                # All that aiohttp might guess of a request without a body is given.
                skip_auto_headers=None if send.method == "GET" else ("Content-Type",),
                allow_redirects=False,
                timeout=times,
            ) as response:
                _end_with_connection(response)
                incoming = Incoming(response.status, response.raw_headers, largest=send.largest)
                content = response.content
                while not content.at_eof():
                    incoming.feed(await content.readany())
                return incoming.reply()
        finally:
            _sending.reset(token)
            if send.fresh:
                await session.close()


@functools.cache
def _consulting() -> ThreadPoolExecutor:
    """Return the thread that asks limiters: a lock or Redis may make it wait, and the loop must not."""
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="workflow-limits")


# A child has none of its parent's threads.
os.register_at_fork(after_in_child=_consulting.cache_clear)


def _end_with_connection(response: aiohttp.ClientResponse) -> None:
    """
    Let a body end when the connection does.

    aiohttp closes the connection when the framing of a body is broken, but does not tell the body, whose
    reader would wait until its time is over.
    """
    connection = response.connection
    protocol = connection.protocol if connection is not None else None
    if protocol is None:  # the body is complete
        return

    def check(closed: asyncio.Future[None] | None = None) -> None:
        if closed is not None and not closed.cancelled():
            closed.exception()  # it is known
        broken = protocol.exception()
        if isinstance(broken, HttpProcessingError) and not response.content.is_eof():
            response.content.set_exception(broken)

    if (ending := protocol.closed) is None:  # it has ended already
        check()
        return

    def forget(ending: asyncio.Future[None] = ending) -> None:
        ending.remove_done_callback(check)

    ending.add_done_callback(check)
    # A pooled connection outlives many answers, and must not keep them.
    response.content.on_eof(forget)


class _InMemory(aiohttp.Payload):
    """A body that waits for no file; it takes aiohttp half as long as one from an asynchronous generator."""

    _value: Outgoing
    _autoclose = True

    async def write(self, writer: AbstractStreamWriter) -> None:
        await self.write_with_length(writer, None)

    async def write_with_length(self, writer: AbstractStreamWriter, content_length: int | None) -> None:
        for piece in self._value:
            await writer.write(piece)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        raise TypeError("A body can be read only once")


async def _stream(outgoing: Outgoing) -> AsyncIterator[bytes]:
    """Read the body's pieces in a thread, since a slow disk must not stop the event loop."""
    pieces = iter(outgoing)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece


@dataclass
class SharedSession:
    """One pooled session, the credential that belongs to it, and how many use it now."""

    endpoint: Endpoint
    session: aiohttp.ClientSession
    cell: Cell = field(default_factory=lambda: Cell(asyncio.Lock()))
    users: int = 0
    #: When a user went, as :func:`time.monotonic` says.
    used: float = field(default_factory=time.monotonic)
    closing: asyncio.TimerHandle | None = None
    guard: AsyncGenerator[None, None] | None = None

    def fresh(self) -> aiohttp.ClientSession:
        """Return a session to be used once and closed, for requests that must not be repeated."""
        return _open(self.endpoint)


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[str, SharedSession]] = WeakKeyDictionary()


class lease:  # noqa: N801  as a context manager of contextlib
    """Lends the running loop's session for an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    async def __aenter__(self) -> SharedSession:
        loop, endpoint = asyncio.get_running_loop(), self._endpoint
        mine = _sessions.get(loop)
        if mine is None:
            mine = _sessions[loop] = {}
        shared = self._shared = mine.get(endpoint.fingerprint) or await _share(loop, mine, endpoint)
        shared.users += 1
        return shared

    async def __aexit__(self, *raised: object) -> None:
        self._shared.users -= 1
        self._shared.used = time.monotonic()


def _retire(loop: asyncio.AbstractEventLoop, name: str) -> None:
    """Close a session that was unused for long; one timer watches all who come and go."""
    mine = _sessions.get(loop, {})
    if (shared := mine.get(name)) is None:
        return
    left = LINGER if shared.users else shared.used + LINGER - time.monotonic()
    if left > 0:
        shared.closing = loop.call_later(left, _retire, loop, name)
        return
    del mine[name]
    if shared.guard is not None:
        task = loop.create_task(_finish(shared.guard))
        _retiring.add(task)
        task.add_done_callback(_retiring.discard)


#: The loop itself keeps only weak references to its tasks.
_retiring: set[asyncio.Task[None]] = set()


async def _finish(guard: AsyncGenerator[None, None]) -> None:
    await guard.aclose()


async def _share(
    loop: asyncio.AbstractEventLoop, mine: dict[str, SharedSession], endpoint: Endpoint
) -> SharedSession:
    # Reading certificates takes time, which the endpoint then has behind it.
    await asyncio.to_thread(lambda: endpoint.tls)
    name = endpoint.fingerprint
    if (known := mine.get(name)) is not None:  # another coroutine has opened it during the await
        return known
    shared = mine[name] = SharedSession(endpoint, _open(endpoint))
    shared.closing = loop.call_later(LINGER, _retire, loop, name)
    shared.guard = _guard(mine, name, shared)
    await anext(shared.guard)
    return shared


async def _guard(
    mine: dict[str, SharedSession], name: str, shared: SharedSession
) -> AsyncGenerator[None, None]:
    """
    Close and forget the session when this generator is closed.

    A loop that ends closes its asynchronous generators (``loop.shutdown_asyncgens``), which is the one notice
    of its end that it gives; so short-lived loops leave no open session behind either.
    """
    try:
        yield
    finally:
        # A session refers to its loop, so that the loop would be kept for ever.
        if mine.get(name) is shared:
            del mine[name]
        await shared.session.close()


def _open(endpoint: Endpoint) -> aiohttp.ClientSession:
    # The resolver is the one that workers use, whatever else is installed.
    connector = _Connector(
        ssl=endpoint.tls or True,
        limit=100,
        resolver=aiohttp.ThreadedResolver(),
        socket_factory=lambda address: PatientSocket(*address[:3]),
    )
    session = aiohttp.ClientSession(
        connector=connector,
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        # More than what an answer's head may have, which is for all to judge alike.
        max_line_size=HEAD,
        max_field_size=HEAD,
    )
    # aiohttp would send GET, PUT and DELETE a second time when the answer is lost, and has no public switch.
    session._retry_connection = False
    return session


#: What the running coroutine sends.
_sending: ContextVar[Send] = ContextVar("sending")


class _Connector(aiohttp.TCPConnector):
    """Tells a request when its connection stands, right before its head is written."""

    async def connect(self, *args: Any, **kwargs: Any) -> aiohttp.connector.Connection:
        connection = await super().connect(*args, **kwargs)
        try:
            _sending.get().begin()
        except BaseException:
            connection.close()
            raise
        return connection
