"""The example DAG as Airflow reads it; its tasks run against the sandbox, with each answer of a person."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import OMFlowServer
from tests.core.airflow_names import DagBag, DagSerialization
from tests.core.conftest import clock as clock
from tests.core.harness import Clock
from tests.docs.dag_run import DagRun
from tests.omflow.orders import push_all

FILE = Path(__file__).parents[2] / "example_dags" / "omflow_approval.py"


@pytest.fixture(scope="module")
def dag() -> Any:
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIRFLOW__CORE__LOAD_EXAMPLES", "False")
        warnings.simplefilter("error")
        # On older Airflows, Airflow's own operator imports what is deprecated there.
        warnings.filterwarnings("ignore", module=r"airflow\.providers\.")
        bag = DagBag(FILE)
    assert bag.import_errors == {}
    (found,) = bag.dags.values()
    return found


def answer(option: str) -> dict[str, Any]:
    """What Airflow tells a task whose question a person has answered."""
    return {
        "chosen_options": [option],
        "params_input": {},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "7", "name": "eva"},
    }


def test_tasks_and_their_order(dag: Any) -> None:
    assert dag.dag_id == "omflow_approval"
    assert {task_id: sorted(dag.get_task(task_id).downstream_task_ids) for task_id in dag.task_ids} == {
        "open": ["at_stop", "closed"],
        "at_stop": ["is_undecided"],
        "is_undecided": ["ask"],
        "ask": ["approve"],
        "approve": ["refuse"],
        "refuse": [],
        "closed": [],
    }


def test_a_refusal_is_pushed_only_if_the_approval_was_skipped(dag: Any) -> None:
    refuse = dag.get_task("refuse")
    assert (refuse.trigger_rule, refuse.upstream_task_ids) == ("all_skipped", {"approve"})


def test_can_be_serialised_and_read_again(dag: Any) -> None:
    again = DagSerialization.from_dict(DagSerialization.to_dict(dag))
    assert set(again.task_dict) == set(dag.task_ids)


@pytest.mark.parametrize(
    ("option", "skipped", "fields", "closing_stop"),
    [
        ("Approve", "refuse", {"FORMITM_4": "approved", "FORMITM_5": "eva"}, "Approved"),
        ("Reject", "approve", {"FORMITM_4": "refused", "FORMITM_5": ""}, "Refused"),
    ],
)
def test_what_a_person_answers_is_pushed(
    dag: Any,
    omflow: OMFlowServer,
    clock: Clock,
    option: str,
    skipped: str,
    fields: dict[str, str],
    closing_stop: str,
) -> None:
    given = {"is_undecided": True, "ask": answer(option)}
    run = DagRun(dag, clock=clock, given=given, skipped={skipped, "closed"})
    returned = run.run()
    assert returned["at_stop"]["passed"] is False
    ended = run.run_task("closed")
    assert (ended["fields"], ended["closing_stop"]) == (fields, closing_stop)
    assert omflow.effects()["pushed"] == 1


def test_nobody_is_asked_if_somebody_decides_in_omflow(dag: Any, omflow: OMFlowServer, clock: Clock) -> None:
    def decide() -> None:
        omflow.control.advance(5)
        push_all(omflow, "budget", 1)

    clock.after(0.3, decide)
    given = {"is_undecided": False}
    returned = DagRun(dag, clock=clock, given=given, skipped={"ask", "approve", "refuse"}).run()
    assert (returned["at_stop"]["passed"], returned["at_stop"]["by"]) == (True, "by hand")
    assert returned["closed"]["closing_stop"] == "Approved"
