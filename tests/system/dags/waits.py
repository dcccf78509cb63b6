"""One order a mode of waiting; the test moves the orders on once all three wait."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG

from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowOpenOrderOperator,
    OMFlowOrderSensor,
    OMFlowPushOrderOperator,
)

MODES: dict[str, dict[str, Any]] = {
    "poke": {"mode": "poke"},
    "reschedule": {"mode": "reschedule"},
    "deferrable": {"deferrable": True, "prepoll": 0},
}

with DAG("waits", schedule=None, catchup=False, default_args={"retries": 2}):
    for name, how in MODES.items():
        opened = OMFlowOpenOrderOperator(
            task_id=f"open_{name}", api_path="two-step", form_data={"FORMITM_1": name}
        )
        where: Any = {"api_path": "two-step", "data_no": opened.output}
        waiting: Any = {**where, "poke_interval": 2, "timeout": 600, **how}
        reached = OMFlowDataIdSensor(task_id=f"reach_{name}", stop_chart_text="Approve", **waiting)
        pushed = OMFlowPushOrderOperator(
            task_id=f"push_{name}", stop_chart_text="Approve", form_data={"FORMITM_1": name}, **where
        )
        closed = OMFlowOrderSensor(task_id=f"close_{name}", fields=["FORMITM_1"], **waiting)
        reached >> pushed >> closed
