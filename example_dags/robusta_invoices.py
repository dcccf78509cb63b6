"""
Robots of Robusta RPA that collect documents.

One robot run is waited for by the task that starts it, in the triggerer, where a wait costs no worker. The
others are started and left, and a sensor waits for each.

The processes are ``CollectDocument`` and ``InvoiceBot`` of this package's sandbox; the connection is
``robusta_default``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import dag, task, task_group

from airflow_provider_workflows.robusta import RobustaStartProcessOperator, RobustaStatusSensor

# Ids of robots are shown in Robusta's Scheduler, behind the "Parameters" of a process.
WORKER = "3"


@dag(schedule=None, catchup=False, tags=["robusta", "example"], default_args={"retries": 2})
def robusta_invoices() -> None:
    """Collect a customer's document, then read the invoices of its orders."""
    document = RobustaStartProcessOperator(
        task_id="collect_document",
        process_name="CollectDocument",
        worker=WORKER,
        values={"customer": "{{ dag_run.conf.get('customer', 4711) }}"},
        wait_for_completion=True,
        deferrable=True,
        timeout=600,
    )

    @task
    def orders(collected: dict[str, Any]) -> list[dict[str, Any]]:
        """Return the input of one robot run an order; numbers go out as text, as robots take no other."""
        print(f"{collected['outputs']['pages']} pages in {collected['outputs']['document']}")
        return [{"orderNo": 7}, {"orderNo": 8}]

    @task_group
    def invoice(values: dict[str, Any]) -> Any:
        """Read one invoice."""
        started: Any = RobustaStartProcessOperator(
            task_id="start", process_name="InvoiceBot", worker=WORKER, values=values
        ).output
        read = RobustaStatusSensor(
            task_id="read", spid=started["spid"], mode="reschedule", poke_interval=30, timeout=600
        )
        return read.output

    @task
    def report(invoices: list[dict[str, Any]]) -> dict[str, int]:
        """Return what each order costs; a robot's outputs may be text too."""
        return {one["order"]: int(one["total"]) for one in invoices}

    report(invoice.expand(values=orders(document.output)))


robusta_invoices()
