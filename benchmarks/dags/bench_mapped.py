"""What one would do without this package: a mapped task for each record, by Airflow's own HTTP operator."""

from __future__ import annotations

import json

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

from benchmarks.peers.work import WORKS, row

#: Enough to know what one costs.
TASKS = 200
MYBPM = WORKS["mybpm"]

with DAG("bench_mapped", schedule=None, max_active_tasks=64):
    HttpOperator.partial(
        task_id="upsert", http_conn_id="bench_http", endpoint=MYBPM.path, method="POST"
    ).expand(data=[json.dumps(MYBPM.body(row(number))) for number in range(1, TASKS + 1)])
