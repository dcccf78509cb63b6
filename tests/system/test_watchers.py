"""DAGs that are scheduled on what happens at a vendor, on the real triggerer, killed around the arrivals."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

OMFLOW = SERVERS["1.2"]
#: Of a workfloo with one form, in the sandbox.
LOAN = "64b5f0c2a1d3e4f5a6b7c801"


def asset_id(system: System, name: str) -> int:
    listed = system.airflow.call("GET", "/assets", params={"name_pattern": name})["assets"]
    return int(next(asset["id"] for asset in listed if asset["name"] == name))


def progress(system: System, name: str) -> dict[str, Any] | None:
    """The feed's record in the asset's state store."""
    path = f"/assets/{asset_id(system, name)}/state-store"
    entries = system.airflow.call("GET", path)["asset_state_store"]
    return dict(entries[0]["value"]) if entries else None


def begin(system: System, dag_id: str) -> None:
    """Unpause a DAG and wait until its feed has looked for the first time."""
    system.airflow.wait_for_dag(dag_id)
    system.airflow.unpause(dag_id)
    name = f"system_{dag_id}"
    system.airflow.wait_until(
        lambda: progress(system, name), timeout=PATIENCE, what=f"the feed of {dag_id} to begin"
    )


def events(system: System, name: str) -> list[dict[str, Any]]:
    """What the asset's events tell, oldest first."""
    query = {"asset_id": asset_id(system, name), "order_by": "timestamp"}
    listed = system.airflow.call("GET", "/assets/events", params=query)["asset_events"]
    return [one for event in listed for one in event["extra"]["payload"]["occurrences"]]


def noted(system: System, dag_id: str) -> list[list[dict[str, Any]]]:
    """What each run of the DAG was started for; only successful runs have noted anything."""
    runs = system.airflow.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]
    return [
        system.airflow.xcom(dag_id, run["dag_run_id"], "note") for run in runs if run["state"] == "success"
    ]


def until_noted(system: System, dag_id: str, key: str, wanted: set[Any]) -> list[list[dict[str, Any]]]:
    def all_there() -> list[list[dict[str, Any]]] | None:
        runs = noted(system, dag_id)
        return runs if wanted <= {one[key] for run in runs for one in run} else None

    return system.airflow.wait_until(all_there, timeout=PATIENCE, what=f"runs of {dag_id} for {wanted}")


def arrive(system: System, count: int = 1) -> set[str]:
    """Let orders arrive at their second stop; return their numbers."""
    opened = {str(OMFlowHook().open_order("two-step", {"FORMITM_1": "a title"})) for _ in range(count)}
    system.control.advance(5)
    for record in system.control.records(OMFLOW):
        if record["id"].partition("/")[2] in opened:
            for action in (one for one in record["actions"] if one["command"] == "push"):
                system.control.push(OMFLOW, **action["arguments"])
    system.control.advance(5)
    return opened


@pytest.fixture(autouse=True)
def connections(system: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """Lead this process's hooks to the sandbox, too."""
    for conn_id, fields in system.connections.items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def test_a_run_for_each_arrival_and_none_lost_with_the_triggerer(system: System) -> None:
    arrive(system)  # before the feed begins, so none of its business
    begin(system, "arrivals")
    begin(system, "ends")

    # One arrival, one run.
    first = arrive(system)
    (run,) = until_noted(system, "arrivals", "data_no", first)
    (told,) = run
    (number,) = first
    assert told == {
        "occurrence_id": f"two-step/{number}/{told['occurrence_id'].rpartition('/')[2]}",
        "conn_id": "omflow_default",
        "api_path": "two-step",
        "data_no": number,
        "stop_chart_text": "Approve",
        "arrived_at": told["arrived_at"],
    }

    # The triggerer dies with a batch on its way, and is away while more arrive.
    arrivals = first | arrive(system)
    until(system, lambda: "pending" in (progress(system, "system_arrivals") or {}))
    system.airflow.kill("triggerer")
    arrivals |= arrive(system, 2)
    execution = start_loan(system)
    system.airflow.restart("triggerer")

    runs = until_noted(system, "arrivals", "data_no", arrivals)
    until_noted(system, "ends", "execution_id", {execution})
    ids = {one["occurrence_id"]: one["data_no"] for run in runs for one in run}
    assert Counter(ids.values()) == dict.fromkeys(arrivals, 1)
    told_twice = events(system, "system_arrivals")
    assert len({one["occurrence_id"] for one in told_twice}) == len(arrivals)
    # What was told twice, was told in the same words.
    assert len({json.dumps(one, sort_keys=True) for one in told_twice}) == len(arrivals)


def test_the_example_approves_what_arrives(system: System) -> None:
    dag_id, asset = "omflow_arrivals_example", "supplies_at_review"
    system.airflow.wait_for_dag(dag_id)
    system.airflow.unpause(dag_id)
    system.airflow.wait_until(lambda: progress(system, asset), timeout=PATIENCE, what="the feed to begin")
    numbers = {str(OMFlowHook().open_order("supplies", {"FORMITM_1": title})) for title in ("paper", "pens")}
    system.control.advance(5)

    def approved() -> bool:
        records = system.control.records(OMFLOW)
        return {
            one["id"].partition("/")[2] for one in records if one["fields"].get("FORMITM_2") == "approved"
        } >= numbers

    until(system, approved)
    runs = system.airflow.call("GET", f"/dags/{dag_id}/dagRuns")["dag_runs"]
    assert runs
    for run in runs:
        assert system.airflow.wait_for_run(dag_id, run["dag_run_id"], timeout=PATIENCE) == "success"


def until(system: System, true: Callable[[], bool]) -> None:
    system.airflow.wait_until(lambda: true() or None, timeout=PATIENCE, what="the feed to go on")


def start_loan(system: System) -> str:
    """Let an execution of Kiban's start, answer its form by hand, and let it end; return its id."""
    execution_id = KibanHook().start(LOAN)
    system.control.advance(5)
    system.control.command("kiban", "answer", execution_id=execution_id)
    system.control.advance(5)
    return execution_id
