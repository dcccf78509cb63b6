"""What every vendor's operator has in common."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.sdk import BaseOperator

from airflow_provider_workflows.base.compat import default_deferrable, exceptions
from airflow_provider_workflows.base.condition import Condition, import_string
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.templating import is_native, render_typed
from airflow_provider_workflows.base.waiter import Waiter, result_of
from airflow_provider_workflows.protocol.errors import RunTimedOut

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.hook import WorkflowHook

#: XCom key under which a task says what it worked on: ``{"vendor": name, "id": remote id}``.
REMOTE = "remote"


class TouchesVendor:
    """
    Shared by operators and sensors: the hook, and the word to the outside of what was worked on.

    A vendor's class sets ``vendor``, ``hook_class`` and ``conn_id_field``.
    """

    vendor: ClassVar[str]
    #: Dotted path, since importing a hook is not a DAG file's business.
    hook_class: ClassVar[str]
    #: Name of the attribute with the connection id, such as ``<vendor>_conn_id``.
    conn_id_field: ClassVar[str]
    #: Whether the result is a mapping; each of its keys is then an XCom too, for ``task.output["key"]``.
    returns_mapping: ClassVar[bool] = False

    @functools.cached_property
    def hook(self) -> WorkflowHook[Any]:
        """The vendor's hook, on this task's connection."""
        hook: WorkflowHook[Any] = import_string(self.hook_class)(getattr(self, self.conn_id_field))
        return hook

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render as Airflow does, but so that text stays text in DAGs with native rendering."""
        if isinstance(content, str) and is_native(jinja_env):
            return render_typed(content, context, jinja_env)
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]

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
                raise RunTimedOut("No triggerer reported about this wait before its deadline") from None
            # Unwrapped, since Airflow lets nobody but its task runner call what it has wrapped.
            return inspect.unwrap(type(self).execute)(self, context)  # type: ignore[attr-defined]

    def announce(self, context: Context, remote_id: str) -> None:
        """Leave the remote id in XCom, where people, links and reports find it."""
        if (ti := context.get("ti")) is not None:
            ti.xcom_push(key=REMOTE, value={"vendor": self.vendor, "id": remote_id})


class WorkflowOperator(TouchesVendor, BaseOperator):
    """An operator that calls a vendor."""

    ui_color = "#dfe8f5"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("multiple_outputs", self.returns_mapping)
        super().__init__(**kwargs)


class WaitingOperator(WorkflowOperator):
    """
    An operator that can wait for what it started.

    :param wait_for_completion: return only when the remote run has ended
    :param deferrable: wait in the triggerer; by default ``[operators] default_deferrable``
    :param timeout: seconds that the wait may take, over all retries
    :param poke_interval: seconds between two looks at the most; looks come sooner at first
    :param tolerance: seconds that the vendor may give no answer before track is lost
    """

    template_fields: Sequence[str] = ()

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        deferrable: bool | None = None,
        timeout: float = 7 * 24 * 3600,
        poke_interval: float = 60,
        tolerance: float = 600,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.timeout = timeout
        self.poke_interval = poke_interval
        self.tolerance = tolerance

    def wait_for(self, context: Context, condition: Condition) -> Any:
        """
        Wait for a condition on what this task started, here or in the triggerer, and return its result.

        :raises TaskDeferred: when deferrable; ``execute_complete`` then gets the result
        """
        waiter = Waiter(
            self,
            self.hook,
            context,
            mode="defer" if self.deferrable else "poke",
            timeout=self.timeout,
            poke_interval=self.poke_interval,
            tolerance=self.tolerance,
            prepoll=10.0,
        )
        return waiter.wait(condition)

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return, on resuming from a deferral, what :meth:`execute` would have."""
        return result_of(event)
