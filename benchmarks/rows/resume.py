"""What becomes of records when the task is killed at half, on a real Airflow."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from benchmarks.bench import RECORDS, Bench, DagRun, read_lines
from benchmarks.report import Row

TASK = "many"


@dataclass(frozen=True, kw_only=True)
class Vendor:
    """
    A vendor whose records are counted.

    :param effect: the sandbox's name of what happens once a record
    :param endpoint: the sandbox's name of the request that does it
    """

    title: str
    dag_id: str
    mount: str
    effect: str
    endpoint: str


VENDORS = (
    Vendor(
        title="MyBPM upserts",
        dag_id="bench_resume_upserts",
        mount="mybpm",
        effect="created",
        endpoint="upsert",
    ),
    Vendor(
        title="OMFlow orders",
        dag_id="bench_resume_orders",
        mount="omflow-1.2",
        effect="opened",
        endpoint="open",
    ),
)


def resume(bench: Bench) -> list[Row]:
    """Kill the task of each vendor at half, and count at the sandbox."""
    return [row for vendor in VENDORS for row in _killed(bench, vendor)]


def _killed(bench: Bench, vendor: Vendor) -> list[Row]:
    bench.airflow.wait_for_dag(vendor.dag_id)
    bench.say(f"{vendor.title}, undisturbed")
    _fresh(bench, vendor)
    whole = bench.run_dag(vendor.dag_id).seconds
    bench.say(f"{vendor.title}, killed at half")
    _fresh(bench, vendor)
    run_id = bench.start_dag(vendor.dag_id)
    folder = f"{bench.results('airflow')}/{vendor.dag_id}/{run_id}"
    _kill_at_half(bench, vendor, run_id)
    done = {line["key"] for line in read_lines(folder) if line["outcome"] == "done"}
    bench.airflow.wait_for_run(vendor.dag_id, run_id, timeout=600)
    took = DagRun(bench.airflow, vendor.dag_id, run_id).seconds
    return _rows(bench, vendor, done, took - whole)


def _fresh(bench: Bench, vendor: Vendor) -> None:
    bench.control.reset()
    bench.control.watch(vendor.mount, r"bench-\d{7}")


def _kill_at_half(bench: Bench, vendor: Vendor, run_id: str) -> None:
    deadline = time.monotonic() + 300
    while bench.control.effects(vendor.mount)[vendor.effect] < RECORDS / 2:
        if time.monotonic() > deadline:
            raise RuntimeError(f"the task of {vendor.dag_id} does not get to half")
        time.sleep(0.05)
    task = next(one for one in bench.airflow.task_instances(vendor.dag_id, run_id) if one.task_id == TASK)
    bench.airflow.kill_task(task, with_supervisor=False)


def _rows(bench: Bench, vendor: Vendor, done: set[str], lost: float) -> list[Row]:
    sent = [one for one in bench.control.sent(vendor.mount) if one["endpoint"] == vendor.endpoint]
    times = Counter(one["tag"] for one in sent)
    again = {tag for tag, count in times.items() if count > 1}
    effects = bench.control.effects(vendor.mount)[vendor.effect]
    where = f"{RECORDS:,} {vendor.title}, the task killed (SIGKILL) at half"
    return [
        Row(what=f"effects beyond one a record: {where}", value=effects - len(times), unit="", most=0),
        Row(what=f"records never sent: {where}", value=RECORDS - len(times), unit="", most=0),
        Row(
            what=f"done records sent again: {where}; {len(done):,} were done",
            value=len(again & done),
            unit="",
            most=0,
        ),
        Row(what=f"records in flight sent again: {where}", value=len(again - done), unit=""),
        Row(what=f"time lost: {where}, next to an undisturbed run", value=lost, unit="s"),
    ]
