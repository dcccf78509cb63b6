"""
The control without this package: Robusta's start, one plain POST, by the http provider's own operator.

Its connection has the fields that the other lanes' have, and the http provider's type.
"""

from __future__ import annotations

import json
import os
from datetime import timedelta

from airflow.providers.http.operators.http import HttpOperator
from airflow.sdk import DAG

SIZE = int(os.environ.get("CHAOS_SIZE", "20"))


def body(index: int) -> str:
    """What RobustaStartProcessOperator sends for the same start."""
    tag = f"{{{{ dag_run.conf['tag'] }}}}.{index}"
    start = {
        "name": "ShortBot",
        "worker": "3",
        "runOnce": "Y",
        "runImmediately": "Y",
        "values": {"tag": tag},
    }
    return json.dumps(start)


with DAG(
    "http_control",
    schedule=None,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=1)},
    max_active_tasks=64,
):
    HttpOperator.partial(
        task_id="submit",
        http_conn_id="http_control",
        endpoint="/scheduler/connector-api/process/start",
        method="POST",
        headers={"Content-Type": "application/json"},
    ).expand(data=[body(index) for index in range(SIZE)])
