"""The link from a task's page to the vendor's own page of what the task worked on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperatorLink

from airflow_provider_workflows.base.lineage import REMOTE as REMOTE

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator
    from airflow.sdk.types import TaskInstanceKey

    from airflow_provider_workflows.base.task import TouchesVendor


def remote(task: TouchesVendor, remote_id: str) -> dict[str, str]:
    """Return what a task says it works on, and with ``url`` where that is seen; asks nobody at the vendor."""
    said = {"vendor": task.vendor, "id": remote_id}
    try:
        url = task.hook.page(remote_id)
    except Exception:
        # What is wrong with the connection, the task's own work on it will tell.
        return said
    return said | {"url": url} if url else said


def place(task: TouchesVendor, remote_id: str) -> str:
    """Return where a person finds what a task works on; as :func:`remote`, asks nobody at the vendor."""
    try:
        return task.hook.place(remote_id)
    except Exception:
        return ""


class RecordLink(BaseOperatorLink):
    """
    A link to the order, case, instance, run or execution of a task.

    Airflow asks for it in the worker when an attempt has ended or is deferred, and keeps the answer for its
    API server. The address was left in XCom as soon as the remote id was known, so nothing is asked again
    here: neither the connection nor the vendor.

    :param vendor: the vendor system's name
    """

    name: str = "Open at the vendor"

    def __init__(self, vendor: str | None = None) -> None:
        if vendor is not None:
            self.name = f"Open in {vendor}"

    def get_link(self, operator: BaseOperator, *, ti_key: TaskInstanceKey) -> str:
        """Return the address, or nothing where none is known; Airflow then shows no link."""
        from airflow.sdk.execution_time.xcom import XCom

        said = XCom.get_value(ti_key=ti_key, key=REMOTE)
        return str(said.get("url") or "") if isinstance(said, dict) else ""
