"""
Holds many waits in one event loop, as the triggerer does, and says what that takes.

usage: python -m benchmarks.peers.waiter JSON

It is a process of its own, which ends without taking leave of the waits.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from benchmarks.peers.client import HOME, ClientFailed
from benchmarks.peers.pending import VENDORS
from dev.layout import ROOT, confined

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

#: Seconds between two looks of a wait, also those over which the waits begin.
INTERVAL = 10.0
#: Seconds from the last wait's beginning until measuring begins, and for which it lasts.
CALM, SECONDS = 6.0, 20.0
#: Seconds between two questions to the loop whether it is late.
TICK = 0.01
#: A wait of an hour's age looks at its longest interval.
AGE = 3600.0
#: Seconds after which nobody measures any more.
TIMEOUT = 120.0


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """
    Waits to be held.

    :param kind: our triggers, or the http provider's
    :param together: whether ours may be asked together
    :param url: of the bare server
    """

    kind: Literal["ours", "http"]
    count: int
    url: str
    together: bool = False


@dataclass(frozen=True, kw_only=True)
class Cost:
    """
    What the waits took.

    :param cpu: part of a core
    :param lag: seconds that the loop was late, at most, in 99 of 100 moments
    :param memory: bytes a wait
    :param files: the most open files, beyond those before the first wait
    :param over: waits that ended or failed, of which there should be none
    :param stalled: part of the time in which the process could have run, but others had the processors: the
        lag is then not its own alone
    :param seconds: for which was measured
    """

    cpu: float
    lag: float
    memory: float
    files: int
    over: int
    stalled: float
    seconds: float


def hold(waiting: Waiting, begin: Callable[[], None], end: Callable[[], None]) -> Cost:
    """
    Hold waits in a process of their own, and return what they took.

    :param begin: called when measuring begins
    :param end: called when it ends
    :raises ClientFailed: the process failed
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", "-m", "benchmarks.peers.waiter", json.dumps(asdict(waiting))],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={
            **confined(),
            "AIRFLOW_HOME": str(HOME),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__WORKFLOWS__ASK_TOGETHER": str(waiting.together),
        },
    )
    assert process.stdout is not None
    try:
        told = ""
        for told in process.stdout:
            if told.strip() == "begin":
                begin()
            elif told.strip() == "end":
                end()
        _, said = process.communicate(timeout=TIMEOUT)
        if process.returncode:
            raise ClientFailed(f"{waiting.count} waits failed:\n" + "\n".join(said.splitlines()[-25:]))
        return Cost(**json.loads(told))
    finally:
        process.kill()


def _triggers(waiting: Waiting) -> list[BaseTrigger]:
    """Return the waits, with their connections known; they begin one after the other."""
    draw, now = random.Random(waiting.count), time.time()
    begins = [now + INTERVAL * draw.random() for _ in range(waiting.count)]
    url = f"{waiting.url}/waits-{waiting.count}"
    return _https(url, waiting.count) if waiting.kind == "http" else _ours(url, begins)


def _https(url: str, count: int) -> list[BaseTrigger]:
    from airflow.providers.http.triggers.http import HttpSensorTrigger

    connection = {"conn_type": "http", "host": url, "extra": {"Authorization": "bench"}}
    os.environ["AIRFLOW_CONN_BENCH_HTTP"] = json.dumps(connection)
    return [
        HttpSensorTrigger(endpoint=f"runs/{number}", http_conn_id="bench_http", poke_interval=INTERVAL)
        for number in range(count)
    ]


def _ours(url: str, begins: list[float]) -> list[BaseTrigger]:
    from airflow_provider_workflows.core.waiting.condition import Condition
    from airflow_provider_workflows.core.waiting.schedule import WaitState
    from airflow_provider_workflows.core.waiting.trigger import WaitTrigger
    from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
    from airflow_provider_workflows.mybpm.conditions import FieldReached
    from airflow_provider_workflows.omflow.conditions import OrderClosed
    from dev.vendors import connections

    for conn_id, fields in connections(url).items():
        os.environ[f"AIRFLOW_CONN_{conn_id.upper()}"] = json.dumps(fields)
    kinds: tuple[tuple[str, Callable[[int], Condition]], ...] = (
        ("omflow_default", lambda number: OrderClosed(api_path="waited", data_no=number + 1)),
        ("kiban_default", lambda number: ExecutionSucceeded(execution_id=f"{number:024x}")),
        (
            "mybpm_default",
            lambda number: FieldReached(
                bo_code="CUSTOMER", boi_id=f"{number:016d}", field="NAME", values=["done"]
            ),
        ),
    )
    made: list[BaseTrigger] = []
    for number, begin in enumerate(begins):
        conn_id, condition = kinds[number % VENDORS]
        state = WaitState.begin(now=begin - AGE, timeout=1e6, cap=INTERVAL, tolerance=600)
        state = replace(state, known=True, next_look=begin, heard=begin)
        made.append(
            WaitTrigger(
                conn_id=conn_id,
                condition=condition(number // VENDORS).to_json(),
                state=state.to_json(),
                not_before=0.0,
            )
        )
    return made


async def _measure(waiting: Waiting) -> Cost:
    over: list[object] = []

    async def wait(trigger: BaseTrigger, pause: float) -> None:
        await asyncio.sleep(pause)
        async for event in trigger.run():
            over.append(event)
            return

    # The first wait loads what all need; only the others are counted.
    (first,) = _triggers(replace(waiting, count=1))
    tasks = [asyncio.create_task(wait(first, 0.0))]
    await asyncio.sleep(INTERVAL / 2)
    files, memory = _files(), _memory()
    draw = random.Random(waiting.count)
    for trigger in _triggers(waiting):
        # Ours know themselves when to begin.
        pause = INTERVAL * draw.random() if waiting.kind == "http" else 0.0
        tasks.append(asyncio.create_task(wait(trigger, pause)))
    await asyncio.sleep(INTERVAL + CALM)
    lags: list[float] = []
    print("begin", flush=True)
    began, cpu, most = time.monotonic(), _cpu(), _files()
    counted, stalled = began, _stalled()
    while (now := time.monotonic()) < began + SECONDS:
        await asyncio.sleep(TICK)
        lags.append(time.monotonic() - now - TICK)
        if now >= counted + 1:
            counted, most = now, max(most, _files())
    seconds, used = time.monotonic() - began, _cpu() - cpu
    print("end", flush=True)
    ended = len(over) + sum(task.done() for task in tasks)
    return Cost(
        cpu=used / seconds,
        lag=sorted(lags)[int(0.99 * len(lags))],
        memory=(_memory() - memory) / waiting.count,
        files=most - files,
        over=ended,
        stalled=(_stalled() - stalled) / seconds,
        seconds=seconds,
    )


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _stalled() -> float:
    """Seconds for which the process has waited for a processor, by Linux's /proc."""
    return int(Path("/proc/self/schedstat").read_text().split()[1]) / 1e9


def _memory() -> int:
    """Bytes of the process now, by Linux's /proc."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def _files() -> int:
    return len(os.listdir("/proc/self/fd"))


def main() -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    asyncio.run(_tell(Waiting(**json.loads(sys.argv[1]))))


async def _tell(waiting: Waiting) -> None:
    print(json.dumps(asdict(await _measure(waiting))), flush=True)
    # Cancelling thousands of waits takes long, and is not what is measured.
    os._exit(0)


if __name__ == "__main__":
    main()
