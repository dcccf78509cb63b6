"""One task that sends a table, led through what a cell does to it."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from dev.airflow_client import TaskInstance
from dev.airflow_home import AirflowError
from tests.system.chaos.airflow_reader import TASK, WHERE, decoded
from tests.system.chaos.cell_context import ENDED, RUN_SECONDS, SETTLE, CellContext
from tests.system.chaos.lifecycle.questions import CALM
from tests.system.chaos.tables.records import (
    Result,
    faults_of,
    make_records,
    outcomes,
    read_results,
    targets_of,
    with_ids,
    write_table,
)
from tests.system.chaos.tally import Tally
from tests.system.chaos.targets import make
from tests.system.chaos.vendor import Variant

#: Seconds for which the vendor holds each answer from the first third of the records on.
HOLD = 3.0
#: So many requests that no table has them.
ALL = 1_000_000


class TableRun:
    """
    A run of the DAG of a lane.

    :param context: the lane's
    :param variant: what each record submits
    :param run_id: from :meth:`CellContext.fresh`
    :param size: how many records
    :param bad: whether the vendor refuses some
    :param targets: what they move, if it is there already
    """

    def __init__(
        self,
        context: CellContext,
        variant: Variant,
        run_id: str,
        *,
        size: int,
        bad: bool = True,
        targets: Sequence[str] | None = None,
    ) -> None:
        assert variant.table is not None
        self.context = context
        self.variant = variant
        self.dag_id = context.lane.name
        self.run_id = run_id
        made = make(variant, context.lane.name, size=size) if targets is None else targets
        self.records = make_records(run_id, size=size, targets=made, bad=bad)
        self.path: Path = context.instance.home / "tables" / f"{run_id}.jsonl"
        write_table(self.path, variant.table, self.records)

    def begin(self) -> None:
        """Start it."""
        self.context.begin(self.dag_id, self.run_id, records=str(self.path))

    def fault(self, kind: str, **settings: Any) -> str:
        """Order a fault of the records' requests, and return its id."""
        return self.context.control.fault(self.variant.mount, self.variant.endpoint, kind, **settings)

    def hold(self) -> str:
        """Let a third of the records pass, and hold the answers to the others, a while each."""
        return self.fault("slow", skip=len(self.records) // 3, times=ALL, seconds=HOLD)

    def await_hits(self, fault: str) -> None:
        """
        Wait until a fault strikes.

        :raises AirflowError: if the run ends before
        """

        def struck() -> bool | None:
            if self.context.control.hits(fault):
                return True
            if self.context.reader.run_state(self.dag_id, self.run_id) in ENDED:
                raise AirflowError(f"{self.run_id} ended before anything had struck it")
            return None

        self.context.until(struck, timeout=RUN_SECONDS, what=f"a request of {self.run_id} to be struck")

    def release(self) -> None:
        """Forget all faults."""
        self.context.control.clear_faults()

    def task(self) -> TaskInstance:
        """The task as it is now."""
        columns = "task_id, map_index, state, try_number, max_tries, start_date, duration, pid"
        (row,) = self._rows(f"SELECT {columns} FROM task_instance {WHERE}")
        return TaskInstance(**dict(zip(columns.split(", "), row, strict=True)))

    def host(self) -> str:
        """On which machine the last attempt has begun."""
        return str(self._rows(f"SELECT hostname FROM task_instance {WHERE}")[0][0])

    def kill(self, *, with_supervisor: bool) -> bool:
        """Kill the task's process, and return whether there was one."""
        try:
            self.context.instance.kill_task(self.task(), with_supervisor=with_supervisor)
        except AirflowError:
            return False
        return True

    def clear(self) -> None:
        """Clear the task as a user does, and wait until it has begun again."""
        before = self.task().try_number
        self.context.airflow.clear(self.dag_id, self.run_id, [TASK])

        def begun() -> bool | None:
            task = self.task()
            return (task.try_number > before and task.state in {"running", *ENDED}) or None

        self.context.until(begun, timeout=RUN_SECONDS, what=f"{self.run_id} to begin again")

    def finish(self) -> None:
        """Wait for the end of the run."""
        self.context.finish(self.dag_id, self.run_id)

    def results(self) -> list[Result]:
        """The results of all attempts."""
        return read_results(self.path)

    def summary(self) -> Mapping[str, Any] | None:
        """What the task told of the results in XCom."""
        rows = self._rows(f"SELECT value FROM xcom {WHERE} AND key = 'return_value'")
        found: Mapping[str, Any] | None = decoded(rows[0][0]) if rows else None
        return found

    def answer(self, option: str) -> None:
        """
        Answer by the REST API whenever a person has been asked for a while, until the run ends.

        Airflow may fail a task that goes on too soon; its retry then asks again.
        """
        since: dict[int, float] = {}
        answered: set[int] = set()

        def over() -> bool | None:
            task, now = self.task(), time.monotonic()
            asked = task.state == "awaiting_input" and task.try_number not in answered
            if asked and now - since.setdefault(task.try_number, now) >= CALM:
                answered.add(task.try_number)
                self._send(option)
            return self.context.reader.run_state(self.dag_id, self.run_id) in ENDED or None

        self.context.until(over, timeout=RUN_SECONDS, what=f"{self.run_id} to be asked about and to end")

    def _send(self, option: str) -> None:
        path = f"/dags/{self.dag_id}/dagRuns/{self.run_id}/taskInstances/{TASK}/-1/hitlDetails"
        self.context.airflow.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})

    def count(self, *, settle: float | None = None, excused: int = 0, there: bool = False) -> Tally:
        """
        Count what both sides say of the records.

        :param there: a person said that all in doubt are there, so that they are done without an id
        :param settle: seconds until a request may be sent again, if somebody has allowed it
        :param excused: requests that may be sent again, where they carry no tag
        """
        if settle is None and self.variant.found != "never":
            settle = SETTLE
        tasks = outcomes(self.records, self.results())
        return self.context.count(
            self.variant,
            with_ids(tasks, self.context.effects(self.variant)) if there else tasks,
            settle=settle,
            excused=excused,
            targets=targets_of(self.variant, self.records),
        )

    def problems(self, *, unknown: Collection[int]) -> list[str]:
        """
        Say what is not as it must be beside the figures.

        :param unknown: how many records may be in doubt
        """
        results, state = self.results(), self.context.reader.run_state(self.dag_id, self.run_id)
        found = faults_of(self.records, results, self.summary(), unknown=unknown)
        doubts = any(one["outcome"] == "unknown" for one in results)
        if state != ("failed" if doubts else "success"):
            tasks = self.context.outcomes(self.dag_id, self.run_id)
            found.append(f"the run ended with {state}: {tasks[0].error if tasks else ''}"[:300])
        return found

    def _rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        key = {"dag_id": self.dag_id, "run_id": self.run_id, "task_id": TASK}
        return self.context.reader.rows(query, **key, **values)
