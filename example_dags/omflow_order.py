"""
Purchase orders in OMFlow, from opening to their end.

Each order is opened, pushed on at "Review" and then at "Legal" and "Finance" side by side, and closes. The
waits spend their time in three places, as a DAG of yours may choose: in the worker, rescheduled, and in the
triggerer.

The process is ``purchase`` of this package's sandbox; the connection is ``omflow_default``.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import chain, dag, task, task_group

from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowOpenOrderOperator,
    OMFlowOrderSensor,
    OMFlowPushOrderOperator,
)

PROCESS = "purchase"


@dag(schedule=None, catchup=False, tags=["omflow", "example"], default_args={"retries": 2})
def omflow_order() -> None:
    """Open orders, push each through its stops, and see them closed."""

    @task
    def wanted() -> list[dict[str, Any]]:
        """Return one form an order; numbers go out as text, which is what OMFlow's forms hold."""
        return [
            {"FORMITM_1": "Desk for the new office", "FORMITM_2": 480},
            {"FORMITM_1": "Lamp for the new office", "FORMITM_2": 65},
        ]

    @task_group
    def order(form: dict[str, Any]) -> Any:
        """Take one order through its process."""
        # FORMITM_1 also fills the order's title. FORMITM_3 is a text field of the process that nobody fills:
        # the operator's mark goes there.
        opened = OMFlowOpenOrderOperator(
            task_id="open",
            api_path=PROCESS,
            form_data=form,
            item_types={"FORMITM_1": "h_title"},
            run_key_field="FORMITM_3",
        )

        def stop(name: str, **how: Any) -> None:
            """Wait for the order at a stop and push it on with the stop's first quick action."""
            place: Any = {"api_path": PROCESS, "data_no": opened.output, "stop_chart_text": name}
            reached = OMFlowDataIdSensor(task_id=f"at_{name.lower()}", timeout=600, **place, **how)
            pushed = OMFlowPushOrderOperator(task_id=f"push_{name.lower()}", quick_action="action1", **place)
            chain(reached, pushed)

        stop("Review")
        stop("Legal", mode="reschedule")
        stop("Finance", mode="reschedule")

        # All of them watch from the beginning. This one does so in the triggerer, where a wait costs no
        # worker; prepoll=0 takes it there at once instead of after ten seconds of looking from the worker.
        closed = OMFlowOrderSensor(
            task_id="closed",
            api_path=PROCESS,
            data_no=opened.output,
            fields=["FORMITM_1", "FORMITM_6"],
            deferrable=True,
            prepoll=0,
            timeout=600,
        )
        return closed.output

    @task
    def report(orders: list[dict[str, Any]]) -> dict[str, str]:
        """Return what was decided on each order."""
        return {order["fields"]["FORMITM_1"]: order["fields"]["FORMITM_6"] for order in orders}

    report(order.expand(form=wanted()))


omflow_order()
