"""
A loan application in Kiban Workfloo, from its start to Kiban's decision.

The execution is started, its form answered, and its end waited for in the triggerer. That it ended with
SUCCESS says only that it came to its end, so the decision is taken from its labels and from the one field of
its detail that is named here; nothing else of Kiban's data on the applicant reaches Airflow.

The workfloo is ``loan`` of this package's sandbox; the connection is ``kiban_default``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import chain, dag, task

from airflow_provider_workflows.kiban import (
    KibanAnswerStepOperator,
    KibanStartWorkflooOperator,
    KibanStepSensor,
    KibanWorkflooSensor,
)

WORKFLOO = "64b5f0c2a1d3e4f5a6b7c801"
SCENARIO = "64b5f0c2a1d3e4f5a6b7a001"
DECISION = "nodes.Decision.ruleset.exit"
#: Made up. What a task returns is kept in Airflow's database, so real people's data had better be rendered
#: from where it lives when the form is sent.
APPLICANT = {"first_name": "Ana", "last_name": "Torres", "rfc": "TOAA900101AB1", "amount": 25000}


@dag(schedule=None, catchup=False, tags=["kiban", "example"], default_args={"retries": 2})
def kiban_loan() -> None:
    """Start an application, answer its form, and report what was decided."""
    started: Any = KibanStartWorkflooOperator(task_id="start", workfloo_id=WORKFLOO, scenario_id=SCENARIO)
    execution_id = started.output["id"]

    asked = KibanStepSensor(
        task_id="form_pending",
        execution_id=execution_id,
        node="Applicant",
        node_type="FORM",
        mode="reschedule",
        timeout=600,
    )

    # Sent once: a retry first looks whether the execution has moved on.
    answered = KibanAnswerStepOperator(
        task_id="answer", execution_id=execution_id, node="Applicant", form=APPLICANT
    )

    ended = KibanWorkflooSensor(
        task_id="ended",
        execution_id=execution_id,
        result_fields=[DECISION],
        deferrable=True,
        prepoll=0,
        timeout=600,
    )

    @task
    def report(end: dict[str, Any]) -> str:
        """Return the decision."""
        return f"{end['fields'][DECISION]} ({', '.join(end['labels'])})"

    chain(asked, answered, ended)
    report(ended.output)


kiban_loan()
