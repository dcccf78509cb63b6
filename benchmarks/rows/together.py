"""Requests of many waits on one account, asked together and one by one."""

from __future__ import annotations

from typing import Any

from benchmarks.bench import Bench
from benchmarks.peers.client import run_module
from benchmarks.report import Row

WAITS = 1_000
#: What is waited for, by the sandbox's name of the vendor.
SUBJECTS = {
    "omflow-1.2": "orders of one OMFlow process",
    "kiban": "executions of one Kiban space",
    "mybpm": "instances of one MyBPM object",
}


def together(bench: Bench) -> list[Row]:
    """Wait for the records of each vendor, in one event loop and in real time, first together."""
    rows = []
    for vendor, what in SUBJECTS.items():
        ours, alone = (_measured(bench, vendor, together=together) for together in (True, False))
        how = f"{WAITS:,} waits of a minute for {what}"
        rows += [
            Row(
                what=f"requests of {how}",
                value=ours["requests"],
                unit="requests",
                peer="one by one",
                peer_value=alone["requests"],
                most=1 / 20,
            ),
            Row(
                what=f"results of {how} that a single look contradicts", value=ours["others"], unit="", most=0
            ),
            Row(
                what=f"from the end to the event, {how}",
                value=ours["late"],
                unit="s",
                peer="one by one",
                peer_value=alone["late"],
            ),
        ]
    return rows


def _measured(bench: Bench, vendor: str, *, together: bool) -> dict[str, Any]:
    bench.say(f"{SUBJECTS[vendor]}, {'together' if together else 'one by one'}")
    found: dict[str, Any] = run_module(
        "benchmarks.peers.waits",
        vendor,
        bench.sandbox.url,
        str(WAITS),
        AIRFLOW__LOGGING__LOGGING_LEVEL="ERROR",
        AIRFLOW__WORKFLOWS__ASK_TOGETHER=str(together),
    )
    return found
