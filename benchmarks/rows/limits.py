"""How much of a plan's rate several processes use of one account, and how much the vendor refuses them."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.peers.callers import Used, callers, watch
from benchmarks.report import RESULTS, Row

RATE, PROCESSES, SECONDS = 5, 8, 60.0
TOLERANT = ("token_bucket", "fixed_second", "sliding_second")
STRICT = "minimum_distance"
#: Locks every account's file, says so, and stays.
LOCKER = """
import fcntl, os, sys, time
files = [os.open(os.path.join(sys.argv[1], name), os.O_RDWR) for name in os.listdir(sys.argv[1])]
for file in files:
    fcntl.flock(file, fcntl.LOCK_EX)
print(len(files), flush=True)
time.sleep(0.5)
os.kill(os.getpid(), 9)
"""


def limits(bench: Bench) -> list[Row]:
    """Let processes of one machine call an account, by each way of counting; then kill one with the lock."""
    folder, control, rows = RESULTS / "limits", bench.control, []
    shutil.rmtree(folder, ignore_errors=True)
    with callers(f"{bench.sandbox.url}/mybpm", RESULTS / "callers.log") as all_callers:
        control.set_plan("mybpm", RATE, TOLERANT[0])
        all_callers.add(PROCESSES, folder, {"requests_per_second": RATE})
        all_callers.wait_calling()
        for counting in (*TOLERANT, STRICT):
            bench.say(f"{counting.replace('_', ' ')}, {SECONDS:.0f} s")
            control.set_plan("mybpm", RATE, counting)
            rows += used_rows(watch(control, SECONDS), counting, f"{PROCESSES} processes")
        bench.say("a process dies while it holds the lock")
        control.set_plan("mybpm", RATE, TOLERANT[0])
        used = watch(control, SECONDS, lambda: _die_with_lock(folder))
        rows += used_rows(used, TOLERANT[0], f"{PROCESSES} processes; one more dies holding the lock")
        told = all_callers.stop()
    calls = [one["calls"] for one in told]
    return [
        *rows,
        Row(
            what="calls that failed in the runs above",
            value=sum(one["failed"] for one in told),
            unit="",
            most=0,
        ),
        Row(
            what="calls of the process that was let least in the runs above",
            value=min(calls),
            unit="calls",
            peer="the one that was let most",
            peer_value=max(calls),
        ),
    ]


def used_rows(used: Used, counting: str, who: str) -> list[Row]:
    """Return the rows of one run."""
    how = f"{RATE} requests/s counted by {counting.replace('_', ' ')}, {who}, {used.seconds:.0f} s"
    is_strict = counting == STRICT
    return [
        Row(what=f"used of {how}", value=used.share(RATE), unit="%", least=None if is_strict else 95),
        Row(what=f"refused of {how}", value=used.refused_share, unit="%", most=1 if is_strict else 0),
    ]


def _die_with_lock(folder: Path) -> None:
    died = subprocess.run(
        [sys.executable, "-c", LOCKER, str(folder)], capture_output=True, text=True, check=False
    )
    if died.returncode != -signal.SIGKILL or not int(died.stdout):
        raise RuntimeError(f"no lock was held: {died.stdout} {died.stderr}")
