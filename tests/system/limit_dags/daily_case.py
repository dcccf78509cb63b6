"""A case each day, for a backfill that no pool holds back."""

from __future__ import annotations

import pendulum
from airflow.sdk import dag

from airflow_provider_workflows.blizwork import BlizWorkInitCaseOperator


@dag(schedule="@daily", start_date=pendulum.datetime(2026, 1, 1, tz="UTC"), catchup=False, max_active_runs=40)
def daily_case() -> None:
    BlizWorkInitCaseOperator(task_id="init", workflow_id="one-step")


daily_case()
