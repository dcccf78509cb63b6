"""The example DAG as Airflow reads it. That it runs, the system tests show on a real Airflow."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest

from tests.core.airflow_names import DagBag, DagSerialization

FILE = Path(__file__).parents[2] / "example_dags" / "omflow_order.py"


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
    assert dag.dag_id == "omflow_order"
    assert {task_id: sorted(dag.get_task(task_id).downstream_task_ids) for task_id in dag.task_ids} == {
        "wanted": ["order.open"],
        "order.open": [
            "order.at_finance",
            "order.at_legal",
            "order.at_review",
            "order.closed",
            "order.push_finance",
            "order.push_legal",
            "order.push_review",
        ],
        "order.at_review": ["order.push_review"],
        "order.push_review": [],
        "order.at_legal": ["order.push_legal"],
        "order.push_legal": [],
        "order.at_finance": ["order.push_finance"],
        "order.push_finance": [],
        "order.closed": ["report"],
        "report": [],
    }


def test_waits_in_all_three_places(dag: Any) -> None:
    modes = {
        task_id: "deferrable" if task.deferrable else task.mode
        for task_id, task in ((one, dag.get_task(one)) for one in dag.task_ids)
        if hasattr(task, "mode")
    }
    assert modes == {
        "order.at_review": "poke",
        "order.at_legal": "reschedule",
        "order.at_finance": "reschedule",
        "order.closed": "deferrable",
    }


def test_can_be_serialised_and_read_again(dag: Any) -> None:
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(again.task_dict) == set(dag.task_ids)
