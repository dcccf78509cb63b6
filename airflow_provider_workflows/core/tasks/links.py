"""The link from a task's page to the vendor's page of the record."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_provider_workflows.core.tasks.lineage import REMOTE

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey


class RecordLink(BaseOperatorLink):
    """
    A link to the order, case, instance, run or execution of a task.

    Airflow asks for it in the worker when an attempt ends or defers, and stores the answer for its API
    server. The task pushed the address to XCom as soon as it knew the remote id. So the link reads neither
    the connection nor the vendor.

    :param vendor: the vendor system's name
    """

    name: str = "Open at the vendor"

    def __init__(self, vendor: str | None = None) -> None:
        if vendor is not None:
            self.name = f"Open in {vendor}"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, or an empty text if it is unknown; then Airflow shows no link."""
        from airflow.sdk.execution_time.xcom import XCom

        said = XCom.get_value(ti_key=ti_key, key=REMOTE)
        return str(said.get("url") or "") if isinstance(said, dict) else ""
