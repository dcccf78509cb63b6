"""What the benchmarks run on a real Airflow: many records in one task, and a mapped task for each record."""

from __future__ import annotations

import json
import os
from datetime import timedelta
from typing import Any

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

from airflow_provider_workflows.mybpm import MyBPMUpsertManyOperator
from airflow_provider_workflows.omflow import OMFlowOpenManyOperator
from benchmarks.peers.work import WORKS, row

RECORDS, RESULTS = os.environ["BENCH_RECORDS"], os.environ["BENCH_RESULTS"]
#: Mapped tasks: enough to know what one costs.
MAPPED = 200
MYBPM, OMFLOW = WORKS["mybpm"], WORKS["omflow"]
COMMON: dict[str, Any] = {"records": RECORDS, "key": "key", "concurrency": 20}

with DAG("bench_mapped", schedule=None, max_active_tasks=64):
    HttpOperator.partial(
        task_id="upsert", http_conn_id="bench_http", endpoint=MYBPM.path, method="POST"
    ).expand(data=[json.dumps(MYBPM.body(row(number))) for number in range(1, MAPPED + 1)])

with DAG("bench_many", schedule=None):
    MyBPMUpsertManyOperator(
        task_id="upsert", results=f"{RESULTS}/many/{{{{ run_id }}}}", **COMMON, **MYBPM.arguments
    )

with DAG("bench_resume_upserts", schedule=None):
    MyBPMUpsertManyOperator(
        task_id="many",
        results=f"{RESULTS}/upserts/{{{{ run_id }}}}",
        retries=1,
        retry_delay=timedelta(0),
        **COMMON,
        **MYBPM.arguments,
    )

with DAG("bench_resume_orders", schedule=None):
    OMFlowOpenManyOperator(
        task_id="many",
        results=f"{RESULTS}/orders/{{{{ run_id }}}}",
        retries=1,
        retry_delay=timedelta(0),
        **COMMON,
        **OMFLOW.arguments,
    )
