"""
However a server misbehaves: each call ends in time, typed, as it must, and alike in both adapters.

The short form is a sample with a fixed seed. ``make hostile`` runs the long form.
"""

from __future__ import annotations

import asyncio
import gc
import hashlib
import time
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Driver as OperationDriver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter
from airflow_provider_workflows.exceptions import OutcomeUnknown, WorkflowError
from tests.core.transport.conftest import drive as drive
from tests.core.transport.drivers import Driver, send
from tests.core.transport.server import Peer, RawServer, Script
from tests.hostile.answers import DIMENSIONS, LARGEST, Case, allowed, cases, play, prepare

READ = Request(vendor="Vendor", operation="ask", method="GET", path="/", repeatable=True)
ONCE = Request(vendor="Vendor", operation="start", method="POST", path="/", repeatable=False, json={"a": 1})
#: Calls at a time: most of them wait.
AT_ONCE = 64
#: Seconds beyond the total deadline that a busy machine may take.
MARGIN = 20.0

#: What differs between the adapters and must stay so: from which cases on, and why.
DIFFERENCES: dict[str, tuple[Callable[[Case], bool], str]] = {
    "more than announced": (
        lambda case: case.framing == "length short" or case.status == "204",
        "aiohttp takes what follows an answer at once for the next one, and refuses both; http.client leaves "
        "it unread. Either way nothing counts as done that is not",
    ),
    "a matter of time": (
        lambda case: case.delivery in ("dripping", "reset"),
        "what has come when the time is over, or when a reset overtakes it, differs from call to call",
    ),
}


@dataclass(frozen=True)
class End:
    """What came of one call."""

    kind: str
    status: int | None
    body: str | None = None


@dataclass(frozen=True)
class Run:
    end: End
    seconds: float


def endpoint_of(case: Case, number: int, url: str) -> tuple[Endpoint, float]:
    """Return the endpoint of a case, a connection of its own, and the total deadline in seconds."""
    timeout, connecting = (0.3, 2.0) if case.slow else (10.0, 5.0)
    endpoint = Endpoint(
        base_url=f"{url}/{number}",
        conn_id=f"case{number}",
        timeout=timeout,
        connect_timeout=connecting,
        largest_answer=LARGEST,
    )
    return endpoint, connecting + 4 * timeout


def ended(outcome: object) -> End:
    match outcome:
        case Reply():
            return End("Reply", outcome.status, hashlib.sha256(outcome.body).hexdigest())
        case WorkflowError():
            return End(type(outcome).__name__, outcome.status)
    return End(f"raw {outcome!r}", None)


def in_worker(driver: OperationDriver, request: Request) -> Run:
    adapter, began = RequestsAdapter(driver.endpoint), time.monotonic()
    outcome: object
    try:
        outcome = adapter.run(driver.drive(send(request)))
    except Exception as error:
        outcome = error
    finally:
        adapter.close()
    return Run(ended(outcome), time.monotonic() - began)


async def in_triggerer(driver: OperationDriver, request: Request, room: asyncio.Semaphore) -> Run:
    async with room:
        began = time.monotonic()
        outcome: object
        try:
            outcome = await AiohttpAdapter(driver.endpoint).run(driver.drive(send(request)))
        except Exception as error:
            outcome = error
        return Run(ended(outcome), time.monotonic() - began)


def run_all(tried: Sequence[Case]) -> Iterator[tuple[Case, float, Run, Run]]:
    """Make each call with both adapters, and yield cases, total deadlines, and what came of them."""
    prepare()
    # One after the other, so that who only waits is not held up by who computes.
    for slow in (False, True):
        yield from _run_together([case for case in tried if case.slow is slow])


def _run_together(tried: Sequence[Case]) -> list[tuple[Case, float, Run, Run]]:
    def script(peer: Peer) -> None:
        play(tried[int(peer.read().target.strip("/"))], peer)

    with RawServer((script,)) as server:
        roads = [endpoint_of(case, number, server.url) for number, case in enumerate(tried)]
        calls = [
            (OperationDriver(endpoint=road, retry=Retry(attempts=1)), READ if case.repeatable else ONCE)
            for case, (road, _) in zip(tried, roads, strict=True)
        ]

        async def on_a_loop() -> list[Run]:
            room = asyncio.Semaphore(AT_ONCE)
            return await asyncio.gather(*(in_triggerer(*call, room) for call in calls))

        with ThreadPoolExecutor(AT_ONCE) as pool:
            pending = pool.map(lambda call: in_worker(*call), calls)
            triggerers = asyncio.run(on_a_loop())
            workers = list(pending)
    totals = [total for _, total in roads]
    return list(zip(tried, totals, workers, triggerers, strict=True))


def faults(tried: Sequence[Case]) -> list[str]:
    """Return what is not as it must be."""
    found = []
    for case, total, worker, triggerer in run_all(tried):
        for name, run in (("worker", worker), ("triggerer", triggerer)):
            if run.end.kind not in allowed(case):
                found.append(f"{case}: {name} ends in {run.end}, not in {sorted(allowed(case))}")
            if run.seconds > total + MARGIN:
                found.append(f"{case}: {name} takes {run.seconds:.1f} s, not {total:g}")
        differs = any(applies(case) for applies, _ in DIFFERENCES.values())
        if worker.end != triggerer.end and not differs:
            found.append(f"{case}: {worker.end} and {triggerer.end}")
    return found


SHORT = cases(220, seed=14)


def test_the_short_form_has_every_value() -> None:
    for dimension, values in DIMENSIONS.items():
        assert {getattr(case, dimension) for case in SHORT} == set(values)


def test_short_form() -> None:
    assert faults(SHORT) == []


#: Bytes that one call may take at a time: the body twice, and what it is made of.
MOST_MEMORY = 6 * 16_000_000


def flood(peer: Peer) -> None:
    peer.read()
    while True:
        peer.send(b"HTTP/1.1 100 Continue\r\n\r\n" * 2_000)


def playing(**facts: Any) -> Script:
    case = Case(**facts)

    def script(peer: Peer) -> None:
        peer.read()
        play(case, peer)

    return script


LARGE: dict[str, Script] = {
    "rows": playing(body="rows", framing="chunked"),
    "rows that end with the connection": playing(body="rows", framing="close"),
    "rows in gzip": playing(body="rows", encoding="gzip"),
    "a gzip bomb": playing(encoding="bomb"),
    "blanks without end in deflate": playing(body="endless", encoding="deflate", framing="chunked"),
    "empty members without end": playing(encoding="empty members", framing="chunked"),
    "interim answers without end": flood,
}


@pytest.mark.parametrize("name", LARGE)
def test_memory_is_bounded(drive: Driver, name: str) -> None:
    prepare()
    with RawServer((LARGE[name],)) as server:
        # What is large is ended for its size, before its time is over.
        patience = 0.2 if name.startswith("interim") else 30.0
        road = Endpoint(base_url=server.url, timeout=patience, connect_timeout=1)
        gc.collect()
        tracemalloc.start()
        try:
            with pytest.raises(OutcomeUnknown):
                drive(road, send(ONCE), retry=Retry(attempts=1))
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.hostile
@pytest.mark.parametrize("part", range(8))
def test_long_form(part: int) -> None:
    assert faults(cases(500, seed=1000 + part)) == []
