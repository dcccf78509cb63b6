"""Runs a DAG's tasks one after another, as Airflow would: each gets what those before it have returned."""

from __future__ import annotations

import copy
from collections.abc import Collection, Mapping
from datetime import UTC, datetime
from graphlib import TopologicalSorter
from types import SimpleNamespace
from typing import Any

from tests.core.harness import Clock, Runner, TaskInstance

#: What templates of the documentation ask for beside what tasks return.
RUN: dict[str, Any] = {
    "run_id": "manual__2026-01-05",
    "ds": "2026-01-05",
    "dag_run": SimpleNamespace(conf={}, start_date=datetime.now(UTC)),
}


class DagRun:
    """
    One run of a DAG.

    :param dag: as Airflow has read it
    :param clock: passes when a task waits
    :param given: what tasks return that are not run, such as those that ask a person
    :param skipped: tasks that are not run
    """

    def __init__(
        self,
        dag: Any,
        *,
        clock: Clock,
        given: Mapping[str, Any] | None = None,
        skipped: Collection[str] = (),
    ) -> None:
        self._dag = dag
        self._clock = clock
        self._given = given or {}
        self._skipped = skipped
        #: What tasks have left, by task and key.
        self.xcoms: dict[str, dict[str, Any]] = {}

    def run(self) -> dict[str, Any]:
        """Run all tasks, and return what they returned."""
        order = TopologicalSorter({task_id: task.upstream_task_ids for task_id, task in self._tasks.items()})
        wanted = [task_id for task_id in order.static_order() if task_id not in self._skipped]
        return {task_id: self.run_task(task_id) for task_id in wanted}

    @property
    def params(self) -> dict[str, Any]:
        """The DAG's own parameters, which nobody has changed."""
        return dict(self._dag.params)

    @property
    def _tasks(self) -> dict[str, Any]:
        return dict(self._dag.task_dict)

    def run_task(self, task_id: str) -> Any:
        """Run one task, and return what it returned, or what was given in its place."""
        if task_id in self._given:
            self.xcoms[task_id] = {"return_value": self._given[task_id]}
            return self._given[task_id]
        ti = _PullingTaskInstance(task_id=task_id, dag_id=self._dag.dag_id)
        ti.run = self
        runner = _TemplatingRunner(lambda: copy.copy(self._tasks[task_id]), clock=self._clock)
        runner.ti, runner.params = ti, self.params
        result = runner.run()
        keys = result if self._tasks[task_id].multiple_outputs else {}
        self.xcoms[task_id] = {**ti.xcoms, **keys, "return_value": result}
        return result


class _PullingTaskInstance(TaskInstance):
    """A task instance that can ask for what other tasks have left."""

    run: DagRun
    run_id = RUN["run_id"]

    def xcom_pull(self, task_ids: Any, key: str = "return_value", **how: Any) -> Any:
        (task_id,) = [task_ids] if isinstance(task_ids, str) else task_ids
        return self.run.xcoms[task_id][key]


class _TemplatingRunner(Runner):
    """A runner that renders a task's templates, as each process of Airflow's does before it runs a task."""

    params: dict[str, Any]

    @property
    def context(self) -> Any:
        return {**super().context, **RUN, "params": self.params}

    def _execute(self) -> Any:
        task: Any = self.make_task()
        task.render_template_fields(self.context)
        return task.execute(self.context)
