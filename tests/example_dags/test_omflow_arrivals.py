"""The example DAG as Airflow reads it; that such a DAG runs, a system test shows on a real Airflow."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest

from airflow_provider_workflows.core.events.trigger import FeedTrigger
from tests.core.airflow_names import DagBag

FILE = Path(__file__).parents[2] / "example_dags" / "omflow_arrivals.py"


def test_tasks_and_what_starts_them() -> None:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        warnings.simplefilter("error")
        bag = DagBag(FILE)
    assert bag.import_errors == {}
    (dag,) = bag.dags.values()
    assert {id: sorted(dag.get_task(id).downstream_task_ids) for id in dag.task_ids} == {
        "waiting": ["approve"],
        "approve": [],
    }
    watchers = [watcher for asset in dag.timetable.asset_condition.objects for watcher in asset.watchers]
    assert [type(watcher.trigger) for watcher in watchers] == [FeedTrigger]
