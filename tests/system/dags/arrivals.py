"""Notes each arrival of an OMFlow order at a stop, and each Kiban execution that ended."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, get_current_context, task

from airflow_provider_workflows.events import occurrences
from airflow_provider_workflows.kiban import kiban_ended
from airflow_provider_workflows.omflow import omflow_arrivals

TRIGGERS = {
    "arrivals": omflow_arrivals(api_path="two-step", stop_chart_text="Approve", poll_interval=1),
    "ends": kiban_ended(statuses=["SUCCESS"], poll_interval=1),
}

for name, trigger in TRIGGERS.items():
    asset = Asset(f"system_{name}", watchers=[AssetWatcher(name=name, trigger=trigger)])
    with DAG(name, schedule=[asset], catchup=False):

        @task
        def note() -> list[dict[str, Any]]:
            """Return what the run was started for."""
            return occurrences(get_current_context()["triggering_asset_events"])

        note()
