"""Tasks to which something happens; which faults, the test decides."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from airflow.sdk import DAG

from airflow_provider_workflows.omflow import OMFlowOpenOrderOperator, OMFlowOrderSensor

#: Retries come at once: none of these tests is about how long they wait.
AGAIN = {"retries": 2, "retry_delay": timedelta(seconds=0)}
FORM = {"FORMITM_1": "in trouble"}

with DAG("lost_answer", schedule=None, catchup=False, default_args=AGAIN):
    OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data=FORM)

with DAG("wrong_password", schedule=None, catchup=False, default_args=AGAIN):
    OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data=FORM, omflow_conn_id="omflow_wrong")

with DAG("retry_attaches", schedule=None, catchup=False, default_args=AGAIN):
    OMFlowOpenOrderOperator(
        task_id="open",
        api_path="simple",
        form_data=FORM,
        attachments=[Path(__file__)],
        omflow_conn_id="omflow_old",
    )

with DAG("soft_fail", schedule=None, catchup=False, default_args=AGAIN):
    opened = OMFlowOpenOrderOperator(task_id="open", api_path="simple", form_data=FORM)
    OMFlowOrderSensor(
        task_id="never",
        api_path="simple",
        data_no=opened.output,
        deferrable=True,
        prepoll=0,
        timeout=12,
        poke_interval=2,
        soft_fail=True,
    )
