"""Many records in one task: undisturbed, and with a retry for a task that is killed."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import Any

from airflow.sdk import DAG

from airflow_provider_workflows.mybpm import MyBPMUpsertManyOperator
from airflow_provider_workflows.omflow import OMFlowOpenManyOperator
from benchmarks.peers.work import WORKS

RESULTS = os.environ["BENCH_RESULTS"]
COMMON: dict[str, Any] = {
    "task_id": "many",
    "records": os.environ["BENCH_RECORDS"],
    "key": "key",
    "concurrency": 20,
    "results": f"{RESULTS}/{{{{ dag.dag_id }}}}/{{{{ run_id }}}}",
}
RETRIED: dict[str, Any] = {**COMMON, "retries": 1, "retry_delay": timedelta(0)}

with DAG("bench_many", schedule=None):
    MyBPMUpsertManyOperator(**COMMON, **WORKS["mybpm"].arguments)

with DAG("bench_resume_upserts", schedule=None):
    MyBPMUpsertManyOperator(**RETRIED, **WORKS["mybpm"].arguments)

with DAG("bench_resume_orders", schedule=None):
    OMFlowOpenManyOperator(**RETRIED, **WORKS["omflow"].arguments)
