"""For each operator for many records, a DAG with one task; for each vendor that sells plans, a daily DAG."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.sdk import DAG

from tests.system.chaos.operators import give_way, is_wanted, single, table
from tests.system.chaos.tables.settings import ASKING
from tests.system.chaos.variants import TABLES, VENDORS
from tests.system.chaos.vendor import Variant

#: A busy machine takes long to start an API server again, and each attempt without one fails.
AGAIN = {"retries": 20, "retry_delay": timedelta(seconds=2)}


def sending(variant: Variant, lane: str, **more: Any) -> DAG:
    """One task that sends a table."""
    with DAG(lane, schedule=None, default_args=AGAIN) as dag:
        table(variant, conn_id=lane, **more)
    return dag


def planned(variant: Variant, lane: str) -> DAG:
    """One task a day, without retries and without a pool."""
    with DAG(
        lane,
        schedule="@daily",
        start_date=datetime(2025, 1, 1, tzinfo=UTC),
        end_date=datetime(2025, 12, 31, tzinfo=UTC),
        catchup=False,
        default_args={"retries": 0},
        max_active_runs=32,
    ) as dag:
        single(variant.name, conn_id=lane, tag=f"{lane}.{{{{ ds_nodash }}}}")
    return dag


give_way()
for variant in TABLES:
    if is_wanted(lane := f"{variant.name}_table"):
        globals()[lane] = sending(variant, lane)
    if is_wanted(asking := f"{lane}{ASKING}"):
        globals()[asking] = sending(variant, asking, on_lost_answer="ask")
for vendor in VENDORS.values():
    if vendor.plan is not None and is_wanted(lane := f"{vendor.first.name}_planned"):
        globals()[lane] = planned(vendor.first, lane)
