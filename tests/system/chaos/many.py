"""Cells of many: siblings of one mapped task, runs of a backfill, and ``dag.test()``."""

from __future__ import annotations

import re
import sys
import time
from dataclasses import dataclass, replace

from dev.airflow_home import AirflowError
from dev.process import KeptProcess, tail
from tests.system.chaos.cell import CellResult
from tests.system.chaos.request_cells import RequestCell, judge, order
from tests.system.chaos.stage import ENDED, Stage
from tests.system.chaos.tally import TaskOutcome

SIBLINGS, RUNS = 50, 30
FIRST_DAY = "2026-01-01"
STARTING = re.compile(r"\[DAG TEST\] starting task_id=\S+ map_index=(-?\d+)")
DOUBT = re.compile(r"[\w.]*\bOutcomeUnknown: (.*)")


@dataclass(frozen=True, kw_only=True)
class BackfillCell(RequestCell):
    """A backfill of a daily DAG whose one task submits once."""

    def run(self, stage: Stage) -> CellResult:
        """Create the backfill, wait for its runs, and count."""
        began = time.monotonic()
        size = self.size or RUNS
        stage.watch(self.dag_id, mount=self.variant.mount)
        strikes = order(stage, self.variant, self.how, size=size, every=self.every)
        stage.airflow.wait_for_dag(self.dag_id, timeout=180)
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
        stage.airflow.unpause(self.dag_id)
        stage.airflow.call("POST", "/backfills", json=body)
        runs = stage.until(
            lambda: self._ended(stage, size), timeout=600, what=f"the backfill of {self.dag_id}"
        )
        tasks = [outcome for run_id in runs for outcome in self._outcome(stage, run_id)]
        return judge(self, stage, tasks, strikes, began=began)

    def _ended(self, stage: Stage, size: int) -> list[str] | None:
        runs = stage.book.run_states(self.dag_id)
        ended = [run_id for run_id, state in runs.items() if state in ENDED]
        stage.show(f"{len(ended)} of {size} runs ended")
        return sorted(ended) if len(ended) >= size else None

    def _outcome(self, stage: Stage, run_id: str) -> list[TaskOutcome]:
        # The day is what tells runs of a backfill apart.
        day = run_id.removeprefix("backfill__")[:10].replace("-", "")
        found = stage.book.outcomes(self.dag_id, run_id, tag=self.dag_id)
        return [replace(task, tag=f"{self.dag_id}.{day}") for task in found]


@dataclass(frozen=True, kw_only=True)
class DagTestCell(RequestCell):
    """``dag.test()`` of a DAG, in a process of its own on the same database."""

    def run(self, stage: Stage) -> CellResult:
        """Run it, and count."""
        began = time.monotonic()
        size = self.size or stage.size
        run_id = stage.fresh(self.dag_id)
        strikes = order(stage, self.variant, self.how, size=size, every=self.every)
        stage.airflow.wait_for_dag(self.dag_id, timeout=180)
        run, log = _test(stage, self.dag_id, run_id)
        doubts = doubts_in(log)
        tasks = [
            replace(task, doubt=doubts.get(index, "") if task.state == "failed" else "")
            for index, task in enumerate(stage.book.outcomes(self.dag_id, run, tag=run_id))
        ]
        return judge(self, stage, tasks, strikes, began=began)


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


def _test(stage: Stage, dag_id: str, tag: str) -> tuple[str, str]:
    """Run ``dag.test()``; return the id that it gave the run, and what it printed."""
    log = stage.instance.home / f"dag-test-{dag_id}.log"
    process = KeptProcess(
        [sys.executable, "-m", "tests.system.chaos.one_process", dag_id, tag],
        log=log,
        environment=stage.environment,
    )
    try:
        stage.show("in a process of its own")
        code = stage.until(lambda: process.exit_code, timeout=600, what=f"dag.test() of {dag_id}")
    finally:
        process.stop()
    before, printed = f"{tag}: ", log.read_text(errors="replace")
    ended = [line.removeprefix(before) for line in printed.splitlines() if line.startswith(before)]
    if code or not ended:
        raise AirflowError(f"dag.test() of {dag_id} ended with code {code}:\n{tail(log)}")
    return ended[-1], printed
