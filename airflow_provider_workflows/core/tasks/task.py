"""What operators, sensors and notifiers have in common."""

from __future__ import annotations

import contextlib
import functools
import inspect
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any, ClassVar, Self

from airflow.sdk import BaseOperator

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.serialization import check_allowed, import_string
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.templates import (
    came_to_nothing,
    given_by_mapping,
    is_native,
    is_nothing,
    is_template,
    refusing_nothing,
    render_typed,
    told_of,
)
from airflow_provider_workflows.core.runtime.versions import exceptions
from airflow_provider_workflows.core.tasks.lineage import REMOTE, ReportsLineage
from airflow_provider_workflows.core.tasks.links import RecordLink
from airflow_provider_workflows.exceptions import RunTimedOut, WorkflowError

#: Characters of a remote id or a link in XCom.
LONGEST_ID = 2000

if TYPE_CHECKING:
    from airflow.sdk import BaseOperatorLink, Context
    from jinja2 import Environment

    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.runtime.outputs import Output


class HookMixin:
    """
    Gives a templated class the vendor's hook.

    A vendor's class sets ``vendor``, ``hook_class`` and ``conn_id_field``.
    """

    vendor: ClassVar[str]
    #: Dotted path, so that a DAG file does not import the hook.
    hook_class: ClassVar[str]
    #: Name of the attribute that holds the connection id, such as ``<vendor>_conn_id``.
    conn_id_field: ClassVar[str]
    #: Template fields for which empty text is a value.
    empty_text_fields: ClassVar[Collection[str]] = ()

    @cached_property
    def hook(self) -> AnyHook:
        """
        The vendor's hook for the given connection id.

        :raises InvalidInput: its class cannot be imported
        """
        hook: AnyHook = import_string(self.hook_class, "hook")(getattr(self, self.conn_id_field))
        return hook

    def _do_render_template_fields(
        self,
        parent: object,
        template_fields: Iterable[str],
        context: Context,
        jinja_env: Environment,
        seen_oids: set[int],
    ) -> None:
        """
        Render as Airflow does, and refuse an argument that was given but came to nothing.

        It is the method that Airflow calls for tasks, mapped tasks and notifiers alike.

        :raises InvalidInput: names the argument
        """
        render = super()._do_render_template_fields  # type: ignore[misc]
        if parent is not self:  # a value that has template fields of its own
            render(parent, template_fields, context, jinja_env, seen_oids)
            return
        mapped = self._given_by_mapping(context)
        for name in template_fields:
            before = getattr(self, name, None)
            given = name in mapped or not is_nothing(before)
            with told_of(name):
                render(self, (name,), context, refusing_nothing(jinja_env, name), seen_oids)
            if given:
                self._check_given(name, before)

    def _check_given(self, name: str, before: object) -> None:
        after = getattr(self, name)
        # The notifiers of Airflow 3.1 keep a template that has come to nothing.
        left = after is before and is_template(before)
        if after is None or left or (is_nothing(after) and name not in self.empty_text_fields):
            raise came_to_nothing(name, "it is " + ("empty" if left else repr(after)))

    def _given_by_mapping(self, context: Context) -> Collection[str]:
        """Return the arguments that were given by dynamic task mapping."""
        return ()

    def render_template(
        self,
        content: object,
        context: Context,
        jinja_env: Environment | None = None,
        seen_oids: set[int] | None = None,
    ) -> Any:
        """Render as Airflow does, except that text stays text in DAGs with native rendering."""
        if isinstance(content, str) and is_native(jinja_env):
            return render_typed(content, context, jinja_env)
        return super().render_template(content, context, jinja_env, seen_oids)  # type: ignore[misc]


class WorkflowTaskMixin(HookMixin, ReportsLineage):
    """The hook, and what a task reports: its failures, the remote id, links and lineage."""

    #: Whether the result is a mapping; each of its keys is then an XCom too, for ``task.output["key"]``.
    returns_mapping: ClassVar[bool] = False
    operator_extra_links: Collection[BaseOperatorLink]
    #: The operator's logger.
    log: Any
    task_id: str
    #: The error that was logged last.
    _logged: WorkflowError | None = None
    #: Names of the constructor's parameters that take a :data:`Duration`.
    durations: ClassVar[tuple[str, ...]] = ()
    #: Names of those that may be None.
    optional_durations: ClassVar[tuple[str, ...]] = ()
    #: Whether the task waits, and does so in the triggerer.
    wait_for_completion: bool = True
    deferrable: bool = False
    #: Names of the arguments that the constructor got.
    _given: Collection[str] = ()

    def __new__(cls, *args: object, **kwargs: object) -> Self:
        """Note which arguments are given."""
        task = super().__new__(cls)
        # Airflow's own __setattr__ needs what the constructor sets.
        object.__setattr__(task, "_given", frozenset(kwargs))
        return task

    @property
    def output(self) -> Output:
        """What the task returns, as an argument of another task: ``task.output["key"]["key below"]``."""
        from airflow_provider_workflows.core.runtime.outputs import Output

        return Output(self)

    def __init_subclass__(cls, **kwargs: object) -> None:
        super().__init_subclass__(**kwargs)
        if hasattr(cls, "vendor") and not getattr(cls, "operator_extra_links", ()):
            cls.operator_extra_links = (RecordLink(cls.vendor),)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """
        Resume from a deferral.

        Airflow's own deadline for a deferral only matters if no triggerer is running. When it has passed, the
        vendor is asked one last time, with what the state store kept of this wait.
        """
        try:
            # Not the method of sensors, which skips on every error if soft_fail is set.
            return BaseOperator.resume_execution(self, next_method, next_kwargs, context)  # type: ignore[arg-type]
        except exceptions.TaskDeferralTimeout:
            if not TaskState(context).lasting:
                raise RunTimedOut(
                    "No triggerer reported on this wait before its deadline\n"
                    "Check that a triggerer is running"
                ) from None
            # Unwrapped, because Airflow allows only its task runner to call the wrapper.
            return inspect.unwrap(type(self).execute)(self, context)  # type: ignore[attr-defined]

    def check_ahead(self) -> None:
        """
        Check what does not depend on the vendor, before anything is sent.

        :raises InvalidInput: a parameter is not a duration, or the triggerer may not import the hook's class
        """
        given = [name for name in self.optional_durations if getattr(self, name) is not None]
        for name in (*self.durations, *given):
            seconds_of(getattr(self, name), name)
        if self.wait_for_completion and self.deferrable:
            check_allowed(self.hook_class, "hook")

    def _given_by_mapping(self, context: Context) -> Collection[str]:
        return given_by_mapping(self.task_id, context, self._given)

    def _do_render_template_fields(self, *args: Any, **how: Any) -> None:
        try:
            super()._do_render_template_fields(*args, **how)
        except WorkflowError as error:
            self.log_failure(error)
            raise

    def log_failure(self, error: WorkflowError) -> None:
        """
        Log an error in short lines, right before the task fails with it; the same error only once.

        Airflow's log page cuts the exception's own message, and puts the stack trace before the rest.
        """
        if error is not self._logged:
            self._logged = error
            for line in error.lines():
                self.log.error("%s", line)

    def log_warning(self, message: str) -> None:
        """Log a warning of several lines, each as a line of its own."""
        for line in message.splitlines():
            self.log.warning("%s", line)

    def announce(self, context: Context, remote_id: str) -> None:
        """
        Push the remote id and its URL to XCom, for people, links and reports.

        :param remote_id: empty if it is in doubt; the URL then leads to where a person looks for it
        """
        from airflow_provider_workflows.core.runtime.hand_over import hand_over

        remote = {"vendor": self.vendor}
        if remote_id:
            self._remote_id = remote["id"] = hand_over(remote_id, "The remote id", most=LONGEST_ID)
        if (ti := context.get("ti")) is not None:
            # If the connection is wrong, the call to the vendor says so; only the link stays away.
            with contextlib.suppress(Exception):
                if url := self.hook.ui_link(remote.get("id", "")):
                    remote["url"] = hand_over(url, "The link", most=LONGEST_ID)
            ti.xcom_push(key=REMOTE, value=remote)


def checking_ahead(execute: Callable[..., Any]) -> Callable[..., Any]:
    """
    Return an ``execute`` that checks the parameters first, and logs its error in short lines.

    Airflow alone would log one long line.
    """

    @functools.wraps(execute)
    def checking(self: WorkflowTaskMixin, *args: Any, **kwargs: Any) -> Any:
        try:
            self.check_ahead()
            return execute(self, *args, **kwargs)
        except WorkflowError as error:
            self.log_failure(error)
            raise

    return checking
