"""
A request in MyBPM on behalf of a customer, from the customer's record to the request's end.

The customer is created or updated by the identity number, which MyBPM holds unique, so the task may run as
often as it likes. MyBPM then checks the record by itself; the request is made once that is done, decided on,
and waited for until MyBPM has archived it.

The objects ``CUSTOMER`` and ``REQUEST`` are this package's sandbox's; the connection is ``mybpm_default``.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from airflow.sdk import chain, dag, task

from airflow_provider_workflows.mybpm import MyBPMFieldSensor, MyBPMStateSensor, MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.api.references import FieldReference

# Selection fields hold the ids of their options; a person sees the labels.
CHECKED = "statusChk@000002"
YES = "decisionYes~0001"


@dag(schedule=None, catchup=False, tags=["mybpm", "example"], default_args={"retries": 2})
def mybpm_request() -> None:
    """Bring a customer up to date, and take a request through its process."""
    customer = MyBPMUpsertBOIOperator(
        task_id="customer",
        bo_code="CUSTOMER",
        unique_field="IIN",
        field_values={
            "IIN": "900101300123",
            "NAME": "Asel Nurlanova",
            "LIMIT": Decimal("250000.00"),
            "SINCE": datetime(2021, 5, 17, 9, 30, tzinfo=UTC),
        },
        # Both branches are named by their code. Linking is repeated only after reading back.
        field_ref_add=[FieldReference("BRANCHES", "CODE", ["N1", "S1"])],
        validate=True,
    )

    record: Any = customer.output

    # Watched from the triggerer, where a wait costs no worker; prepoll=0 takes it there at once.
    checked = MyBPMFieldSensor(
        task_id="checked",
        bo_code="CUSTOMER",
        boi_id=record["boi_id"],
        field="STATUS",
        value=CHECKED,
        deferrable=True,
        prepoll=0,
        timeout=600,
    )

    request = MyBPMUpsertBOIOperator(
        task_id="request",
        bo_code="REQUEST",
        unique_field="NUM",
        field_values={"NUM": "{{ run_id }}", "SUBJECT": "Higher limit"},
    )
    made: Any = request.output
    boi_id = made["boi_id"]
    decided = MyBPMUpsertBOIOperator(
        task_id="decide", bo_code="REQUEST", boi_id=boi_id, field_values={"DECISION": YES}
    )
    archived = MyBPMStateSensor(
        task_id="archived",
        bo_code="REQUEST",
        boi_id=boi_id,
        states=["ARCHIVED"],
        mode="reschedule",
        timeout=600,
    )

    @task
    def report(status: dict[str, Any], end: dict[str, Any]) -> dict[str, str]:
        """Return what has become of both."""
        return {"customer": status["displayValue"], "request": end["state"]}

    chain(checked, request)
    chain(decided, archived)
    report(checked.output, archived.output)


mybpm_request()
