"""
A table of customers into MyBPM, and a credit case in BlizWork for each that MyBPM has accepted.

One task writes all customers, another opens all cases, a third fills in their applications. Each takes what
the task before it has done. A bad customer stops no other: the report counts and lists them.

The object ``CUSTOMER`` and the process ``credit`` are this package's sandbox's; the connections are
``mybpm_default`` and ``blizwork_default``.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from airflow.sdk import ObjectStoragePath, dag, task

from airflow_provider_workflows.blizwork import BlizWorkExecManyOperator, BlizWorkInitManyOperator
from airflow_provider_workflows.mybpm import MyBPMUpsertManyOperator

CUSTOMERS = Path(__file__).with_suffix(".csv")
# With workers on several machines, a folder that all of them see, such as s3://aws_default@results/customers.
RESULTS = str(Path(tempfile.gettempdir()) / "customer_table")
PROCESS = "credit"


@dag(schedule=None, catchup=False, tags=["mybpm", "blizwork", "example"], default_args={"retries": 2})
def customer_table() -> None:
    """Load customers, open a case for each, and report."""
    customers = MyBPMUpsertManyOperator(
        task_id="customers",
        records=str(CUSTOMERS),
        bo_code="CUSTOMER",
        # MyBPM holds it unique, so a second request for the same customer changes nothing.
        unique_field="IIN",
        fields={
            "IIN": "iin",
            "NAME": "name",
            "LIMIT": {"column": "credit_limit", "type": "number"},
            "SINCE": {"column": "since", "type": "datetime", "timezone": "Asia/Almaty"},
        },
        key="iin",
        keep=["name", "credit_limit"],
        # Half of the rows may be bad before the task fails.
        max_rejects=0.5,
        results=RESULTS,
    )

    cases = BlizWorkInitManyOperator(
        task_id="cases",
        records=customers.output,
        workflow_id=PROCESS,
        key="key",
        keep=["name", "credit_limit"],
        # Nothing can find a case whose answer was lost, so a few at a time.
        concurrency=4,
        results=RESULTS,
    )

    applications = BlizWorkExecManyOperator(
        task_id="applications",
        records=cases.output,
        workflow_id=PROCESS,
        form_id="application",
        next_form_id="scoring",
        columns={"case_number": "id"},
        fields={"applicant": "name", "amount": {"column": "credit_limit", "type": "number"}},
        key="key",
        results=RESULTS,
    )

    # It also runs if a task has failed, because each leaves its counts all the same.
    @task(trigger_rule="all_done")
    def report(loaded: dict[str, Any], applied: dict[str, Any]) -> dict[str, Any]:
        """Count what became of the customers, and list those that MyBPM has not accepted."""
        parts = sorted(ObjectStoragePath(loaded["results"]).glob("part-*.jsonl"))
        rows = [json.loads(line) for part in parts for line in part.read_text().splitlines()]
        return {
            "customers": loaded["done"],
            "applications": applied["done"],
            "rejected": {row["key"]: row["message"] for row in rows if row["outcome"] == "rejected"},
        }

    report(customers.output, applications.output)


customer_table()
