"""A task that starts when something has ended elsewhere: by our sensor, and by Airflow's own for HTTP."""

from __future__ import annotations

from airflow.providers.http.sensors.http import HttpSensor
from airflow.sdk import DAG, task

from airflow_provider_workflows.mybpm.sensors import MyBPMFieldSensor

NAME = "{{ dag_run.conf['id'] }}"


@task
def after() -> None:
    """Start, which is all that is measured."""


# Both with their own intervals.
with DAG("bench_end_ours", schedule=None, max_active_runs=64):
    ours = MyBPMFieldSensor(
        task_id="wait",
        bo_code="CUSTOMER",
        boi_id=NAME,
        field="NAME",
        value="ended",
        deferrable=True,
        timeout=600,
    )
    ours >> after()

with DAG("bench_end_http", schedule=None, max_active_runs=64):
    http = HttpSensor(task_id="wait", http_conn_id="bench_ends", endpoint=NAME, deferrable=True, timeout=600)
    http >> after()
