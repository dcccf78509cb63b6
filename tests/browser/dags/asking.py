"""A task that asks a person about a lost answer."""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_workflows.robusta import RobustaStartProcessOperator

with DAG("invoices", schedule=None, catchup=False, default_args={"on_lost_answer": "ask"}):
    RobustaStartProcessOperator(
        task_id="start_robot", process_name="InvoiceBot", worker="3", values={"orderNo": "4711"}, settle=0
    )
