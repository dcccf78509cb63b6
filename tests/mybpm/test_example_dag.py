"""The example DAG as Airflow reads it, and its tasks run one after another against the sandbox."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.core.airflow_names import DagBag, DagSerialization
from tests.core.harness import Clock, Runner
from tests.mybpm.conftest import MyBPMServer

FILE = Path(__file__).parents[2] / "example_dags" / "mybpm_request.py"


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
        "customer": ["checked"],
        "checked": ["report", "request"],
        "request": ["archived", "decide"],
        "decide": ["archived"],
        "archived": ["report"],
        "report": [],
    }


@pytest.mark.parametrize(("waiting", "made"), [("checked", "customer"), ("decide", "request")])
def test_ids_come_from_what_was_made(dag: Any, waiting: str, made: str) -> None:
    wanted = dag.get_task(waiting).boi_id
    assert (wanted.operator.task_id, wanted.key, wanted.operator.multiple_outputs) == (made, "boi_id", True)


def test_it_can_be_serialized(dag: Any) -> None:
    DagSerialization.to_dict(dag)


def test_its_tasks_run(dag: Any, mybpm: MyBPMServer, clock: Clock) -> None:
    def ran(task_id: str, **rendered: Any) -> Any:
        task = dag.get_task(task_id)
        for name, value in rendered.items():
            setattr(task, name, value)
        return Runner(lambda: task, clock=clock).run()

    customer = ran("customer")
    assert customer["fields"]["LIMIT"]["apiValue"] == "250000.00"
    checked = ran("checked", boi_id=customer["boi_id"])
    request = ran("request", field_values={"NUM": "run-1", "SUBJECT": "Higher limit"})
    ran("decide", boi_id=request["boi_id"])
    archived = ran("archived", boi_id=request["boi_id"])
    report = dag.get_task("report").python_callable(checked, archived)
    assert report == {"customer": "checked", "request": "ARCHIVED"}
    assert [one["state"] for one in mybpm.control.records("mybpm")] == ["finished", "finished"]
    assert mybpm.effects() == {"created": 2, "updated": 1, "linked": 2, "unlinked": 0}
