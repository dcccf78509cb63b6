"""What reaches a lineage server from a real Airflow; here, a file."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import LINEAGE, Stage
from tests.system.search import in_files

pytestmark = pytest.mark.system


def test_the_events_tell_what_was_worked_on_and_no_secret(stage: Stage) -> None:
    run_id = stage.run("lineage")
    stage.airflow.wait_until(
        lambda: stage.tasks("lineage", run_id)["reach"].state == "deferred" or None,
        timeout=120,
        what="the sensor to be deferred",
    )
    stage.push_by_hand()
    assert stage.airflow.wait_for_run("lineage", run_id, timeout=120) == "failed"

    server = f"omflow://{urlsplit(stage.control.url).netloc}"
    data_no = stage.airflow.xcom("lineage", run_id, "open")
    order = [{"namespace": server, "name": f"two-step/{data_no}"}]
    found = _events()
    assert found["lineage.open", "COMPLETE"] == ([], order, "done")
    # It resumed in another process than the one that looked.
    assert found["lineage.reach", "COMPLETE"] == (order, [], "done")
    assert found["lineage.push", "COMPLETE"] == (order, order, "done")
    assert found["lineage.miss", "FAIL"] == (order, order, "failed")
    assert found["lineage.reach", "START"] == ([], [], "begun")
    assert in_files(LINEAGE.parent, f"two-step/{data_no}")
    assert in_files(LINEAGE.parent, stage.canary_password) == []


def _events() -> dict[tuple[str, str], tuple[Any, Any, str]]:
    """Return each task's inputs, outputs and state by job and kind of event."""
    found = {}
    for event in map(json.loads, LINEAGE.read_text().splitlines()):
        facet = event["run"]["facets"].get("workflows_remote")
        if facet is not None:
            sides = ([_named(one) for one in event[side]] for side in ("inputs", "outputs"))
            found[event["job"]["name"], event["eventType"]] = (*sides, facet["state"])
    return found  # type: ignore[return-value]


def _named(dataset: dict[str, Any]) -> dict[str, str]:
    return {name: dataset[name] for name in ("namespace", "name")}
