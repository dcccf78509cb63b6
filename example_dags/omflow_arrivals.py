"""
Requests for supplies that arrive at "Review" in OMFlow, approved as they come.

Nobody triggers this DAG: Airflow starts it when an order arrives, whoever opened it. Several arrivals may
come in one run, so each is a mapped task. One may also come twice, in which case the order has been pushed on
already and is left alone.

The process is ``supplies`` of this package's sandbox; the connection is ``omflow_default``. No other example
uses this process: this one would push that one's orders.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import Asset, AssetWatcher, dag, get_current_context, task

from airflow_provider_workflows.events import occurrences
from airflow_provider_workflows.omflow import OMFlowHook, OMFlowPushOrderOperator, omflow_arrivals

PROCESS, STOP = "supplies", "Review"

arrived = Asset(
    "supplies_at_review",
    watchers=[
        AssetWatcher(
            name="omflow",
            trigger=omflow_arrivals(api_path=PROCESS, stop_chart_text=STOP, poll_interval=10),
        )
    ],
)


@dag(schedule=[arrived], catchup=False, tags=["omflow", "example"], default_args={"retries": 2})
def omflow_arrivals_example() -> None:
    """Push each order on that still stands where it arrived."""

    @task
    def waiting() -> list[dict[str, Any]]:
        """Return the orders to push: what arrived, as far as it stands there still."""
        hook = OMFlowHook()
        found = {
            order["data_no"]: {"data_no": order["data_no"]}
            for order in occurrences(get_current_context()["triggering_asset_events"])
            if any(stop.stop_chart_text == STOP for stop in hook.query(PROCESS, order["data_no"]))
        }
        return list(found.values())

    OMFlowPushOrderOperator.partial(
        task_id="approve", api_path=PROCESS, stop_chart_text=STOP, quick_action="action1"
    ).expand_kwargs(waiting())


omflow_arrivals_example()
