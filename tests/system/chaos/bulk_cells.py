"""Cells of many: siblings of one mapped task, runs of a backfill, and ``dag.test()``."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, replace

from dev.airflow_home import AirflowError
from dev.process import KeptProcess, tail
from tests.system.chaos.cell import CellResult
from tests.system.chaos.cell_context import ENDED, CellContext
from tests.system.chaos.request_cells import RequestCell, judge, order
from tests.system.chaos.tally import TaskOutcome

SIBLINGS, RUNS = 50, 30
FIRST_DAY = "2026-01-01"
STARTING = re.compile(r"\[DAG TEST\] starting task_id=\S+ map_index=(-?\d+)")
DOUBT = re.compile(r"[\w.]*\bOutcomeUnknown: (.*)")


@dataclass(frozen=True, kw_only=True)
class BackfillCell(RequestCell):
    """A backfill of a daily DAG whose one task submits once."""

    def run(self, context: CellContext) -> CellResult:
        """Create the backfill, wait for its runs, and count."""
        began = time.monotonic()
        size = self.size or RUNS
        context.watch(self.dag_id, mount=self.variant.mount)
        strikes = order(context, self.variant, self.how, size=size, every=self.every)
        context.airflow.wait_for_dag(self.dag_id, timeout=180)
        last = f"2026-01-{size:02}"
        body = {
            "dag_id": self.dag_id,
            "from_date": f"{FIRST_DAY}T00:00:00Z",
            "to_date": f"{last}T00:00:00Z",
            "max_active_runs": size,
            "reprocess_behavior": "none",
            "dag_run_conf": {},
            "run_backwards": False,
        }
        context.airflow.unpause(self.dag_id)
        context.airflow.call("POST", "/backfills", json=body)
        runs = context.until(
            lambda: self._ended(context, size), timeout=600, what=f"the backfill of {self.dag_id}"
        )
        tasks = [outcome for run_id in runs for outcome in self._outcome(context, run_id)]
        return judge(self, context, tasks, strikes, began=began)

    def _ended(self, context: CellContext, size: int) -> list[str] | None:
        runs = context.reader.run_states(self.dag_id)
        ended = [run_id for run_id, state in runs.items() if state in ENDED]
        context.show(f"{len(ended)} of {size} runs ended")
        return sorted(ended) if len(ended) >= size else None

    def _outcome(self, context: CellContext, run_id: str) -> list[TaskOutcome]:
        # The day is what tells runs of a backfill apart.
        day = run_id.removeprefix("backfill__")[:10].replace("-", "")
        found = context.reader.outcomes(self.dag_id, run_id, tag=self.dag_id)
        return [replace(task, tag=f"{self.dag_id}.{day}") for task in found]


@dataclass(frozen=True, kw_only=True)
class DagTestCell(RequestCell):
    """``dag.test()`` of a DAG, in a process of its own on the same database."""

    def run(self, context: CellContext) -> CellResult:
        """Run it, and count."""
        began = time.monotonic()
        size = self.size or context.size
        run_id = context.fresh(self.dag_id)
        strikes = order(context, self.variant, self.how, size=size, every=self.every)
        context.airflow.wait_for_dag(self.dag_id, timeout=180)
        run, log = _test(context, self.dag_id, run_id)
        doubts = doubts_in(log)
        tasks = [
            replace(task, doubt=doubts.get(index, "") if task.state == "failed" else "")
            for index, task in enumerate(context.reader.outcomes(self.dag_id, run, tag=run_id))
        ]
        return judge(self, context, tasks, strikes, began=began)


def doubts_in(log: str) -> dict[int, str]:
    """
    With what each mapped task ended in doubt, by map index: ``dag.test()`` writes no log files.

    :param log: what its process printed
    """
    doubts: dict[int, str] = {}
    index = -1
    for line in log.splitlines():
        if begun := STARTING.search(line):
            index = int(begun[1])
        elif doubted := DOUBT.match(line):
            doubts[index] = doubted[1]
    return doubts


def _test(context: CellContext, dag_id: str, tag: str) -> tuple[str, str]:
    """Run ``dag.test()``; return the id that it gave the run, and what it printed."""
    log = context.instance.home / f"dag-test-{dag_id}.log"
    process = KeptProcess(
        [sys.executable, "-m", "tests.system.chaos.dag_test_process", dag_id, tag],
        log=log,
        environment=context.environment,
    )
    try:
        context.show("in a process of its own")
        code = context.until(lambda: process.exit_code, timeout=600, what=f"dag.test() of {dag_id}")
    finally:
        process.stop()
    before, printed = f"{tag}: ", log.read_text(errors="replace")
    ended = [line.removeprefix(before) for line in printed.splitlines() if line.startswith(before)]
    if code or not ended:
        raise AirflowError(f"dag.test() of {dag_id} ended with code {code}:\n{tail(log)}")
    return ended[-1], printed
