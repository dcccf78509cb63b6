"""A connection is read by one for all who ask meanwhile, in a process and on an event loop."""

from __future__ import annotations

import asyncio
import gc
import logging
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from airflow.sdk import BaseHook

from airflow_provider_workflows.core.connection import cache
from airflow_provider_workflows.core.connection.cache import REREAD_AFTER
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer
from tests.core.harness import Clock
from tests.omflow.orders import until

MANY = 100


class Backend:
    """A secrets backend that answers when the test lets it."""

    def __init__(self) -> None:
        self.reads = 0
        self.failure: BaseException | None = None
        self.gate = threading.Event()
        self.gate.set()
        self._read = BaseHook.get_connection

    def get(self, conn_id: str) -> Any:
        self.reads += 1
        failure = self.failure
        assert self.gate.wait(60)
        if failure is not None:
            raise failure
        return self._read(conn_id)

    async def aget(self, conn_id: str) -> Any:
        return await asyncio.to_thread(self.get, conn_id)


@pytest.fixture
def backend(omflow: OMFlowServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Backend]:
    backend = Backend()
    monkeypatch.setattr(BaseHook, "get_connection", backend.get)
    monkeypatch.setattr(BaseHook, "aget_connection", backend.aget, raising=False)
    yield backend
    backend.gate.set()


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(cache, "time", clock)
    return clock


def login(api: Any) -> Operation[str]:
    """Ask for nothing but what the connection says."""
    yield from ()
    name: str = api.login
    return name


class Asked:
    """Many who ask for a connection's login at the same time, in threads or as coroutines of one loop."""

    def __init__(self, where: str) -> None:
        self._threads = where == "worker"
        self._pool = ThreadPoolExecutor(MANY + 1)
        self._loop = asyncio.new_event_loop()
        self._runs = threading.Thread(target=self._loop.run_forever)
        self._runs.start()

    def ask(self, many: int = 1) -> list[Future[str]]:
        """Let them ask, and return when each has its answer or waits for it."""
        if self._threads:
            asking = [self._pool.submit(OMFlowHook().run, login) for _ in range(many)]
            until(lambda: _waiting_threads() >= sum(not one.done() for one in asking), seconds=60)
            return asking
        asking = [asyncio.run_coroutine_threadsafe(OMFlowHook().arun(login), self._loop) for _ in range(many)]
        for _ in range(5):  # each turn of the loop takes them to where they must wait
            asyncio.run_coroutine_threadsafe(asyncio.sleep(0), self._loop).result(60)
        return asking

    def ask_one(self) -> str:
        return self.ask()[0].result(60)

    def expire(self) -> None:
        """Have a login refused."""

        async def of_loop() -> cache.AnySide:
            return cache.of_loop()[OMFlowHook, "omflow_default"]

        if self._threads:
            cached = cache.of_process[OMFlowHook, "omflow_default"]
        else:
            cached = asyncio.run_coroutine_threadsafe(of_loop(), self._loop).result(60)
        assert cached.known is not None
        cached.expire(cached.known)

    def end(self) -> None:
        self._pool.shutdown()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._runs.join()
        self._loop.close()


def _waiting_threads() -> int:
    """Return how many threads wait for a read, or read."""
    return sum(_waits(frame) for frame in sys._current_frames().values())


def _waits(frame: Any) -> bool:
    names = []
    while frame is not None:
        names.append(frame.f_code.co_name)
        frame = frame.f_back
    return names[0] == "wait" and "read_once" in names


@pytest.fixture(params=["worker", "triggerer"])
def asked(request: pytest.FixtureRequest, backend: Backend) -> Iterator[Asked]:
    asked = Asked(request.param)
    yield asked
    backend.gate.set()
    asked.end()


def outcomes(asking: list[Future[str]]) -> set[Any]:
    return {type(one.exception(60)) if one.exception(60) else one.result() for one in asking}


def test_the_first_read_is_one_for_all(asked: Asked, backend: Backend) -> None:
    backend.gate.clear()
    asking = asked.ask(MANY)
    assert not [one for one in asking if one.done()]
    backend.gate.set()
    assert outcomes(asking) == {"airflow"}
    assert backend.reads == 1


def test_a_first_read_that_fails_is_one_for_all_who_waited(asked: Asked, backend: Backend) -> None:
    backend.gate.clear()
    backend.failure = ConnectionError("the backend is away")
    asking = asked.ask(MANY)
    backend.gate.set()
    assert outcomes(asking) == {ConnectionError}
    assert backend.reads == 1
    backend.failure = None
    assert asked.ask_one() == "airflow"
    assert backend.reads == 2


def test_the_stale_one_serves_while_it_is_read_again(
    asked: Asked, backend: Backend, omflow: OMFlowServer, clock: Clock
) -> None:
    assert asked.ask_one() == "airflow"
    omflow.connect(login="viewer", password="viewer", forget=False)
    clock.sleep(REREAD_AFTER + 1)
    backend.gate.clear()
    (reader,) = asked.ask()
    asking = asked.ask(MANY)
    assert outcomes(asking) == {"airflow"}
    assert not reader.done()
    backend.gate.set()
    assert reader.result(60) == "viewer"
    assert asked.ask_one() == "viewer"
    assert backend.reads == 2


def test_a_read_again_that_fails_warns_once(
    asked: Asked, backend: Backend, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    assert asked.ask_one() == "airflow"
    clock.sleep(REREAD_AFTER + 1)
    backend.gate.clear()
    backend.failure = ConnectionError("the backend is away")
    asking = [*asked.ask(), *asked.ask(MANY)]
    backend.gate.set()
    assert outcomes([*asking, *asked.ask(MANY)]) == {"airflow"}
    assert backend.reads == 2
    warnings = [one for one in caplog.records if one.levelno == logging.WARNING]
    assert ["cannot be read again (ConnectionError)" in one.getMessage() for one in warnings] == [True]


def test_after_a_refused_login_nobody_is_served_the_stale_one(
    asked: Asked, backend: Backend, omflow: OMFlowServer
) -> None:
    assert asked.ask_one() == "airflow"
    omflow.connect(login="viewer", password="viewer", forget=False)
    asked.expire()
    backend.gate.clear()
    asking = asked.ask(MANY)
    assert not [one for one in asking if one.done()]
    backend.gate.set()
    assert outcomes(asking) == {"viewer"}
    assert backend.reads == 2


def test_a_reader_that_is_cancelled_fails_no_other(backend: Backend) -> None:
    async def life() -> tuple[list[Any], int]:
        backend.gate.clear()
        tasks = [asyncio.create_task(OMFlowHook().arun(login)) for _ in range(10)]
        for _ in range(5):
            await asyncio.sleep(0)
        for task in tasks[:3]:
            task.cancel()
        await asyncio.sleep(0)
        backend.gate.set()
        return await asyncio.gather(*tasks, return_exceptions=True), backend.reads

    results, reads = asyncio.run(life())
    assert [type(one) for one in results[:3]] == [asyncio.CancelledError] * 3
    assert results[3:] == ["airflow"] * 7
    assert reads == 1


class Ended(BaseException):
    """As Airflow's timeout of a task ends the thread that runs it."""


def test_a_thread_that_is_ended_while_it_reads_fails_no_other(backend: Backend) -> None:
    asked = Asked("worker")
    try:
        backend.gate.clear()
        backend.failure = Ended()
        (reader,) = asked.ask()
        backend.failure = None
        asking = asked.ask(10)
        backend.gate.set()
        assert isinstance(reader.exception(60), Ended)
        assert outcomes(asking) == {"airflow"}
        assert backend.reads == 2
    finally:
        asked.end()


def test_all_who_asked_may_be_gone_when_a_read_fails(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    """Asyncio complains of an exception that nobody has asked for."""
    backend.failure = ConnectionError("the backend is away")
    complaints: list[Any] = []

    async def life() -> None:
        asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
        backend.gate.clear()
        task = asyncio.create_task(OMFlowHook().arun(login))
        for _ in range(5):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        backend.gate.set()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()})
        gc.collect()

    asyncio.run(life())
    assert complaints == []
    assert backend.reads == 1
