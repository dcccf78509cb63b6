"""One DAG for each variant and mode, with one mapped task; which faults strike it, the cell decides."""

from __future__ import annotations

import os
from datetime import timedelta

from airflow.sdk import DAG

from tests.system.chaos.operators import give_way, is_wanted, mapped
from tests.system.chaos.variants import VARIANTS

SIZE = int(os.environ.get("CHAOS_SIZE", "20"))
#: Retries come soon: what a retry would send twice shall show.
AGAIN = {"retries": 2, "retry_delay": timedelta(seconds=1)}

give_way()
for variant in VARIANTS.values():
    for mode in variant.modes:
        dag_id = variant.dag_id(mode)
        if not is_wanted(dag_id):
            continue
        with DAG(dag_id, schedule=None, catchup=False, default_args=AGAIN, max_active_tasks=64) as dag:
            mapped(variant.name, conn_id=dag_id, size=SIZE, mode=mode)
        globals()[dag_id] = dag
