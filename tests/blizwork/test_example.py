"""The example DAG as Airflow reads it, and its tasks one after the other against the sandbox."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.blizwork.conftest import BlizWorkServer
from tests.core.airflow_names import DagBag, DagSerialization
from tests.core.harness import Clock, Runner

FILE = Path(__file__).parents[2] / "example_dags" / "blizwork_credit.py"


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
    order = {task_id: sorted(dag.get_task(task_id).downstream_task_ids) for task_id in dag.task_ids}
    assert order == {
        "open": ["apply", "approve", "closed", "scored"],
        "apply": ["scored"],
        "scored": ["approve"],
        "approve": ["closed"],
        "closed": ["report"],
        "report": [],
    }


def test_can_be_serialised_and_read_again(dag: Any) -> None:
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(again.task_dict) == set(dag.task_ids)


def test_it_does_what_it_says(dag: Any, blizwork: BlizWorkServer, clock: Clock) -> None:
    def run(task_id: str, **rendered: Any) -> Any:
        def task() -> Any:
            made = dag.get_task(task_id)
            for name, value in rendered.items():
                setattr(made, name, value)
            return made

        return Runner(task, clock=clock).run()

    case = run("open")
    assert run("apply", case_number=case)["history_length"] == 1
    assert run("scored", case_number=case) == "review"
    run("approve", case_number=case)
    assert run("closed", case_number=case)["fields"] == {"decision": "approved"}
    record = blizwork.record(f"credit/{case}")
    assert (record["state"], record["stops"]) == ("finished", ["application", "scoring", "review"])
    assert record["fields"]["amount"] == "12500.50"
