"""The event loop's shared sessions: as many as there are roads, and none left open."""

from __future__ import annotations

import asyncio
import gc
import logging
import warnings
import weakref
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import aiohttp
import pytest

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.transport import aiohttp_adapter as sessions
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter, SharedSession, lease
from airflow_provider_workflows.core.transport.driver import Driver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import send
from tests.core.transport.server import Peer, RawServer, answer

ROAD = Endpoint(base_url="http://vendor.invalid", identity=("user", "password"))
ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)


async def leased(endpoint: Endpoint = ROAD) -> SharedSession:
    async with lease(endpoint) as shared:
        return shared


async def closed(session: aiohttp.ClientSession) -> bool:
    """Wait until a session is closed, and no longer than five seconds."""
    for _ in range(500):
        if session.closed:
            break
        await asyncio.sleep(0.01)
    return session.closed


def test_one_session_a_connection_and_road() -> None:
    async def run() -> None:
        one = await leased()
        assert await leased() is one
        others = [
            await leased(replace(ROAD, conn_id="other")),
            await leased(endpoint=replace(ROAD, identity=("user", "changed"))),
            await leased(endpoint=replace(ROAD, base_url="http://other.invalid")),
        ]
        assert len({id(shared.session) for shared in (one, *others)}) == 4
        assert len({id(shared.cell) for shared in (one, *others)}) == 4

    asyncio.run(run())


def test_those_who_come_at_once_share_one_session(certificates: Certificates) -> None:
    endpoint = replace(
        ROAD, base_url="https://vendor.invalid", ca=str(certificates.authority.certificate_file)
    )

    async def run() -> None:
        # Each finds no session, and waits for a TLS context.
        shared = await asyncio.gather(*(leased(endpoint=endpoint) for _ in range(50)))
        assert len({id(one) for one in shared}) == 1
        assert shared[0].users == 0

    asyncio.run(run())


def test_each_loop_has_its_own() -> None:
    one, other = asyncio.run(leased()), asyncio.run(leased())
    assert one is not other


def test_a_session_is_closed_when_its_last_user_has_been_gone_for_long(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sessions, "LINGER", 0.05)

    async def run() -> None:
        async with lease(ROAD) as shared:
            await leased()
            # Longer than it would linger, were the other user the last.
            await asyncio.sleep(0.15)
            assert not shared.session.closed
        again = await leased()
        assert again is shared
        assert await closed(shared.session)
        new = await leased()
        assert new is not shared
        assert not new.session.closed

    asyncio.run(run())


def test_whoever_comes_back_in_time_stops_the_closing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "LINGER", 0.05)

    async def run() -> None:
        shared = await leased()
        async with lease(ROAD) as again:
            await asyncio.sleep(0.15)
            assert again is shared
            assert not shared.session.closed

    asyncio.run(run())


def test_an_unused_session_stays_a_minute() -> None:
    async def run() -> None:
        shared = await leased()
        assert shared.closing is not None
        assert shared.closing.when() - asyncio.get_running_loop().time() == pytest.approx(60, abs=5)

    asyncio.run(run())


async def _ask(endpoint: Endpoint) -> None:
    await AiohttpAdapter(endpoint).run(Driver(endpoint=endpoint).drive(send(ASK)))


async def _start(endpoint: Endpoint) -> None:
    start = send(replace(ASK, repeatable=False))
    await AiohttpAdapter(endpoint).run(Driver(endpoint=endpoint).drive(start))


async def _leave_one_asking(endpoint: Endpoint) -> None:
    task = asyncio.create_task(_ask(replace(endpoint, base_url=f"{endpoint.base_url}/hold")))
    await _ask(endpoint)
    assert not task.done()


async def _retire(endpoint: Endpoint) -> None:
    await _ask(endpoint)
    shared = await leased(endpoint=endpoint)
    shared.used -= sessions.LINGER
    sessions._retire(asyncio.get_running_loop(), endpoint.fingerprint)
    assert not shared.session.closed


@pytest.mark.parametrize("story", [_ask, _start, _leave_one_asking, _retire])
def test_the_end_of_a_loop_leaves_nothing_open(
    story: Callable[[Endpoint], Coroutine[Any, Any, None]], caplog: pytest.LogCaptureFixture
) -> None:
    def answer_or_hold(peer: Peer) -> None:
        while True:
            if peer.read().target.startswith("/hold"):
                peer.hold()
            peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def run(endpoint: Endpoint) -> tuple[weakref.ref[Any], SharedSession]:
        await story(endpoint)
        loop = asyncio.get_running_loop()
        (shared, *_) = sessions._sessions[loop].values() or [await leased(endpoint=endpoint)]
        return weakref.ref(loop), shared

    with (
        RawServer((answer_or_hold,)) as server,
        warnings.catch_warnings(record=True) as warned,
        caplog.at_level(logging.DEBUG, logger="asyncio"),
    ):
        warnings.simplefilter("always")
        loop, shared = asyncio.run(run(Endpoint(base_url=server.url)))
        assert shared.session.closed
        assert server.all_closed(within=5)
        del shared
        gc.collect()
        # Nor is the loop itself kept, and with it all that it ever knew.
        assert loop() is None
    assert [str(one.message) for one in warned] == []
    assert [record.message for record in caplog.records if record.levelno > logging.DEBUG] == []


def test_a_session_kept_open_is_noticed(caplog: pytest.LogCaptureFixture) -> None:
    """The search of the test above finds what it looks for."""

    async def run() -> None:
        aiohttp.ClientSession()

    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        asyncio.run(run())
        gc.collect()
    assert any("Unclosed client session" in str(one.message) for one in warned)


def test_a_new_password_leads_to_a_new_session_while_the_old_one_is_in_use() -> None:
    with RawServer((answer(),)) as server:

        async def run() -> None:
            old = Endpoint(base_url=server.url, headers={"X-Key": "old"})
            async with lease(old):
                await _ask(old)
                await _ask(replace(old, headers={"X-Key": "new"}))

        asyncio.run(run())
    assert [seen.headers["x-key"] for seen in server.requests] == ["old", "new"]
    assert len(server.connections) == 2
