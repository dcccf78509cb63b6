"""Folders of results that name runs, and tasks that wait for their ends."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_workflows.core.bulk.sensor import ManySensor
from airflow_provider_workflows.core.bulk.table.results import Outcome, RecordResult, ResultsFolder
from airflow_provider_workflows.core.runtime.storage import storage_path
from tests.core.harness import Clock, Runner, TaskInstance

#: The three modes of a sensor.
MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke", "deferrable": False},
    "reschedule": {"mode": "reschedule", "deferrable": False},
    "deferrable": {"deferrable": True, "prepoll": 0},
}


@dataclass
class OfRun(TaskInstance):
    """A task instance with what names a folder of results."""

    run_id: str = "manual"


def begun(folder: Path, *ids: object, **kept: object) -> dict[str, Any]:
    """Write results as a task over many records does, and return what it returns."""
    results = [RecordResult(n, f"C-{n}", Outcome.DONE, id=id, kept=kept) for n, id in enumerate(ids, 1)]
    results.append(RecordResult(len(ids) + 1, "bad", Outcome.REJECTED, message="no such customer"))
    ResultsFolder(storage_path(folder, "results")).write(results, 1, 1)
    return {"records": len(results), "done": len(ids), "results": str(folder)}


def waiting(make: Callable[..., ManySensor], clock: Clock, **arguments: Any) -> Runner:
    """Return the runner of a sensor's task instance."""
    arguments = {"timeout": 300, "poke_interval": 20, **arguments}
    runner = Runner(lambda: make(task_id="wait", **arguments), clock=clock)
    runner.ti = OfRun(task_id="wait")
    return runner


def ends_in(result: Mapping[str, Any]) -> dict[object, RecordResult]:
    """Return the ends that a sensor has written, by the key of the record."""
    found = ResultsFolder(storage_path(result["results"], "results")).read()
    return {end.key: end for end in found}


def result_of(end: RecordResult) -> Any:
    """Return what the sensor for one run would return."""
    return end.kept["result"]
