"""A table of customers into MyBPM, and an order in OMFlow for each that MyBPM has accepted."""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG

from airflow_provider_workflows.mybpm import MyBPMUpsertManyOperator
from airflow_provider_workflows.omflow import OMFlowOpenManyOperator

AGAIN = {"retries": 2, "retry_delay": timedelta(seconds=0)}
#: Seconds; as soon as the connections' timeout lets a task send again.
SETTLE = 20

with DAG("tables", schedule=None, catchup=False, default_args=AGAIN):
    customers = MyBPMUpsertManyOperator(
        task_id="customers",
        records="{{ dag_run.conf['customers'] }}",
        bo_code="CUSTOMER",
        unique_field="IIN",
        fields={"IIN": "iin", "NAME": "name", "LIMIT": {"column": "limit", "type": "number"}},
        key="iin",
        keep=["name"],
        max_rejects=1,
        settle=SETTLE,
    )
    OMFlowOpenManyOperator(
        task_id="orders",
        records=customers.output,
        api_path="purchase",
        run_key_field="FORMITM_3",
        fields={"FORMITM_1": "name"},
        key="key",
        concurrency=4,
        settle=SETTLE,
    )
