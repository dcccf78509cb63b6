"""
Looks at one execution again and again, in several ways in turns, and measures the processor time of each.

usage: python -m benchmarks.peers.looks JSON

All ways run in one process and on one event loop, as triggers do, so that they meet the same machine.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

from airflow_provider_workflows.core import metrics
from benchmarks.peers.client import run_module
from benchmarks.peers.work import KIBAN_KEY

EXECUTION = "64b5f0c2a1d3e4f5a6b7e001"
PATH = f"/api/v1/workfloo/status/{EXECUTION}"
HEADERS = {"Accept": "application/json", "x-api-key": KIBAN_KEY}
CONNECTIONS: Mapping[str, Mapping[str, Any]] = {
    "kiban": {"conn_type": "kiban", "password": KIBAN_KEY, "extra": {"proxies": {}}},
    "http": {"conn_type": "http"},
}

#: Looks once, for one of several waits.
Look: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Looks:
    """
    What to measure.

    :param url: of the bare server
    :param waits: how many there are of each way. They look one after the other: in a triggerer with time to
        spare, an answer seldom finds another one waiting
    :param looks: of each wait, in one turn
    :param turns: of each way; their median counts
    """

    url: str
    waits: int
    looks: int
    turns: int


def measure(looks: Looks, certificate: Path | None) -> dict[str, float]:
    """
    Return the microseconds of processor time that a look takes, for each of :data:`WAYS`.

    :param certificate: of the server
    :raises ClientFailed: a look failed
    """
    # OpenSSL reads the latter, and ours the first; no way needs a setting of its own.
    found = run_module(
        "benchmarks.peers.looks",
        json.dumps(asdict(looks)),
        REQUESTS_CA_BUNDLE=str(certificate),
        SSL_CERT_FILE=str(certificate),
    )
    return dict(found)


async def by_condition(url: str, waits: int, stack: AsyncExitStack) -> Iterator[Look]:
    """Return looks at our condition, as our trigger makes them; each wait has its own hook and state."""
    from airflow_provider_workflows.core.waiting.schedule import Wait, WaitState, alook, judge, patience
    from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
    from airflow_provider_workflows.kiban.hooks import KibanHook

    logger = logging.getLogger("task")

    def wait() -> Look:
        condition, hook = ExecutionSucceeded(execution_id=EXECUTION), KibanHook("kiban")
        state = WaitState.begin(now=time.time(), timeout=3600.0, cap=60.0, tolerance=600.0)

        async def look() -> None:
            nonlocal state
            outcome = await alook(hook, condition, seconds=patience(state, now=time.time()))
            verdict = judge(state, outcome, condition, now=time.time(), vendor=hook.conn_type, logger=logger)
            if not isinstance(verdict, Wait) or not verdict.state.known:
                raise RuntimeError(f"no answer: {outcome}")
            state = verdict.state

        return look

    return (wait() for _ in range(waits))


async def by_aiohttp(url: str, waits: int, stack: AsyncExitStack) -> Iterator[Look]:
    """Return looks as one writes them by hand: all on one session."""
    import aiohttp

    session = await stack.enter_async_context(aiohttp.ClientSession(headers=HEADERS))

    async def look() -> None:
        async with session.get(f"{url}{PATH}") as reply:
            reply.raise_for_status()
            assert (await reply.json())["status"] == "PROGRESS"

    return (look for _ in range(waits))


async def by_http_provider(url: str, waits: int, stack: AsyncExitStack) -> Iterator[Look]:
    """Return looks by the hook of Airflow's http provider, as its ``HttpSensorTrigger`` makes them."""
    import aiohttp
    from airflow.providers.http.hooks.http import HttpAsyncHook

    def wait() -> Look:
        hook = HttpAsyncHook(method="GET", http_conn_id="http")

        async def look() -> None:
            async with aiohttp.ClientSession() as session:
                reply = await hook.run(session=session, endpoint=PATH, headers=HEADERS)
                assert (await reply.json())["status"] == "PROGRESS"

        return look

    return (wait() for _ in range(waits))


WAYS: Mapping[str, Callable[[str, int, AsyncExitStack], Awaitable[Iterator[Look]]]] = {
    "ours": by_condition,
    "raw": by_aiohttp,
    "http": by_http_provider,
}


async def _measured(looks: Looks) -> dict[str, float]:
    found: dict[str, list[float]] = {name: [] for name in WAYS}
    async with AsyncExitStack() as stack:
        ways = {name: list(await way(looks.url, looks.waits, stack)) for name, way in WAYS.items()}
        for way in ways.values():  # connections are made, modules loaded
            await _turn(way, 2)
        for _ in range(looks.turns):
            for name, way in ways.items():
                found[name].append(await _turn(way, looks.looks))
    return {name: statistics.median(several) for name, several in found.items()}


async def _turn(way: list[Look], rounds: int) -> float:
    """Let the waits look one after the other, and return the microseconds of processor time of one look."""
    began = time.process_time()
    for _ in range(rounds):
        for look in way:
            await look()
    metrics.drain()  # ours are sent by a thread a moment later
    return (time.process_time() - began) / (rounds * len(way)) * 1e6


def main() -> None:
    looks = Looks(**json.loads(sys.argv[1]))
    for name, connection in CONNECTIONS.items():
        os.environ[f"AIRFLOW_CONN_{name.upper()}"] = json.dumps({**connection, "host": looks.url})
    print(json.dumps(asyncio.run(_measured(looks))), flush=True)


if __name__ == "__main__":
    main()
