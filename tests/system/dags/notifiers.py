"""What fails or comes late, and notifies whom a notifier can reach, from a task, a run and a deadline."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

from airflow.sdk import (  # type: ignore[attr-defined]  # its stub does not list deadlines
    DAG,
    AsyncCallback,
    DeadlineAlert,
    DeadlineReference,
    SyncCallback,
    task,
)

from airflow_provider_workflows.blizwork import BlizWorkSendNotificationNotifier
from airflow_provider_workflows.kiban import KibanStartWorkflooNotifier
from airflow_provider_workflows.omflow import OMFlowOpenOrderNotifier

LOAN = "64b5f0c2a1d3e4f5a6b7c801"
PERSON = {"last_name": "Torres", "rfc": "TOAA900101AB1", "amount": 25000}


def notices(what: str) -> dict[type, dict[str, Any]]:
    """Return a notice at each vendor, with a template that says what it is about."""
    return {
        OMFlowOpenOrderNotifier: {
            "api_path": "two-step",
            "form_data": {"FORMITM_1": what},
            "run_key_field": "FORMITM_2",
        },
        KibanStartWorkflooNotifier: {
            "workfloo_id": LOAN,
            "form": {"first_name": what, **PERSON},
            "run_key_field": "airflow_key",
        },
        BlizWorkSendNotificationNotifier: {
            "template": what.partition(" ")[0],
            "to": ["ana@example.com", "bo@example.com"],
            "params": {"p1": what},
        },
    }


def notifiers(what: str) -> list[Any]:
    return [kind(**arguments) for kind, arguments in notices(what).items()]


with DAG("notified_task", schedule=None, catchup=False):

    @task(on_failure_callback=notifiers("task {{ ti.task_id }}"))
    def fail() -> None:
        """Fail."""
        raise ValueError("no money")

    fail()

with DAG("notified_run", schedule=None, catchup=False, on_failure_callback=notifiers("run {{ reason }}")):

    @task
    def fail_quietly() -> None:
        """Fail, of which the run tells."""
        raise ValueError("no money")

    fail_quietly()


def alert(callback: Any) -> DeadlineAlert:
    return DeadlineAlert(
        reference=DeadlineReference.DAGRUN_QUEUED_AT, interval=timedelta(seconds=1), callback=callback
    )


late = notices("deadline {{ dag_run.dag_id }}")

with DAG(
    "notified_deadline",
    schedule=None,
    catchup=False,
    deadline=[
        alert(AsyncCallback(OMFlowOpenOrderNotifier, late[OMFlowOpenOrderNotifier])),
        alert(AsyncCallback(KibanStartWorkflooNotifier, late[KibanStartWorkflooNotifier])),
        alert(
            SyncCallback(
                BlizWorkSendNotificationNotifier,
                {**late[BlizWorkSendNotificationNotifier], "blizwork_conn_id": "blizwork_of_executor"},
            )
        ),
    ],
):

    @task
    def take_long() -> None:
        """Take longer than the run may."""
        time.sleep(5)

    take_long()
