"""The example DAG, as Airflow reads it and with the sandbox's default data."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.core.airflow_names import DagBag
from tests.core.harness import Clock, Runner
from tests.kiban.server import KibanServer

FILE = Path(__file__).parents[2] / "example_dags" / "kiban_loan.py"


@pytest.fixture(scope="module")
def dag() -> Any:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        warnings.simplefilter("error")
        bag = DagBag(FILE)
    assert bag.import_errors == {}
    (found,) = bag.dags.values()
    return found


def test_tasks_and_their_order(dag: Any) -> None:
    assert {task_id: sorted(dag.get_task(task_id).downstream_task_ids) for task_id in dag.task_ids} == {
        "start": ["answer", "ended", "form_pending"],
        "form_pending": ["answer"],
        "answer": ["ended"],
        "ended": ["report"],
        "report": [],
    }


def test_its_tasks_bring_an_application_to_its_end(kiban: KibanServer, clock: Clock, dag: Any) -> None:
    execution_id = Runner(lambda: dag.get_task("start")).run()["id"]

    def run(task_id: str) -> Any:
        """Run a task as if its templates had been rendered."""
        task = dag.get_task(task_id)
        task.execution_id = execution_id
        return Runner(lambda: task, clock=clock).run()

    assert run("form_pending")["node_name"] == "Applicant"
    assert run("answer")["answered"] == "form"
    end = run("ended")
    assert dag.get_task("report").python_callable(end) == "accepted (low risk, accepted)"
    assert kiban.record(execution_id)["state"] == "finished"
