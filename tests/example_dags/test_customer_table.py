"""The example DAG as Airflow reads it, and its tasks run one after another against the sandbox."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.blizwork.conftest import BlizWorkServer
from tests.blizwork.conftest import blizwork as blizwork
from tests.core.airflow_names import DagBag, DagSerialization
from tests.core.bulk.ends import OfRun
from tests.core.harness import Runner
from tests.mybpm.conftest import MyBPMServer
from tests.mybpm.conftest import mybpm as mybpm

FILE = Path(__file__).parents[2] / "example_dags" / "customer_table.py"


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
        "customers": ["cases", "report"],
        "cases": ["applications"],
        "applications": ["report"],
        "report": [],
    }


def test_it_can_be_serialized(dag: Any) -> None:
    DagSerialization.to_dict(dag)


def test_its_tasks_run(dag: Any, mybpm: MyBPMServer, blizwork: BlizWorkServer, tmp_path: Path) -> None:
    def ran(task_id: str, **rendered: Any) -> Any:
        task = dag.get_task(task_id)
        for name, value in {**rendered, "results": str(tmp_path)}.items():
            setattr(task, name, value)
        runner = Runner(lambda: task)
        runner.ti = OfRun(task_id=task_id)
        return runner.run()

    customers = ran("customers")
    cases = ran("cases", records=customers)
    applications = ran("applications", records=cases)
    report = dag.get_task("report").python_callable(customers, applications)
    assert (report["customers"], report["applications"]) == (4, 4)
    assert len(report["rejected"]) == 2
    assert any("expected a number, got 'a lot'" in message for message in report["rejected"].values())
    assert mybpm.effects()["created"] == 4
    assert (blizwork.effects()["opened"], blizwork.effects()["executed"]) == (4, 4)
