"""
Credit applications in BlizWork, from opening a case to its end.

A case is opened, its application is filled in and run, the platform scores it by itself, and when the review
is pending it is run as well. The waits spend their time in two places: in the worker, and in the triggerer.

The process is ``credit`` of this package's sandbox; the connection is ``blizwork_default``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from airflow.sdk import chain, dag, task

from airflow_provider_workflows.blizwork import (
    BlizWorkActivitySensor,
    BlizWorkCaseSensor,
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)

PROCESS = "credit"


@dag(schedule=None, catchup=False, tags=["blizwork", "example"], default_args={"retries": 2})
def blizwork_credit() -> None:
    """Open a case, run its activities, and see it closed."""
    opened = BlizWorkInitCaseOperator(task_id="open", workflow_id=PROCESS)
    case: Any = {"workflow_id": PROCESS, "case_number": opened.output}

    # BlizWork minds the type of a field: text, an int, or a Decimal, which goes as a number exactly.
    apply = BlizWorkExecActivityOperator(
        task_id="apply",
        form_id="application",
        next_form_id="scoring",
        form_data={"applicant": "Ana Prieto", "age": 34, "amount": Decimal("12500.50")},
        **case,
    )

    # Nobody runs the scoring: the platform does, and then the review is pending.
    scored = BlizWorkActivitySensor(task_id="scored", form_id="review", timeout=600, **case)

    approve = BlizWorkExecActivityOperator(
        task_id="approve",
        form_id="review",
        next_form_id="approved",
        form_data={"decision": "approved"},
        **case,
    )

    # prepoll=0 takes the wait to the triggerer at once, where it costs no worker.
    closed = BlizWorkCaseSensor(
        task_id="closed", fields=["decision"], deferrable=True, prepoll=0, timeout=600, **case
    )

    @task
    def report(ended: dict[str, Any]) -> str:
        """Return what was decided, which BlizWork keeps in a field: a case has no outcome of its own."""
        return f"Case {ended['case_number']}: {ended['fields']['decision']}"

    chain(apply, scored, approve, closed)
    report(closed.output)


blizwork_credit()
