"""The example that asks a person, on a real Airflow: each answer is pushed, and nothing else is."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

DAG_ID, QUESTION = "omflow_approval", "ask"
#: States of a task that waits for an answer; before Airflow 3.3 it is deferred.
ASKING = ("awaiting_input", "deferred")
#: Airflow may fail a task that is answered before it has surely parked it; nothing shows when that is.
PARKED = 8.0


def asked(system: System, run_id: str) -> None:
    """Wait until the question has been asked, and can be answered."""

    def asks() -> bool | None:
        task = system.tasks(DAG_ID, run_id).get(QUESTION)
        return True if task is not None and task.state in ASKING else None

    system.airflow.wait_until(asks, timeout=PATIENCE, what="the question")
    time.sleep(PARKED)


def answer(system: System, run_id: str, option: str) -> None:
    path = f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{QUESTION}/-1/hitlDetails"
    system.airflow.call("PATCH", path, json={"chosen_options": [option], "params_input": {}})


def order(system: System) -> dict[str, Any]:
    (found,) = system.control.records(SERVERS["1.2"])
    return found


def states(system: System, run_id: str) -> dict[str, str | None]:
    return {task_id: task.state for task_id, task in system.tasks(DAG_ID, run_id).items()}


@pytest.mark.parametrize(
    ("option", "decision", "pushed", "left_out"),
    [("Approve", "approved", "approve", "refuse"), ("Reject", "refused", "refuse", "approve")],
)
def test_the_answer_is_pushed(system: System, option: str, decision: str, pushed: str, left_out: str) -> None:
    run_id = system.run(DAG_ID)
    asked(system, run_id)
    answer(system, run_id, option)
    assert system.airflow.wait_for_run(DAG_ID, run_id, timeout=PATIENCE) == "success"
    found = states(system, run_id)
    assert (found[pushed], found[left_out], found["closed"]) == ("success", "skipped", "success")
    fields = order(system)["fields"]
    assert fields["FORMITM_4"] == decision
    assert bool(fields.get("FORMITM_5")) is (option == "Approve"), "who it was"
    assert system.control.effects(SERVERS["1.2"])["pushed"] == 1


def test_somebody_decides_in_omflow_while_airflow_asks(system: System) -> None:
    run_id = system.run(DAG_ID)
    asked(system, run_id)
    system.push_by_hand()
    answer(system, run_id, "Approve")
    system.airflow.wait_for_run(DAG_ID, run_id, timeout=PATIENCE)
    found = states(system, run_id)
    assert (found["approve"], found["refuse"], found["closed"]) == ("failed", "skipped", "success")
    assert system.control.effects(SERVERS["1.2"])["pushed"] == 1


def test_nobody_is_asked_once_somebody_has_decided_in_omflow(system: System) -> None:
    run_id = system.run(DAG_ID)
    asked(system, run_id)
    system.push_by_hand()
    undecided = ["at_stop", "is_undecided", QUESTION, "approve", "refuse"]
    system.airflow.clear(DAG_ID, run_id, undecided)
    assert system.airflow.wait_for_run(DAG_ID, run_id, timeout=PATIENCE) == "success"
    found = states(system, run_id)
    assert found["at_stop"] == "success"
    # Although "refuse" runs if "approve" was skipped.
    assert [found[task_id] for task_id in (QUESTION, "approve", "refuse")] == ["skipped"] * 3
    assert system.airflow.xcom(DAG_ID, run_id, "at_stop")["passed"] is True
    assert system.control.effects(SERVERS["1.2"])["pushed"] == 1
