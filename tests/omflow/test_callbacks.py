"""Notifiers called by Airflow's own code: in task, DAG processor, triggerer and executor (3.3)."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
import structlog
from airflow.sdk import DAG, BaseOperator

from airflow_provider_workflows.omflow.notifications import OMFlowOpenOrderNotifier
from tests.conftest import OMFlowServer
from tests.core.airflow_private import RUN_CALLBACKS, TASK_CALLBACKS, private
from tests.core.calling import failure, missed_deadline

PATH = "airflow_provider_workflows.omflow.notifications.OMFlowOpenOrderNotifier"
ORDER: dict[str, Any] = {
    "api_path": "two-step",
    "form_data": {"FORMITM_1": "help"},
    "run_key_field": "FORMITM_2",
}


@pytest.mark.parametrize(("path", "opened"), [("two-step", 1), ("", 0)])
def test_a_tasks_callbacks_go_on_whatever_one_raises(omflow: OMFlowServer, path: str, opened: int) -> None:
    heard: list[Any] = []
    notifier = OMFlowOpenOrderNotifier(**{**ORDER, "api_path": path})
    task = BaseOperator(task_id="pay", on_failure_callback=[notifier, heard.append])
    context = {**failure(), "outlet_events": {}}
    log = structlog.get_logger("task")
    private(TASK_CALLBACKS)(task, "on_failure_callback", context, log)
    assert heard == [context]
    assert omflow.effects()["opened"] == opened


@pytest.mark.parametrize(("path", "state", "opened"), [("two-step", "success", 1), ("", "failed", 0)])
def test_the_triggerer_awaits_a_deadlines(omflow: OMFlowServer, path: str, state: str, opened: int) -> None:
    callback = pytest.importorskip("airflow.triggers.callback")

    async def fire() -> list[Any]:
        # The context is taken out of the arguments, so a restarted triggerer has its own.
        arguments = {**ORDER, "api_path": path, "context": missed_deadline()}
        return [event.payload async for event in callback.CallbackTrigger(PATH, arguments).run()]

    for _ in range(2):
        events = asyncio.run(fire())
        assert [event["state"] for event in events] == ["running", state]
    assert omflow.effects()["opened"] == opened, "a triggerer that restarts fires it again"
    assert ("OMFlowOpenOrderNotifier has sent nothing" in str(events[-1]["body"])) == (state == "failed")


@pytest.mark.parametrize(("path", "done", "opened"), [("two-step", True, 1), ("", False, 0)])
def test_the_executor_calls_a_deadlines(omflow: OMFlowServer, path: str, done: bool, opened: int) -> None:
    supervisor = pytest.importorskip("airflow.sdk.execution_time.callback_supervisor")
    arguments = {**ORDER, "api_path": path, "context": missed_deadline()}
    result, error = supervisor.execute_callback(PATH, arguments, "", None, supervisor.log)
    assert result is done
    assert omflow.effects()["opened"] == opened
    assert ("OMFlowOpenOrderNotifier has sent nothing" in str(error)) is not done


def test_the_dag_processor_calls_a_runs(omflow: OMFlowServer) -> None:
    from airflow.callbacks.callback_requests import DagCallbackRequest

    order = {**ORDER, "form_data": {"FORMITM_1": "{{ run_id }}: {{ reason }}"}}
    dag = DAG("loans", schedule=None, on_failure_callback=OMFlowOpenOrderNotifier(**order))
    for run_id in ("monday", "monday", "tuesday"):
        request = DagCallbackRequest(
            filepath="loans.py",
            bundle_name="dags",
            bundle_version=None,
            dag_id="loans",
            run_id=run_id,
            is_failure_callback=True,
            msg="task_failure",
        )
        bag = SimpleNamespace(dags={"loans": dag})
        private(RUN_CALLBACKS)(bag, request, structlog.get_logger("processor"))
    records = omflow.control.records(omflow.name)
    titles = [record["fields"]["FORMITM_1"] for record in records]
    assert titles == ["monday: task_failure", "tuesday: task_failure"]
