"""A backfill against a vendor's plan: hundreds of runs, and no pool."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import ENDED, CellContext, row
from tests.system.chaos.tally import TaskOutcome
from tests.system.chaos.vendor import Variant

FIRST = date(2025, 1, 1)
RUNS = 300
#: How the sandbox counts the plan. A task is late for its slot when the machine is busy, and the next may be
#: on time, so that no way of counting without tolerance would let both in.
COUNTING = "token_bucket"


@dataclass(frozen=True, kw_only=True)
class PlannedBackfill(Cell):
    """
    A backfill of a daily DAG whose one task submits once, against the plan of the vendor's account.

    :param variant: what is submitted
    :param rate: requests a second that the plan allows
    :param runs: how many
    """

    variant: Variant
    rate: float
    runs: int = RUNS
    mode: str = "no-wait"

    def run(self, context: CellContext) -> CellResult:
        """Create the backfill, wait for its runs, and count."""
        began, mount, dag_id = time.monotonic(), self.variant.mount, context.lane.name
        context.watch(dag_id)
        context.control.set_plan(mount, self.rate, COUNTING)
        context.airflow.wait_for_dag(dag_id, timeout=180)
        context.airflow.unpause(dag_id)
        body = {
            "dag_id": dag_id,
            "from_date": f"{FIRST}T00:00:00Z",
            "to_date": f"{FIRST + timedelta(days=self.runs - 1)}T00:00:00Z",
            "max_active_runs": 32,
            "reprocess_behavior": "none",
            "dag_run_conf": {},
            "run_backwards": False,
        }
        context.airflow.call("POST", "/backfills", json=body)
        runs = context.until(lambda: self._ended(context), timeout=600, what=f"the backfill of {dag_id}")
        tasks = [task for run_id in runs for task in self._outcome(context, run_id)]
        tally = context.count(self.variant, tasks, settle=None)
        refused = sum(account["refused"] for account in context.control.plan(mount)["accounts"].values())
        wanted = {"succeeded": tally.succeeded, "effects": tally.effects}
        problems = [
            f"{number} {what}, not {self.runs}" for what, number in wanted.items() if number != self.runs
        ]
        problems += [f"the vendor refused {refused} requests"] if refused else []
        problems += _again(tasks)
        problems += (
            [] if _have_waited(context) else ["no task waited for a slot, so the plan was never used up"]
        )
        return row(self, tally, began=began, problems=problems)

    def _ended(self, context: CellContext) -> list[str] | None:
        runs = context.reader.run_states(context.lane.name)
        ended = [run_id for run_id, state in runs.items() if state in ENDED]
        context.show(f"{len(ended)} of {self.runs} runs ended")
        return sorted(ended) if len(ended) >= self.runs else None

    def _outcome(self, context: CellContext, run_id: str) -> list[TaskOutcome]:
        day = run_id.removeprefix("backfill__")[:10].replace("-", "")
        found = context.reader.outcomes(context.lane.name, run_id)
        return [replace(task, tag=f"{context.lane.name}.{day}") for task in found]


def _have_waited(context: CellContext) -> bool:
    logs = (context.instance.home / "logs" / f"dag_id={context.lane.name}").rglob("*.log")
    return any("for a slot" in log.read_text(errors="replace") for log in logs)


def _again(tasks: Sequence[TaskOutcome]) -> list[str]:
    again = [task for task in tasks if task.try_number > 1]
    return [f"{len(again)} tasks took more than one attempt"] if again else []
