"""
A loan, from the application to the payout, across five systems.

Kiban decides on the application, a Robusta robot collects the applicant's document, MyBPM keeps the customer,
BlizWork runs the credit case, and OMFlow pays out. The processes are those of this package's sandbox, the
connections have their default ids. ``make demo`` runs this DAG.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow.sdk import TaskGroup, chain, dag, task

from airflow_provider_workflows.blizwork import (
    BlizWorkActivitySensor,
    BlizWorkCaseSensor,
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.kiban import (
    KibanAnswerStepOperator,
    KibanStartWorkflooOperator,
    KibanStepSensor,
    KibanWorkflooSensor,
)
from airflow_provider_workflows.mybpm import MyBPMFieldSensor, MyBPMUpsertBOIOperator
from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowOpenOrderOperator,
    OMFlowOrderSensor,
    OMFlowPushOrderOperator,
)
from airflow_provider_workflows.robusta import RobustaStartProcessOperator

AMOUNT = 25000
APPLICANT = {"first_name": "Ana", "last_name": "Torres", "rfc": "TOAA900101AB1", "amount": AMOUNT}
NAME = f"{APPLICANT['first_name']} {APPLICANT['last_name']}"

#: Waits go to the triggerer at once, where they cost no worker, and give up after ten minutes.
PATIENT: dict[str, Any] = {"deferrable": True, "prepoll": 0, "timeout": 600}


@dag(schedule=None, catchup=False, tags=["example"], default_args={"retries": 2})
def loan_origination() -> None:
    """Take one application through five systems."""
    # Start the application in Kiban, answer its form, and wait for the decision.
    with TaskGroup("decide") as decide:
        started = KibanStartWorkflooOperator(
            task_id="start", workfloo_id="64b5f0c2a1d3e4f5a6b7c801", scenario_id="64b5f0c2a1d3e4f5a6b7a001"
        )
        application: Any = started.output
        execution: Any = {"execution_id": application["id"]}
        asked = KibanStepSensor(task_id="form_pending", node="Applicant", timeout=600, **execution)
        answered = KibanAnswerStepOperator(task_id="answer", node="Applicant", form=APPLICANT, **execution)
        decided = KibanWorkflooSensor(
            task_id="decided", result_fields=["nodes.Decision.ruleset.exit"], **execution, **PATIENT
        )
        chain(asked, answered, decided)

    # A robot fetches the applicant's document.
    collected = RobustaStartProcessOperator(
        task_id="collect_document",
        process_name="CollectDocument",
        worker="3",
        values={"customer": APPLICANT["rfc"]},
        wait_for_completion=True,
        deferrable=True,
        timeout=600,
    )

    # Bring the customer up to date in MyBPM, and wait until its data are checked.
    with TaskGroup("register") as register:
        customer: Any = MyBPMUpsertBOIOperator(
            task_id="customer",
            bo_code="CUSTOMER",
            unique_field="IIN",
            field_values={"IIN": APPLICANT["rfc"], "NAME": NAME, "LIMIT": AMOUNT},
        ).output
        MyBPMFieldSensor(
            task_id="checked",
            bo_code="CUSTOMER",
            boi_id=customer["boi_id"],
            field="STATUS",
            value="statusChk@000002",
            **PATIENT,
        )

    # Open the credit case in BlizWork, fill it in, and approve it when its review is pending.
    with TaskGroup("approve") as approve:
        case: Any = {
            "workflow_id": "credit",
            "case_number": BlizWorkInitCaseOperator(task_id="open", workflow_id="credit").output,
        }
        applied = BlizWorkExecActivityOperator(
            task_id="apply",
            form_id="application",
            next_form_id="scoring",
            form_data={"applicant": NAME, "age": 36, "amount": Decimal(AMOUNT)},
            **case,
        )
        scored = BlizWorkActivitySensor(task_id="scored", form_id="review", timeout=600, **case)
        approved = BlizWorkExecActivityOperator(
            task_id="approve",
            form_id="review",
            next_form_id="approved",
            form_data={"decision": "approved"},
            **case,
        )
        closed = BlizWorkCaseSensor(task_id="closed", timeout=600, **case)
        chain(applied, scored, approved, closed)

    # Open the payout in OMFlow, release it when it is up for that, and see it paid.
    with TaskGroup("pay") as pay:
        opened = OMFlowOpenOrderOperator(
            task_id="open",
            api_path="payout",
            form_data={"FORMITM_1": NAME, "FORMITM_2": AMOUNT},
            item_types={"FORMITM_1": "h_title"},
            run_key_field="FORMITM_3",
        )
        order: Any = {"api_path": "payout", "data_no": opened.output}
        reached = OMFlowDataIdSensor(
            task_id="up_for_release", stop_chart_text="Release", mode="reschedule", timeout=600, **order
        )
        released = OMFlowPushOrderOperator(
            task_id="release", stop_chart_text="Release", quick_action="action1", **order
        )
        paid = OMFlowOrderSensor(task_id="paid", fields=["FORMITM_2"], timeout=600, **order)
        chain(reached, released, paid)

    @task
    def report(decision: dict[str, Any], robot: dict[str, Any], payout: dict[str, Any]) -> str:
        """Return what has come of it."""
        decided, document = decision["fields"]["nodes.Decision.ruleset.exit"], robot["outputs"]["document"]
        return f"{decided}; {document}; {payout['fields']['FORMITM_2']} {payout['closing_stop']}"

    chain(decide, [collected, register], approve, pay)
    report(decided.output, collected.output, paid.output)


loan_origination()
