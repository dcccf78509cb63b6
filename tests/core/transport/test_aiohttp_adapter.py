"""What is particular to the adapter for event loops."""

from __future__ import annotations

import asyncio
import gc
import threading
from dataclasses import replace

import aiohttp
import pytest

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Driver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from tests.core.transport.drivers import send
from tests.core.transport.server import Peer, RawServer, answer, response

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
START = Request(vendor="Vendor", operation="start", method="POST", path="/b", repeatable=False, json={})


async def run_once(endpoint: Endpoint, request: Request = ASK) -> Reply:
    """Send by an adapter of its own."""
    return await AiohttpAdapter(endpoint).run(Driver(endpoint=endpoint).drive(send(request)))


def test_adapters_of_one_connection_share_their_pool() -> None:
    async def run(endpoint: Endpoint) -> None:
        for _ in range(3):
            await run_once(endpoint)
        await run_once(replace(endpoint, conn_id="another"))

    with RawServer((answer(),)) as server:
        asyncio.run(run(Endpoint(base_url=server.url)))
    assert len(server.connections) == 2


def test_waits_run_side_by_side() -> None:
    together = 20
    arrived: list[int] = []

    def answer_when_all_are_here(peer: Peer) -> None:
        peer.read()
        arrived.append(peer.port)
        while len(arrived) < together:
            peer.pause(0.01)
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

    async def run(endpoint: Endpoint) -> list[int]:
        replies = await asyncio.gather(*(run_once(endpoint) for _ in range(together)))
        return [reply.status for reply in replies]

    with RawServer((answer_when_all_are_here,)) as server:
        assert asyncio.run(run(Endpoint(base_url=server.url, timeout=10))) == [200] * together


@pytest.mark.parametrize("request_", [ASK, START])
def test_a_cancelled_wait_hangs_up(request_: Request) -> None:
    arrived = threading.Event()

    def hold(peer: Peer) -> None:
        peer.read()
        arrived.set()
        peer.hold()

    async def run(endpoint: Endpoint) -> None:
        task = asyncio.create_task(run_once(endpoint, request_))
        assert await asyncio.to_thread(arrived.wait, 5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert await asyncio.to_thread(server.all_closed, within=5)

    with RawServer((hold,)) as server:
        asyncio.run(run(Endpoint(base_url=server.url)))
    assert len(server.requests) == 1


def test_a_pooled_connection_keeps_no_answer() -> None:
    # Too long to come together with its head.
    body = b'"' + b"x" * 1_000_000 + b'"'

    async def run(endpoint: Endpoint) -> int:
        for _ in range(10):
            await run_once(endpoint)
        gc.collect()
        return sum(type(one) is aiohttp.ClientResponse for one in gc.get_objects())

    with RawServer((answer(response(body)),)) as server:
        assert asyncio.run(run(Endpoint(base_url=server.url))) < 10
    assert len(server.connections) == 1
