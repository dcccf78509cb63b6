"""Requests of many waits on one account, asked together and one by one."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from benchmarks.bench import Bench
from benchmarks.peers.client import HOME
from benchmarks.report import Row
from dev.layout import ROOT, confined

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
    run = subprocess.run(
        [
            sys.executable,
            "-W",
            "ignore",
            "-m",
            "benchmarks.peers.waits",
            vendor,
            bench.sandbox.url,
            str(WAITS),
        ],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={
            **confined(),
            "AIRFLOW_HOME": str(HOME),
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "ERROR",
            "AIRFLOW__WORKFLOWS__ASK_TOGETHER": str(together),
        },
    )
    if run.returncode:
        raise RuntimeError("\n".join(run.stderr.splitlines()[-25:]))
    found: dict[str, Any] = json.loads(run.stdout.splitlines()[-1])
    return found
