"""The same as :mod:`benchmarks.rows.limits` for two machines, which share the account through a Redis."""

from __future__ import annotations

import shutil
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.peers.callers import callers, watch
from benchmarks.report import RESULTS, Row
from benchmarks.rows.limits import PROCESSES, RATE, SECONDS, used_rows
from dev.layout import confined
from dev.ports import LOOPBACK, HeldPort
from dev.process import KeptProcess

COUNTING = "sliding_second"
START_SECONDS = 30.0


class RedisServer:
    """
    A Redis that keeps nothing when it ends.

    :param folder: for its log
    """

    def __init__(self, program: str, port: int, folder: Path) -> None:
        self._command = [program, "--port", str(port), "--bind", LOOPBACK, "--save", "", "--appendonly", "no"]
        self._port = port
        self._folder = folder
        self._start()

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self._port}/0"

    def restart(self) -> None:
        """Kill it, and start it with nothing in it."""
        self.stop()
        self._start()

    def stop(self) -> None:
        self._process.kill()

    def _start(self) -> None:
        self._process = KeptProcess(self._command, log=self._folder / "redis.log", environment=confined())
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection((LOOPBACK, self._port), timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.exit_code is not None:
                    raise
            time.sleep(0.02)


@contextmanager
def redis_server(program: str, folder: Path) -> Iterator[RedisServer]:
    """Run a Redis."""
    with HeldPort() as port:
        server = RedisServer(program, port.number, folder)
        try:
            yield server
        finally:
            server.stop()


def redis(bench: Bench) -> list[Row]:
    """Let processes of two machines call an account, while their Redis is killed and started again."""
    program = shutil.which("redis-server")
    if program is None:
        bench.say("left out: there is no redis-server on the PATH")
        return []
    folders = [RESULTS / "limits-a", RESULTS / "limits-b"]
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    control = bench.control
    with (
        redis_server(program, RESULTS) as server,
        callers(f"{bench.sandbox.url}/mybpm", RESULTS / "callers-redis.log") as all_callers,
    ):
        control.set_plan("mybpm", RATE, COUNTING)
        for folder in folders:
            extra = {"requests_per_second": RATE, "limits_url": server.url}
            all_callers.add(PROCESSES // 2, folder, extra)
        all_callers.wait_calling()
        bench.say(f"two machines, {SECONDS:.0f} s, Redis restarts in between")
        used = watch(control, SECONDS, server.restart)
        failed = sum(one["failed"] for one in all_callers.stop())
    who = f"{PROCESSES // 2} processes on each of two machines; their Redis is killed and started again"
    return [
        *used_rows(used, COUNTING, who),
        Row(what="calls that failed in the run above", value=failed, unit="", most=0),
    ]
