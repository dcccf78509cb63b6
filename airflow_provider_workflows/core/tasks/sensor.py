"""The base of all sensors. The modes poke, reschedule and deferrable are the same wait in three places."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Unpack

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.versions import default_deferrable, exceptions
from airflow_provider_workflows.core.tasks.task import WorkflowTaskMixin
from airflow_provider_workflows.exceptions import NoSlot, RunTimedOut, WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import BaseSensorParameters
    from airflow_provider_workflows.core.waiting.condition import Condition
    from airflow_provider_workflows.core.waiting.poller import Mode, Waiter


#: The durations that Airflow's own constructor takes.
OF_AIRFLOW = ("timeout", "poke_interval", "max_wait")


class WorkflowSensor(WorkflowTaskMixin, BaseSensorOperator):
    """
    Waits for a condition at a vendor.

    The sensor looks every second at first, and then after each tenth of the time waited, but at least every
    ``poke_interval`` seconds; ``exponential_backoff`` has no effect. The timeout counts from the first look,
    retries included (before Airflow 3.3: from the attempt's first look). At its end the sensor looks one last
    time. ``soft_fail`` skips only on this timeout.

    :param deferrable: wait in the triggerer; by default ``[operators] default_deferrable``
    :param tolerance: seconds without an answer from the vendor after which the sensor fails; with
        ``silent_fail`` only the timeout counts
    :param prepoll: seconds to look in the worker before the sensor defers
    """

    ui_color = "#e6f1f2"
    lineage_role: ClassVar[Role] = "reads"
    durations: ClassVar[tuple[str, ...]] = ("timeout", "poke_interval", "tolerance", "prepoll")

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if cls.poke is not WorkflowSensor.poke:
            # Such a sensor would wait for something else than its author wrote, for days, and then succeed.
            raise TypeError(
                f"{cls.__qualname__} overrides poke, which no sensor of this package calls\n"
                "Return what to wait for from condition(), or inherit from Airflow's BaseSensorOperator"
            )

    def __init__(
        self,
        *,
        deferrable: bool | None = None,
        tolerance: Duration = 600,
        prepoll: Duration = 10,
        multiple_outputs: bool | None = None,
        **kwargs: Unpack[BaseSensorParameters],
    ) -> None:
        # Airflow itself takes no text for these, and infinite ones.
        arguments: dict[str, Any] = kwargs  # type: ignore[assignment]
        for name in OF_AIRFLOW:
            if arguments.get(name) is not None:
                arguments[name] = seconds_of(arguments[name], name)
        super().__init__(
            multiple_outputs=self.returns_mapping if multiple_outputs is None else multiple_outputs, **kwargs
        )
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.tolerance = tolerance
        self.prepoll = prepoll
        self._watched: Condition | None = None
        #: Where a person finds it. It is read early, because a task that is being killed has no time for it.
        self._location = ""

    @abstractmethod
    def condition(self) -> Condition:
        """
        Return the condition, from the rendered fields.

        :raises InvalidInput: a field is invalid
        """

    def execute(self, context: Context) -> Any:
        """Wait and return the condition's result."""
        try:
            self.check_ahead()
            self._watched = condition = self.condition()
            self.announce(context, condition.remote_id)
            with contextlib.suppress(Exception):  # the look itself reports what is wrong
                self._location = self.hook.location(condition.remote_id)
            return self._waiter(context).wait(condition)
        except WorkflowError as error:
            self._fail(error)

    def execute_complete(self, context: Context, event: object) -> Any:
        """Return the result after a deferral."""
        from airflow_provider_workflows.core.waiting.poller import result_of

        try:
            return result_of(event)
        except WorkflowError as error:
            self._fail(error)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume from a deferral, and handle a failure as :meth:`execute` does."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except WorkflowError as error:
            self._fail(error)

    def known_before(self) -> str | None:
        """Return the remote id, which a sensor's arguments name."""
        try:
            return self.condition().remote_id
        except WorkflowError:  # the task itself reports what is wrong
            return None

    def on_kill(self) -> None:
        """Log what continues at the vendor, and where."""
        if (watched := self._watched) is not None:
            said = watched.what_continues(vendor=self.vendor, location=self._location)
            self.log.warning("Killed. %s", said)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once, outside a wait."""
        from airflow_provider_workflows.core.runtime.hand_over import hand_over
        from airflow_provider_workflows.core.waiting.condition import Done
        from airflow_provider_workflows.core.waiting.schedule import look

        condition = self.condition()
        match look(self.hook, condition):
            case Done(result):
                clean = hand_over(result, f"The result of {condition}")
                return PokeReturnValue(is_done=True, xcom_value=clean)
            case NoSlot():
                return PokeReturnValue(is_done=False)  # looking was postponed
            case WorkflowError() as error:
                raise error
        return PokeReturnValue(is_done=False)

    def _waiter(self, context: Context) -> Waiter:
        from airflow_provider_workflows.core.waiting.poller import Waiter

        mode: Mode = "defer" if self.deferrable else "reschedule" if self.reschedule else "poke"
        cap = (
            self.poke_interval
            if self.max_wait is None
            else min(self.poke_interval, self.max_wait.total_seconds())
        )
        return Waiter(
            self,
            self.hook,
            context,
            mode=mode,
            timeout=self.timeout,
            poke_interval=cap,
            tolerance=None if self.silent_fail else seconds_of(self.tolerance, "tolerance"),
            prepoll=seconds_of(self.prepoll, "prepoll"),
        )

    def _fail(self, error: WorkflowError) -> NoReturn:
        timed_out = isinstance(error, RunTimedOut)
        if self.never_fail or (self.soft_fail and timed_out):
            raise exceptions.AirflowSkipException(f"Skipped: {error}") from error
        self.log_failure(error)
        if timed_out:
            raise exceptions.AirflowSensorTimeout(str(error)) from error
        raise error
