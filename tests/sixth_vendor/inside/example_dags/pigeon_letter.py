"""Send a letter by Pigeon Post, and wait for its arrival in the triggerer."""

from __future__ import annotations

from airflow.sdk import dag
from airflow_provider_workflows.pigeon import PigeonSendOperator


@dag(schedule=None, catchup=False, tags=["pigeon", "example"], default_args={"retries": 2})
def pigeon_letter() -> None:
    """Send it."""
    PigeonSendOperator(task_id="send", to="Ada", text="hello", wait_for_completion=True, deferrable=True)


pigeon_letter()
