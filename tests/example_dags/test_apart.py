"""Examples may run at the same time, against the same sandbox: none takes another's orders."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.events.feed import Feed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from tests.core.airflow_names import DagBag

FOLDER = Path(__file__).parents[2] / "example_dags"


@pytest.fixture(scope="module")
def dags() -> dict[str, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        bag = DagBag(FOLDER)
    assert bag.import_errors == {}
    return dict(bag.dags)


def watched(dag: Any) -> Iterator[Any]:
    """What starts a DAG, whoever brought it about."""
    for asset in getattr(getattr(dag.timetable, "asset_condition", None), "objects", ()):
        for watcher in asset.watchers:
            assert isinstance(watcher.trigger, FeedTrigger)
            yield Feed.from_json(watcher.trigger.feed)


def processes(dag: Any) -> set[str]:
    """The OMFlow processes of a DAG's tasks."""
    given = (getattr(task, "partial_kwargs", vars(task)) for task in dag.tasks)
    return {arguments["api_path"] for arguments in given if "api_path" in arguments}


def test_what_starts_an_example_is_no_order_of_another(dags: dict[str, Any]) -> None:
    taken = {dag_id: {feed.api_path for feed in watched(dag)} for dag_id, dag in dags.items()}
    assert taken["omflow_arrivals_example"], "an example is started by an order"
    for taker, api_paths in taken.items():
        others = {dag_id: processes(dag) & api_paths for dag_id, dag in dags.items() if dag_id != taker}
        assert not any(others.values()), others


def test_the_search_finds_the_processes(dags: dict[str, Any]) -> None:
    assert processes(dags["omflow_order"]) == {"purchase"}
    assert processes(dags["omflow_arrivals_example"]) == {"supplies"}
    assert processes(dags["loan_origination"]) == {"payout"}
