"""Before Airflow 3.3, a question waits in the triggerer, which may die: ``make test-oldest-system``."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from airflow_provider_workflows.core.runtime.versions import exceptions
from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES
from dev.sandbox_process import running_sandbox
from dev.vendors import CONNECTIONS

pytestmark = [
    pytest.mark.system,
    pytest.mark.own_airflow,
    pytest.mark.skipif(hasattr(exceptions, "TaskAwaitingInput"), reason="a question needs no triggerer"),
]
#: Seconds for what an Airflow that has nothing else to do has done in a tenth of it.
PATIENCE = 600
DAG_ID, TASK_ID = "invoices", "start_robot"
DAGS = Path(__file__).parents[1] / "browser" / "dags"


@pytest.fixture(scope="module")
def control() -> Iterator[Control]:
    with running_sandbox(AIRFLOW_HOMES / "deferred-question-sandbox") as running:
        yield Control(running.url)


@pytest.fixture(scope="module")
def airflow(control: Control) -> Iterator[AirflowInstance]:
    known = next(connection for connection in CONNECTIONS if connection.mount == "robusta")
    fields = known.fields(control.url)
    fields["extra"] = {**fields["extra"], "timeout": 5}
    home = AIRFLOW_HOMES / "deferred-question"
    with AirflowInstance(home, dags_folder=DAGS, connections={known.conn_id: fields}) as instance:
        instance.wait_healthy()
        instance.wait_for_dag(DAG_ID)
        instance.unpause(DAG_ID)
        yield instance


def asked(airflow: AirflowInstance, control: Control, run_id: str, fault: str) -> Callable[[str], None]:
    """Start a run whose request is lost, kill the triggerer while it asks; return what waits for a state."""
    control.reset()
    control.fault("robusta", "start", fault)
    airflow.trigger(DAG_ID, run_id=run_id)

    def until(state: str) -> None:
        def reached() -> bool | None:
            (task,) = airflow.task_instances(DAG_ID, run_id)
            assert task.state == state or task.state not in ("success", "failed")
            return task.state == state or None

        airflow.wait_until(reached, timeout=PATIENCE, what=f"{TASK_ID} of {run_id} to be {state}")

    until("deferred")
    airflow.kill("triggerer")
    return until


def answer(airflow: AirflowInstance, run_id: str, option: str, **fields: str) -> None:
    path = f"/dags/{DAG_ID}/dagRuns/{run_id}/taskInstances/{TASK_ID}/-1/hitlDetails"
    airflow.call("PATCH", path, json={"chosen_options": [option], "params_input": fields})


def test_the_answer_comes_before_another_triggerer(airflow: AirflowInstance, control: Control) -> None:
    until = asked(airflow, control, "before", "lost_answer")
    (record,) = control.records("robusta")
    answer(airflow, "before", "It is there", id=record["id"])
    airflow.restart("triggerer")
    until("success")
    assert (control.effects("robusta")["saved"], control.effects("robusta")["requests"]["start"]) == (1, 1)


def test_the_answer_comes_after_another_triggerer(airflow: AirflowInstance, control: Control) -> None:
    until = asked(airflow, control, "after", "reset_before")
    airflow.restart("triggerer")
    answer(airflow, "after", "It is not there, send it")
    until("success")
    assert (control.effects("robusta")["saved"], control.effects("robusta")["requests"]["start"]) == (1, 2)
