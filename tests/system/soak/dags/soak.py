"""The soak's load: each way to submit, in each mode; many records in one task; sensors; feeds."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, get_current_context
from airflow.sdk import task as taskflow

from airflow_provider_workflows.events import occurrences
from airflow_provider_workflows.kiban import kiban_ended
from airflow_provider_workflows.omflow import omflow_arrivals
from tests.system.chaos.operators import class_at, give_way, is_wanted, mapped, table
from tests.system.chaos.variants import VARIANTS, VENDORS
from tests.system.chaos.vendor import Watcher, target
from tests.system.soak.plan import ARRIVALS, ENDS, SIZE, WAITS, dag_id_of, table_of, wait_of

#: Longer together than the vendor is ever away, so that what can be asked must succeed.
AGAIN = {"retries": 8, "retry_delay": timedelta(seconds=5)}


def waits(watcher: Watcher, conn_id: str) -> Any:
    """Sensors in the triggerer, on what the run names."""
    sensor = class_at(watcher.path).partial(
        task_id="submit",
        deferrable=True,
        poke_interval=5,
        timeout=1800,
        **watcher.fixed,
        **{watcher.conn: conn_id},
    )
    return sensor.expand(**{watcher.each: [target("", index) for index in range(WAITS)]})


give_way()
for variant in VARIANTS.values():
    for mode in variant.modes:
        if is_wanted(dag_id := dag_id_of(variant, mode)):
            with DAG(dag_id, schedule=None, default_args=AGAIN, max_active_tasks=64) as dag:
                mapped(variant.name, conn_id=f"soak_{variant.name}", size=SIZE, mode=mode)
            globals()[dag_id] = dag
    if variant.table is not None and is_wanted(dag_id := table_of(variant)):
        with DAG(dag_id, schedule=None, default_args=AGAIN) as dag:
            table(variant, conn_id=dag_id)
        globals()[dag_id] = dag
for name, vendor in VENDORS.items():
    if is_wanted(dag_id := wait_of(name)):
        with DAG(dag_id, schedule=None, default_args=AGAIN, max_active_tasks=64) as dag:
            waits(vendor.watcher, dag_id)
        globals()[dag_id] = dag
for dag_id, trigger in (
    (
        ARRIVALS,
        omflow_arrivals(
            api_path="patient", stop_chart_text="Approve", omflow_conn_id=wait_of("omflow"), poll_interval=5
        ),
    ),
    (ENDS, kiban_ended(statuses=["SUCCESS"], kiban_conn_id=wait_of("kiban"), poll_interval=5)),
):
    if is_wanted(dag_id):
        asset = Asset(dag_id, watchers=[AssetWatcher(name=dag_id, trigger=trigger)])
        with DAG(dag_id, schedule=[asset], catchup=False, default_args=AGAIN) as dag:

            @taskflow
            def submit() -> list[dict[str, Any]]:
                """Return what the run was started for."""
                return occurrences(get_current_context()["triggering_asset_events"])

            submit()
        globals()[dag_id] = dag
