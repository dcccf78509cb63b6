"""Waiting for a condition from inside a task: in the worker, by reschedule, or by deferral."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.versions import conf, exceptions
from airflow_provider_workflows.core.waiting.condition import Condition, Done
from airflow_provider_workflows.core.waiting.schedule import (
    Failed,
    Wait,
    WaitState,
    judge,
    look,
    patience,
)
from airflow_provider_workflows.exceptions import WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator, Context

    from airflow_provider_workflows.core.connection.hook import AnyHook

log = logging.getLogger(__name__)

KEY = "workflow_wait"
Mode = Literal["poke", "reschedule", "defer"]

#: Seconds, in addition to ``[workers] min_heartbeat_interval``, after which the old process of a deferred or
#: rescheduled task is certainly gone. Measured: with the setting at 5, its success reached the scheduler up
#: to 6.15 s late.
PROCESS_END_MARGIN = 5.0
#: Seconds after the deadline at which Airflow itself ends a deferral that no triggerer ended.
BACKSTOP = 600.0


def hand_over_lag() -> float:
    """
    Return the seconds for which a deferred or rescheduled task must not resume.

    If it resumes earlier, the scheduler may take the end of the old process for the end of the resumed task,
    and fail it.
    """
    return float(conf.getfloat("workers", "min_heartbeat_interval", fallback=5.0)) + PROCESS_END_MARGIN


class Waiter:
    """
    The wait of one task instance.

    :param task: the operator that waits; it defers
    :param hook: the vendor's hook, for the checks
    :param mode: what the task does between two checks
    :param timeout: seconds from the generation's first check, in every mode
    :param poke_interval: maximum seconds between two checks
    :param tolerance: seconds without an answer from the vendor after which the wait fails; None for no limit
    :param prepoll: seconds to check in the worker before deferring
    :param known: whether the vendor is known to have the record
    """

    def __init__(
        self,
        task: BaseOperator,
        hook: AnyHook,
        context: Context,
        *,
        mode: Mode,
        timeout: float,
        poke_interval: float,
        tolerance: float | None,
        prepoll: float,
        known: bool = False,
    ) -> None:
        self._task = task
        self._hook = hook
        self._mode = mode
        self._memory = TaskState(context)
        self._prepoll = prepoll
        state = self._recall(context, timeout=timeout, cap=poke_interval, tolerance=tolerance)
        self._state = replace(state, known=known or state.known)

    @property
    def deadline(self) -> float:
        """Unix time at which the wait, and everything before it in the task, must end."""
        return self._state.deadline

    def begin(self) -> None:
        """Start the time of the wait, in any attempt, before there is anything to wait for."""
        self._remember()

    def wait(self, condition: Condition) -> Any:
        """
        Wait for a condition and return its result.

        :raises WorkflowError: the condition can no longer be met; :class:`LostTrack` after the tolerance;
            :class:`RunTimedOut` after the deadline
        :raises TaskDeferred: in mode ``defer``, if the condition is not met within ``prepoll`` seconds
        :raises AirflowRescheduleException: in mode ``reschedule``, if the condition is not met
        """
        entered = time.time()
        self._remember()
        while True:
            outcome = look(self._hook, condition, seconds=patience(self._state, now=time.time()))
            vendor = self._hook.conn_type
            match judge(self._state, outcome, condition, now=time.time(), vendor=vendor, logger=log):
                case Done(result):
                    return result
                case Failed(error):
                    raise error
                case Wait(state):
                    self._state = state
            if self._mode == "reschedule":
                self._reschedule()
            if self._mode == "defer" and self._state.next_look > entered + self._prepoll:
                self._defer(condition)
            time.sleep(max(0.0, self._state.next_look - time.time()))

    def _recall(self, context: Context, *, timeout: float, cap: float, tolerance: float | None) -> WaitState:
        now = time.time()
        record = self._memory.load(KEY)
        if isinstance(record, dict) and record.get("generation") == self._memory.generation:
            begun = WaitState.from_json(record["state"])
            # The settings may have changed since then; only the start of the wait is kept.
            state = replace(begun, deadline=begun.started + timeout, cap=cap, tolerance=tolerance)
            if record.get("attempt") == self._memory.attempt:
                return state
        else:
            start = now
            if not self._memory.lasting and self._mode == "reschedule":
                first = context["ti"].get_first_reschedule_date(context)
                start = first.timestamp() if first is not None else now
            state = WaitState.begin(now=start, timeout=timeout, cap=cap, tolerance=tolerance)
        return replace(state.anew(now=now), next_look=now)

    def _remember(self) -> None:
        record = {"format": 1, "attempt": self._memory.attempt, "state": self._state.to_json()}
        self._memory.save(KEY, record)

    def _reschedule(self) -> NoReturn:
        lag = hand_over_lag()
        if self._state.cap < lag:
            log.warning(
                "poke_interval was raised from %.0f s to %.0f s: Airflow may fail a task that is rescheduled "
                "sooner",
                self._state.cap,
                lag,
            )
        self._remember()
        date = max(self._state.next_look, time.time() + lag)
        when = datetime.fromtimestamp(date, tz=UTC)
        raise exceptions.AirflowRescheduleException(when)  # type: ignore[no-untyped-call]

    def _defer(self, condition: Condition) -> NoReturn:
        from airflow_provider_workflows.core.waiting.trigger import WaitTrigger

        self._remember()
        lag = hand_over_lag()
        own_hook = getattr(self._task, "hook_class", condition.hook_class)
        trigger = WaitTrigger(
            conn_id=self._hook.conn_id,
            condition=condition.to_json(),
            state=self._state.to_json(),
            not_before=time.time() + lag,
            hook_class=None if own_hook == condition.hook_class else own_hook,
        )
        # The trigger itself keeps the deadline; Airflow's timeout only covers a triggerer that is gone.
        left = max(0.0, self._state.deadline - time.time())
        backstop = left + 2 * lag + BACKSTOP
        log.info("Deferring: waiting in the triggerer for %s, for at most %.0f s", condition, left)
        self._task.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=backstop))


def result_of(event: object) -> Any:
    """
    Return the result in a trigger's event.

    :raises WorkflowError: the event reports an error, or is not one of :class:`WaitTrigger`
    """
    if isinstance(event, dict) and event.get("status") == "done":
        return event.get("result")
    if isinstance(event, dict) and isinstance(event.get("error"), dict):
        raise WorkflowError.from_json(event["error"])
    raise WorkflowError(
        "The trigger sent an event that this package does not know\n"
        "Check that workers and triggerers run the same version of this package"
    )
