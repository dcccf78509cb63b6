"""An order that is opened, waited for in the triggerer and pushed, of which OpenLineage is told."""

from __future__ import annotations

from typing import Any

from airflow.providers.openlineage.utils.selective_enable import enable_lineage
from airflow.sdk import DAG

from airflow_provider_workflows.omflow import (
    OMFlowDataIdSensor,
    OMFlowOpenOrderOperator,
    OMFlowPushOrderOperator,
)

with DAG("lineage", schedule=None, catchup=False) as dag:
    opened = OMFlowOpenOrderOperator(task_id="open", api_path="two-step", form_data={"FORMITM_1": "a"})
    order: dict[str, Any] = {"api_path": "two-step", "data_no": opened.output, "stop_chart_text": "Approve"}
    reached = OMFlowDataIdSensor(task_id="reach", deferrable=True, prepoll=0, **order)
    pushed = OMFlowPushOrderOperator(task_id="push", form_data={"FORMITM_1": "b"}, **order)
    missed = OMFlowPushOrderOperator(task_id="miss", **{**order, "stop_chart_text": "Nowhere"})
    reached >> pushed >> missed

enable_lineage(dag)
