"""Fetched credentials: one renewal at a time, and for all."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from airflow_provider_workflows.protocol.errors import AuthenticationFailed, ServiceUnavailable
from airflow_provider_workflows.protocol.message import Request
from airflow_provider_workflows.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.protocol.retry import Retry
from airflow_provider_workflows.transport.blocking import BlockingTransport
from airflow_provider_workflows.transport.credentials import (
    REMEMBERED,
    BlockingCell,
    Cell,
    LoopCell,
    cell_of,
)
from airflow_provider_workflows.transport.endpoint import Endpoint
from airflow_provider_workflows.transport.nonblocking import NonblockingTransport
from airflow_provider_workflows.transport.sessions import lease
from tests.transport.drivers import Driver
from tests.transport.server import Peer, RawServer, Script, in_turn, response

LOGIN = Request(
    vendor="Vendor", operation="log in", method="GET", path="/login", repeatable=True, confidential=True
)


def fetch() -> Operation[str]:
    reply = yield LOGIN
    return str(reply.json()["code"])


def renew(rejected: str | None = None) -> Operation[str]:
    code: str = yield Renew(rejected)
    return code


def codes(*, delay: float = 0.0) -> Script:
    """Give out ``code-1``, ``code-2`` and so on."""

    def script(peer: Peer) -> None:
        while True:
            peer.read()
            number = len(peer.server.requests)
            peer.pause(delay)
            peer.send(response(json.dumps({"code": f"code-{number}"}).encode()))

    return script


def test_two_hundred_coroutines_make_one_renewal() -> None:
    learned: list[str] = []

    async def learn(code: str) -> None:
        learned.append(code)

    async def run(endpoint: Endpoint) -> tuple[str, list[str], list[str]]:
        def transport() -> NonblockingTransport:
            return NonblockingTransport(endpoint, key="test", fetch=fetch, learned=learn)

        first = await transport().run(renew())
        # While one of them fetches, all the others wait at the cell.
        renewed = await asyncio.gather(*(transport().run(renew(first)) for _ in range(200)))
        late = await asyncio.gather(*(transport().run(renew(code)) for code in (first, None)))
        return first, renewed, late

    with RawServer((codes(delay=0.05),)) as server:
        first, renewed, late = asyncio.run(run(Endpoint(base_url=server.url)))
    assert (first, set(renewed), set(late)) == ("code-1", {"code-2"}, {"code-2"})
    assert len(renewed) == 200
    assert len(server.requests) == 2
    assert learned == ["code-1", "code-2"]


def test_twenty_threads_make_one_renewal() -> None:
    learned: list[str] = []
    together = threading.Barrier(20)

    def work(rejected: str) -> str:
        transport = BlockingTransport(endpoint, fetch=fetch, learned=learned.append)
        together.wait(10)
        try:
            return transport.run(renew(rejected))
        finally:
            transport.close()

    with RawServer((codes(delay=0.05),)) as server:
        endpoint = Endpoint(base_url=server.url)
        transport = BlockingTransport(endpoint, fetch=fetch, learned=learned.append)
        first = transport.run(renew())
        transport.close()
        with ThreadPoolExecutor(20) as pool:
            renewed = list(pool.map(work, [first] * 20))
    assert (first, set(renewed)) == ("code-1", {"code-2"})
    assert (len(server.requests), learned) == (2, ["code-1", "code-2"])


def test_a_renewal_that_fails_does_not_poison_the_cell(drive: Driver) -> None:
    def story() -> Operation[list[str]]:
        told = [(yield Renew(None))]
        try:
            yield Renew("code-1")
        except ServiceUnavailable:
            told.append("failed")
        # Whoever was not refused can go on with the old one, and the next renewal works.
        told.append((yield Renew(None)))
        told.append((yield Renew("code-1")))
        return told

    one, two = (response(json.dumps({"code": code}).encode()) for code in ("code-1", "code-2"))
    with RawServer((in_turn(one, response(b"", status=503), two),)) as server:
        endpoint = Endpoint(base_url=server.url)
        (told,) = drive(endpoint, story(), fetch=fetch, retry=Retry(attempts=1)).results
    assert told == ["code-1", "failed", "code-1", "code-2"]


def refused_login(attempts: list[None]) -> Operation[str]:
    attempts.append(None)
    yield Sleep(0.05)
    raise AuthenticationFailed("wrong password", vendor="Vendor")


def test_coroutines_that_wait_for_one_login_share_its_refusal() -> None:
    attempts: list[None] = []
    endpoint = Endpoint(base_url="http://127.0.0.1:9", identity=("coroutines", "wrong"))
    transport = NonblockingTransport(endpoint, key="vendor", fetch=lambda: refused_login(attempts))

    async def everyone() -> list[object]:
        waits = (transport.run(renew()) for _ in range(200))
        return list(await asyncio.gather(*waits, return_exceptions=True))

    errors = asyncio.run(everyone())
    assert {(type(error), str(error)) for error in errors} == {
        (AuthenticationFailed, "wrong password [Vendor]")
    }
    assert len(attempts) == 1


def test_threads_that_wait_for_one_login_share_its_refusal() -> None:
    attempts: list[None] = []
    endpoint = Endpoint(base_url="http://127.0.0.1:9", identity=("threads", "wrong"))
    together = threading.Barrier(20)

    def wait() -> None:
        together.wait()
        with pytest.raises(AuthenticationFailed, match="wrong password"):
            BlockingTransport(endpoint, fetch=lambda: refused_login(attempts)).run(renew())

    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(wait) for _ in range(20)]:
            done.result()
    # A thread that the machine lets begin only after the first refusal may try for itself.
    assert len(attempts) < 5


def test_a_later_wait_tries_the_login_again() -> None:
    attempts: list[None] = []
    endpoint = Endpoint(base_url="http://127.0.0.1:9", identity=("later", "wrong"))
    transport = BlockingTransport(endpoint, fetch=lambda: refused_login(attempts))
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            transport.run(renew())
    assert len(attempts) == 2


def test_a_cancelled_renewal_leaves_the_cell_to_the_next() -> None:
    held = threading.Event()

    def hold(peer: Peer) -> None:
        peer.read()
        held.set()
        peer.hold()

    async def run(endpoint: Endpoint) -> str:
        transport = NonblockingTransport(endpoint, key="test", fetch=fetch)
        first = asyncio.create_task(transport.run(renew()))
        await asyncio.to_thread(held.wait, 10)
        second = asyncio.create_task(transport.run(renew()))
        first.cancel()
        return await asyncio.wait_for(second, 10)

    with RawServer((hold, codes())) as server:
        assert asyncio.run(run(Endpoint(base_url=server.url))) == "code-2"


def test_each_login_has_a_credential_of_its_own(drive: Driver) -> None:
    with RawServer((codes(),)) as server:
        one = Endpoint(base_url=server.url, identity=("one", "password"))
        other = replace(one, identity=("other", "password"))
        got = [drive(endpoint, renew(), fetch=fetch).results for endpoint in (one, other)]
    assert got == [["code-1"], ["code-2"]]
    assert cell_of(one.fingerprint) is cell_of(one.fingerprint)
    assert cell_of(one.fingerprint) is not cell_of(other.fingerprint)


def test_transports_of_one_process_share_the_credential() -> None:
    with RawServer((codes(),)) as server:
        endpoint = Endpoint(base_url=server.url)
        for _ in range(2):
            transport = BlockingTransport(endpoint, fetch=fetch)
            assert transport.run(renew()) == "code-1"
            transport.close()
    assert len(server.requests) == 1


def test_a_process_does_not_remember_without_end() -> None:
    oldest, used = cell_of("test: oldest"), cell_of("test: used")
    for number in range(REMEMBERED - 2):
        cell_of(f"test: {number}")
    assert cell_of("test: used") is used
    cell_of("test: one more")
    assert cell_of("test: used") is used
    assert cell_of("test: oldest") is not oldest


@pytest.mark.parametrize("cell", [Cell("s3cret"), BlockingCell("s3cret"), LoopCell("s3cret")])
def test_no_cell_shows_its_credential(cell: Cell) -> None:
    assert cell.current(None) == "s3cret"
    assert "s3cret" not in repr(cell)


def test_no_session_shows_its_credential() -> None:
    async def run() -> str:
        endpoint = Endpoint(base_url="http://nowhere.invalid", identity=("user", "p4ssw0rd"))
        async with lease("test", endpoint) as shared:
            shared.cell.value = "s3cret"
            return repr(shared)

    shown = asyncio.run(run())
    assert "s3cret" not in shown
    assert "p4ssw0rd" not in shown


@pytest.mark.parametrize(
    ("value", "rejected", "current"),
    [(None, None, None), (None, "a", None), ("a", None, "a"), ("a", "a", None), ("b", "a", "b")],
)
def test_who_may_use_the_credential(value: str | None, rejected: str | None, current: str | None) -> None:
    assert Cell(value).current(rejected) == current
