"""Of one way to start at each vendor: a mapped task of 50, a daily DAG, and one for ``dag.test()``."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG

from tests.system.chaos.operators import give_way, is_wanted, mapped, single
from tests.system.chaos.variants import MANY, VARIANTS

SIBLINGS = 50
SIZE = int(os.environ.get("CHAOS_SIZE", "20"))
AGAIN = {"retries": 2, "retry_delay": timedelta(seconds=1)}


def siblings(name: str, mode: str, lane: str) -> DAG:
    """A mapped task of 50."""
    with DAG(f"{lane}_many", schedule=None, default_args=AGAIN, max_active_tasks=64) as dag:
        mapped(name, conn_id=lane, size=SIBLINGS, mode=mode)
    return dag


def daily(name: str, mode: str, lane: str) -> DAG:
    """One task a day, whose submission has the day in its tag."""
    with DAG(
        f"{lane}_backfill",
        schedule="@daily",
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        end_date=datetime(2026, 2, 1, tzinfo=UTC),
        catchup=False,
        default_args=AGAIN,
        max_active_runs=32,
    ) as dag:
        single(name, conn_id=lane, mode=mode, tag=f"{lane}_backfill.{{{{ ds_nodash }}}}")
    return dag


def alone(name: str, mode: str, lane: str) -> DAG:
    """A mapped task for ``dag.test()``, at the vendor of the lane of what does not wait."""
    with DAG(f"{lane}_alone", schedule=None, default_args=AGAIN) as dag:
        mapped(name, conn_id=VARIANTS[name].dag_id("no-wait"), size=SIZE, mode=mode)
    return dag


give_way()
for name in MANY:
    for mode in VARIANTS[name].modes:
        lane = VARIANTS[name].dag_id(mode)
        for make, dag_id in (
            (siblings, f"{lane}_many"),
            (daily, f"{lane}_backfill"),
            (alone, f"{lane}_alone"),
        ):
            if is_wanted(dag_id):
                globals()[dag_id] = make(name, mode, lane)
