"""The example DAG as Airflow reads it, its tasks run one after another against the sandbox."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.core.airflow_names import DagBag, DagSerialization
from tests.core.harness import Clock, Runner
from tests.robusta.conftest import RobustaServer

FILE = Path(__file__).parents[2] / "example_dags" / "robusta_invoices.py"


@pytest.fixture
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
        "collect_document": ["orders"],
        "orders": ["invoice.start"],
        "invoice.start": ["invoice.read"],
        "invoice.read": ["report"],
        "report": [],
    }
    assert dag.get_task("collect_document").deferrable
    assert dag.get_task("invoice.read").mode == "reschedule"


def test_the_sensor_gets_the_spid_alone(dag: Any) -> None:
    wanted = dag.get_task("invoice.read").spid
    assert (wanted.operator.task_id, wanted.key) == ("invoice.start", "spid")
    assert wanted.operator.multiple_outputs


def test_can_be_serialised_and_read_again(dag: Any) -> None:
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(again.task_dict) == set(dag.task_ids)


def test_its_robots_do_what_it_says(dag: Any, robusta: RobustaServer, clock: Clock) -> None:
    def run(task_id: str, **rendered: Any) -> Any:
        task = dag.get_task(task_id)
        for name, value in rendered.items():
            setattr(task, name, value)
        return Runner(lambda: task, clock=clock).run()

    collected = run("collect_document", values={"customer": "4711"})
    assert collected["outputs"] == {"document": "https://files.example.com/4711.pdf", "pages": 3}
    orders = dag.get_task("orders").python_callable(collected)
    spids = [run("invoice.start", values=values)["spid"] for values in orders]
    invoices = [run("invoice.read", spid=spid) for spid in spids]
    assert dag.get_task("report").python_callable(invoices) == {"7": 12, "8": 12}
    assert [record["state"] for record in robusta.control.records("robusta")] == ["finished"] * 3
