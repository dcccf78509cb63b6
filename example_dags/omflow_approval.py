"""
A budget that a person approves in Airflow, or in OMFlow: whoever is first.

The order waits at its stop "Approve". A person sees the question among Airflow's required actions; the answer
is pushed into OMFlow, an approval with the name of who gave it. If somebody has pushed the order in OMFlow
before the sensor saw it at the stop, nobody is asked.

The process is ``budget`` of this package's sandbox; the connection is ``omflow_default``.
"""

from __future__ import annotations

from typing import Any

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import chain, dag, task

from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowOpenOrderOperator,
    OMFlowOrderSensor,
    OMFlowPushOrderOperator,
)

STOP = "Approve"
# As a template, it makes no task wait for "open" by itself: "refuse" must only wait for "approve".
DATA_NO = "{{ ti.xcom_pull(task_ids='open') }}"
# Who approved, as Airflow knows them.
PERSON = "{{ ti.xcom_pull(task_ids='ask')['responded_by_user']['name'] }}"


@dag(schedule=None, catchup=False, tags=["omflow", "example"], default_args={"retries": 2})
def omflow_approval() -> None:
    """Open an order, ask a person, and push what they answer."""
    opened = OMFlowOpenOrderOperator(
        task_id="open",
        api_path="budget",
        form_data={"FORMITM_1": "Desks for the new office", "FORMITM_2": 4800},
        item_types={"FORMITM_1": "h_title"},
        run_key_field="FORMITM_3",
    )
    order: Any = {"api_path": "budget", "data_no": DATA_NO}
    at_stop = OMFlowDataIdSensor(
        task_id="at_stop", stop_chart_text=STOP, on_passed="succeed", deferrable=True, **order
    )

    @task.short_circuit
    def is_undecided(passed: bool) -> bool:
        """Return whether to ask; if not, all that comes after is skipped."""
        return not passed

    ask = ApprovalOperator(
        task_id="ask",
        subject="Approve 4,800 for desks?",
        body=f"Order {DATA_NO} of the process *budget* in OMFlow.",
    )
    approve = OMFlowPushOrderOperator(
        task_id="approve",
        stop_chart_text=STOP,
        form_data={"FORMITM_4": "approved", "FORMITM_5": PERSON},
        **order,
    )
    # "Reject" skips the task right after the question, and only that one. It does so before the question's
    # own task has ended, so this one cannot read who it was.
    refuse = OMFlowPushOrderOperator(
        task_id="refuse",
        stop_chart_text=STOP,
        form_data={"FORMITM_4": "refused"},
        trigger_rule="all_skipped",
        **order,
    )
    # Whoever decides, and wherever, this one sees the end.
    closed = OMFlowOrderSensor(
        task_id="closed", fields=["FORMITM_4", "FORMITM_5"], deferrable=True, prepoll=0, **order
    )
    chain(opened, at_stop, is_undecided(at_stop.output["passed"]), ask, approve, refuse)
    chain(opened, closed)


omflow_approval()
