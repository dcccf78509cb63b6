"""Fetched credentials: one renewal at a time, and for all."""

from __future__ import annotations

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter, lease
from airflow_provider_workflows.core.transport.driver import Cell
from airflow_provider_workflows.core.transport.driver import Driver as OperationDriver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter
from airflow_provider_workflows.exceptions import AuthenticationFailed, ServiceUnavailable
from tests.core.transport.drivers import Driver
from tests.core.transport.server import Peer, RawServer, Script, in_turn, response

LOGIN = Request(
    vendor="Vendor", operation="log in", method="GET", path="/login", repeatable=True, confidential=True
)


def fetch() -> Operation[str]:
    reply = yield LOGIN
    return str(reply.json["code"])


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


def test_five_thousand_coroutines_make_one_renewal() -> None:
    learned: list[str] = []

    async def learn(code: str) -> None:
        learned.append(code)

    async def run(endpoint: Endpoint) -> tuple[str, list[str], list[str]]:
        adapter, driver = (
            AiohttpAdapter(endpoint, learned=learn),
            OperationDriver(endpoint=endpoint, fetch=fetch),
        )

        async def ask(rejected: str | None = None) -> str:
            return await adapter.run(driver.drive(renew(rejected)))

        first = await ask()
        # While one of them fetches, all the others wait at the cell.
        renewed = await asyncio.gather(*(ask(first) for _ in range(5000)))
        late = await asyncio.gather(*(ask(code) for code in (first, None)))
        return first, renewed, late

    with RawServer((codes(delay=0.05),)) as server:
        first, renewed, late = asyncio.run(run(Endpoint(base_url=server.url)))
    assert (first, set(renewed), set(late)) == ("code-1", {"code-2"}, {"code-2"})
    assert len(renewed) == 5000
    assert len(server.requests) == 2
    assert learned == ["code-1", "code-2"]


def test_twenty_threads_make_one_renewal() -> None:
    learned: list[str] = []
    together = threading.Barrier(20)

    def work(rejected: str) -> str:
        together.wait(10)
        return adapter.run(driver.drive(renew(rejected)))

    with RawServer((codes(delay=0.05),)) as server:
        endpoint = Endpoint(base_url=server.url)
        driver = OperationDriver(endpoint=endpoint, fetch=fetch)
        adapter = RequestsAdapter(endpoint, learned=learned.append)
        first = adapter.run(driver.drive(renew()))
        with ThreadPoolExecutor(20) as pool:
            renewed = list(pool.map(work, [first] * 20))
        adapter.close()
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
    adapter = AiohttpAdapter(endpoint)
    driver = OperationDriver(endpoint=endpoint, fetch=lambda: refused_login(attempts))

    async def everyone() -> list[object]:
        waits = (adapter.run(driver.drive(renew())) for _ in range(200))
        return list(await asyncio.gather(*waits, return_exceptions=True))

    errors = asyncio.run(everyone())
    assert {(type(error), str(error)) for error in errors} == {
        (AuthenticationFailed, "wrong password [Vendor; 127.0.0.1:9]")
    }
    assert len(attempts) == 1


def test_threads_that_wait_for_one_login_share_its_refusal() -> None:
    attempts: list[None] = []
    endpoint = Endpoint(base_url="http://127.0.0.1:9", identity=("threads", "wrong"))
    adapter = RequestsAdapter(endpoint)
    driver = OperationDriver(endpoint=endpoint, fetch=lambda: refused_login(attempts))
    together = threading.Barrier(20)

    def wait() -> None:
        together.wait()
        with pytest.raises(AuthenticationFailed, match="wrong password"):
            adapter.run(driver.drive(renew()))

    with ThreadPoolExecutor(20) as pool:
        for done in [pool.submit(wait) for _ in range(20)]:
            done.result()
    # A thread that the machine lets begin only after the first refusal may try for itself.
    assert len(attempts) < 5


def test_a_later_wait_tries_the_login_again() -> None:
    attempts: list[None] = []
    endpoint = Endpoint(base_url="http://127.0.0.1:9", identity=("later", "wrong"))
    adapter = RequestsAdapter(endpoint)
    driver = OperationDriver(endpoint=endpoint, fetch=lambda: refused_login(attempts))
    for _ in range(2):
        with pytest.raises(AuthenticationFailed):
            adapter.run(driver.drive(renew()))
    assert len(attempts) == 2


def test_a_cancelled_renewal_leaves_the_cell_to_the_next() -> None:
    held = threading.Event()

    def hold(peer: Peer) -> None:
        peer.read()
        held.set()
        peer.hold()

    async def run(endpoint: Endpoint) -> str:
        adapter, driver = AiohttpAdapter(endpoint), OperationDriver(endpoint=endpoint, fetch=fetch)
        first = asyncio.create_task(adapter.run(driver.drive(renew())))
        await asyncio.to_thread(held.wait, 10)
        second = asyncio.create_task(adapter.run(driver.drive(renew())))
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


@pytest.mark.parametrize("lock", [threading.Lock(), asyncio.Lock()])
def test_no_cell_shows_its_credential(lock: Any) -> None:
    assert "s3cret" not in repr(Cell(lock, "s3cret"))


def test_no_session_shows_its_credential() -> None:
    async def run() -> str:
        endpoint = Endpoint(base_url="http://nowhere.invalid", identity=("user", "p4ssw0rd"))
        async with lease(endpoint) as shared:
            shared.cell.value = "s3cret"
            return repr(shared)

    shown = asyncio.run(run())
    assert "s3cret" not in shown
    assert "p4ssw0rd" not in shown
