"""What reaches a lineage server from a real Airflow; here, a file."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.system.conftest import LINEAGE, PATIENCE, System
from tests.system.search import files, found

pytestmark = pytest.mark.system


def test_the_events_tell_what_was_worked_on_and_no_secret(system: System) -> None:
    run_id = system.run("lineage")
    system.airflow.wait_until(
        lambda: system.tasks("lineage", run_id)["reach"].state == "deferred" or None,
        timeout=PATIENCE,
        what="the sensor to be deferred",
    )
    system.push_by_hand()
    assert system.airflow.wait_for_run("lineage", run_id, timeout=PATIENCE) == "failed"

    server = f"omflow://{urlsplit(system.control.url).netloc}"
    data_no = system.airflow.xcom("lineage", run_id, "open")
    order = [{"namespace": server, "name": f"two-step/{data_no}"}]
    seen = _events()
    assert seen["lineage.open", "COMPLETE"] == ([], order, "done")
    # It resumed in another process than the one that looked.
    assert seen["lineage.reach", "COMPLETE"] == (order, [], "done")
    assert seen["lineage.push", "COMPLETE"] == (order, order, "done")
    assert seen["lineage.miss", "FAIL"] == (order, order, "failed")
    assert seen["lineage.reach", "START"] == ([], [], "begun")
    # Secrets are looked for as one that is surely there is found.
    assert found({"planted": f"two-step/{data_no}"}, files(LINEAGE.parent)) == {"planted": [LINEAGE.name]}
    assert found(system.accounts.secrets, files(LINEAGE.parent)) == {}


def _events() -> dict[tuple[str, str], tuple[Any, Any, str]]:
    """Return each task's inputs, outputs and state by job and kind of event."""
    events = {}
    for event in map(json.loads, LINEAGE.read_text().splitlines()):
        facet = event["run"]["facets"].get("workflows_remote")
        if facet is not None:
            sides = ([_named(one) for one in event[side]] for side in ("inputs", "outputs"))
            events[event["job"]["name"], event["eventType"]] = (*sides, facet["state"])
    return events


def _named(dataset: dict[str, Any]) -> dict[str, str]:
    return {name: dataset[name] for name in ("namespace", "name")}
