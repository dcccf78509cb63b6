"""The sensor base: poke, reschedule and deferrable are one wait in three places."""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from airflow.sdk import BaseSensorOperator, PokeReturnValue

from airflow_provider_workflows.base.compat import default_deferrable, exceptions
from airflow_provider_workflows.base.condition import Done
from airflow_provider_workflows.base.lineage import Role
from airflow_provider_workflows.base.links import place
from airflow_provider_workflows.base.task import TouchesVendor
from airflow_provider_workflows.base.waiter import Mode, Waiter, result_of
from airflow_provider_workflows.base.wording import waits_no_longer
from airflow_provider_workflows.protocol.errors import RunTimedOut, WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.condition import Condition


class WorkflowSensor(TouchesVendor, BaseSensorOperator):
    """
    A sensor on a vendor's condition.

    Looks come a second apart at first and then at a tenth of the time waited, up to ``poke_interval``;
    ``exponential_backoff`` changes nothing. The timeout counts from the first look of the task instance,
    retries included (before Airflow 3.3, where nothing outlives an attempt: from the attempt's), and at its
    end the vendor is asked a last time. ``soft_fail`` skips on that timeout and on nothing else.

    :param deferrable: wait in the triggerer; by default ``[operators] default_deferrable``
    :param tolerance: seconds that the vendor may give no answer before the sensor fails; with ``silent_fail``
        there is no limit but the timeout
    :param prepoll: seconds of looking in the worker before a deferral
    """

    ui_color = "#e6f1f2"
    lineage_role: ClassVar[Role] = "reads"

    def __init__(
        self,
        *,
        deferrable: bool | None = None,
        tolerance: float = 600,
        prepoll: float = 10,
        **kwargs: Any,
    ) -> None:
        kwargs.setdefault("multiple_outputs", self.returns_mapping)
        super().__init__(**kwargs)
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.tolerance = tolerance
        self.prepoll = prepoll
        self._watched: Condition | None = None
        #: Where a person finds it; found out beforehand, since a task that is killed has no time for it.
        self._place = ""

    @abstractmethod
    def condition(self) -> Condition:
        """
        Return what is waited for, made from the rendered fields.

        :raises InvalidInput: a field is wrong
        """

    def execute(self, context: Context) -> Any:
        """Wait and return the condition's result."""
        try:
            self._watched = condition = self.condition()
            self.announce(context, condition.remote_id)
            self._place = place(self, condition.remote_id)
            return self._waiter(context).wait(condition)
        except WorkflowError as error:
            self._fail(error)

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return, on resuming from a deferral, what :meth:`execute` would have."""
        try:
            return result_of(event)
        except WorkflowError as error:
            self._fail(error)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume from a deferral, and treat a failure as :meth:`execute` does."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except WorkflowError as error:
            self._fail(error)

    def known_before(self) -> str | None:
        """Return the remote id, which a sensor is told."""
        try:
            return self.condition().remote_id
        except WorkflowError:  # the task itself says what is wrong
            return None

    def on_kill(self) -> None:
        """Say what goes on at the vendor, and where."""
        if (watched := self._watched) is not None:
            said = waits_no_longer(watched, vendor=self.vendor, place=self._place)
            self.log.warning("Killed. %s", said)

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once, outside of any wait."""
        match self.hook.look(self.condition()):
            case Done(result):
                return PokeReturnValue(is_done=True, xcom_value=result)
            case WorkflowError() as error:
                raise error
        return PokeReturnValue(is_done=False)

    def _waiter(self, context: Context) -> Waiter:
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
            tolerance=None if self.silent_fail else self.tolerance,
            prepoll=self.prepoll,
        )

    def _fail(self, error: WorkflowError) -> NoReturn:
        timed_out = isinstance(error, RunTimedOut)
        if self.never_fail or (self.soft_fail and timed_out):
            raise exceptions.AirflowSkipException(f"Skipped: {error}") from error
        if timed_out:
            raise exceptions.AirflowSensorTimeout(str(error)) from error
        raise error
