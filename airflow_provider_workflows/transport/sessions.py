"""
The event loop's shared sessions: one a connection and endpoint, however many triggers wait on it.

A session outlives its last user by a minute, so that waits which poll in turn keep their connections, and is
closed then, or when the loop shuts down.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from airflow_provider_workflows.transport.credentials import LoopCell
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.tls import tls_context

if TYPE_CHECKING:
    import aiohttp

#: Seconds that an unused session stays open.
LINGER = 60.0


@dataclass
class SharedSession:
    """One pooled session, the credential that belongs to it, and how many use it now."""

    endpoint: Endpoint
    session: aiohttp.ClientSession
    tls: ssl.SSLContext | bool
    cell: LoopCell = field(default_factory=LoopCell)
    users: int = 0
    closing: asyncio.TimerHandle | None = None
    guard: AsyncGenerator[None, None] | None = None

    def fresh(self) -> aiohttp.ClientSession:
        """Return a session to be used once and closed, for requests that must not be repeated."""
        return _open(self.endpoint, self.tls)


_sessions: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[str, str], SharedSession]] = (
    WeakKeyDictionary()
)


@asynccontextmanager
async def lease(key: str, endpoint: Endpoint) -> AsyncIterator[SharedSession]:
    """
    Use the running loop's session for a connection and endpoint.

    :param key: the connection's id
    """
    loop = asyncio.get_running_loop()
    mine = _sessions.setdefault(loop, {})
    name = (key, endpoint.fingerprint)
    shared = mine.get(name)
    if shared is None:
        tls = await asyncio.to_thread(tls_context, endpoint)
        # Another coroutine may have opened it during the await.
        shared = mine.get(name) or await _share(mine, name, endpoint, tls)
    if shared.closing is not None:
        shared.closing.cancel()
        shared.closing = None
    shared.users += 1
    try:
        yield shared
    finally:
        shared.users -= 1
        if not shared.users:
            shared.closing = loop.call_later(LINGER, _retire, loop, name)


def _retire(loop: asyncio.AbstractEventLoop, name: tuple[str, str]) -> None:
    shared = _sessions.get(loop, {}).pop(name, None)
    if shared is not None and shared.guard is not None:
        task = loop.create_task(_finish(shared.guard))
        _retiring.add(task)
        task.add_done_callback(_retiring.discard)


#: The loop itself keeps only weak references to its tasks.
_retiring: set[asyncio.Task[None]] = set()


async def _finish(guard: AsyncGenerator[None, None]) -> None:
    await guard.aclose()


async def _share(
    mine: dict[tuple[str, str], SharedSession],
    name: tuple[str, str],
    endpoint: Endpoint,
    tls: ssl.SSLContext | bool,
) -> SharedSession:
    shared = mine[name] = SharedSession(endpoint, _open(endpoint, tls), tls)
    shared.guard = _guard(mine, name, shared)
    await anext(shared.guard)
    return shared


async def _guard(
    mine: dict[tuple[str, str], SharedSession], name: tuple[str, str], shared: SharedSession
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


def _open(endpoint: Endpoint, tls: ssl.SSLContext | bool) -> aiohttp.ClientSession:
    import aiohttp

    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=tls, limit=100),
        cookie_jar=aiohttp.DummyCookieJar(),
        headers=dict(endpoint.headers),
        # aiohttp's own guess for a POST without a body.
        skip_auto_headers=("Content-Type",),
        trust_env=False,
    )
    # aiohttp would send GET, PUT and DELETE a second time when the answer is lost, and has no public switch.
    session._retry_connection = False
    return session
