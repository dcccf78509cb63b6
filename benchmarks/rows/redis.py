"""The same as :mod:`benchmarks.rows.limits` for two machines, which share the account through a Redis."""

from __future__ import annotations

import shutil

from benchmarks.bench import Bench
from benchmarks.peers.callers import callers, watch
from benchmarks.report import RESULTS, Row
from benchmarks.rows.limits import PROCESSES, RATE, SECONDS, used_rows
from dev.redis_server import redis_server

COUNTING = "sliding_second"


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
