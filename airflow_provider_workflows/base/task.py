"""What operators and sensors have in common."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_workflows.base.caller import CallsVendor
from airflow_provider_workflows.base.compat import exceptions
from airflow_provider_workflows.base.lineage import ReportsLineage
from airflow_provider_workflows.base.links import REMOTE, RecordLink, remote
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.protocol.errors import RunTimedOut

if TYPE_CHECKING:
    from airflow.sdk import Context


class TouchesVendor(CallsVendor, ReportsLineage):
    """The hook, and the word to the outside of what is worked on."""

    #: Whether the result is a mapping; each of its keys is then an XCom too, for ``task.output["key"]``.
    returns_mapping: ClassVar[bool] = False
    operator_extra_links: Any

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "vendor") and not getattr(cls, "operator_extra_links", ()):
            cls.operator_extra_links = (RecordLink(cls.vendor),)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume from a deferral.

        Airflow's own deadline for a deferral is only there for a triggerer that is gone. When it has passed,
        the vendor is still asked a last time, which needs what the state store kept of this wait.
        """
        try:
            # Not the sensors' own, which with soft_fail skips on every error.
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)  # type: ignore[arg-type]
        except exceptions.TaskDeferralTimeout:
            if not TaskState(context).lasting:
                raise RunTimedOut(
                    "No triggerer reported about this wait before its deadline; is one running?"
                ) from None
            # Unwrapped, since Airflow lets nobody but its task runner call what it has wrapped.
            return inspect.unwrap(type(self).execute)(self, context)  # type: ignore[attr-defined]

    def announce(self, context: Context, remote_id: str) -> None:
        """Leave the remote id, and where it is seen, in XCom, where people, links and reports find them."""
        self._remote_id = remote_id
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key=REMOTE, value=remote(self, remote_id))
