"""Waiting for a condition from inside a task: in the worker, by reschedule, or by deferral."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Literal, NoReturn

from airflow_provider_workflows.base import metrics
from airflow_provider_workflows.base.compat import exceptions, hand_over_lag
from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.waiting import Failed, Verdict, Wait, WaitState, advance
from airflow_provider_workflows.protocol.errors import WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import BaseOperator

    from airflow_provider_workflows.base.hook import WorkflowHook

log = logging.getLogger(__name__)

KEY = "workflow_wait"
Mode = Literal["poke", "reschedule", "defer"]


class Waiter:
    """
    One task instance's wait.

    :param task: the operator that waits, for deferring
    :param hook: looks
    :param mode: where the time between two looks is spent
    :param timeout: seconds from the generation's first look, in every mode
    :param poke_interval: seconds between two looks at the most
    :param tolerance: seconds without an answer from the vendor until track is lost; None for no limit
    :param prepoll: seconds of looking in the worker before a deferral
    :param known: whether the vendor has accepted what is waited for
    """

    def __init__(
        self,
        task: BaseOperator,
        hook: WorkflowHook[Any],
        context: Mapping[str, Any],
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
        """Unix time at which the wait is over, and all that comes before it."""
        return self._state.deadline

    def begin(self) -> None:
        """Count the time from here, in whatever attempt; before there is anything to wait for."""
        self._remember()

    def wait(self, condition: Condition) -> Any:
        """
        Return the condition's result when it has come.

        :raises WorkflowError: it can no longer come, track was lost, or :class:`RunTimedOut`
        :raises TaskDeferred: in mode ``defer``, if it has not come within ``prepoll`` seconds
        :raises AirflowRescheduleException: in mode ``reschedule``, if it has not come
        """
        entered = time.time()
        self._remember()
        while True:
            verdict = self._look(condition)
            match verdict:
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

    def _look(self, condition: Condition) -> Verdict:
        outcome = self._hook.look(condition)
        now = time.time()
        verdict = advance(self._state, outcome, now=now, subject=str(condition), draw=random.random())
        metrics.count_look(self._hook.conn_type, outcome, before=self._state, verdict=verdict, now=now)
        report(log, condition, outcome, before=self._state, verdict=verdict)
        return verdict

    def _recall(
        self, context: Mapping[str, Any], *, timeout: float, cap: float, tolerance: float | None
    ) -> WaitState:
        now = time.time()
        record = self._memory.load(KEY)
        if isinstance(record, dict) and record.get("generation") == self._memory.generation:
            begun = WaitState.from_json(record["state"])
            # The settings may have been changed since; what counts on is the beginning.
            state = replace(begun, deadline=begun.started + timeout, cap=cap, tolerance=tolerance)
            return state if record.get("attempt") == self._memory.attempt else _fresh(state, now)
        start = now
        if not self._memory.lasting and self._mode == "reschedule":
            first = context["ti"].get_first_reschedule_date(context)
            start = first.timestamp() if first is not None else now
        state = WaitState.begin(now=start, timeout=timeout, cap=cap, tolerance=tolerance)
        return _fresh(state, now)

    def _remember(self) -> None:
        record = {"format": 1, "attempt": self._memory.attempt, "state": self._state.to_json()}
        self._memory.save(KEY, record)

    def _reschedule(self) -> NoReturn:
        lag = hand_over_lag()
        if self._state.cap < lag:
            log.warning(
                "poke_interval is raised from %.0f s to %.0f s: Airflow may fail a task that is rescheduled "
                "sooner",
                self._state.cap,
                lag,
            )
        self._remember()
        date = max(self._state.next_look, time.time() + lag)
        when = datetime.fromtimestamp(date, tz=UTC)
        raise exceptions.AirflowRescheduleException(when)  # type: ignore[no-untyped-call]

    def _defer(self, condition: Condition) -> NoReturn:
        from airflow_provider_workflows.base.trigger import WaitTrigger

        self._remember()
        lag = hand_over_lag()
        trigger = WaitTrigger(
            conn_id=self._hook.conn_id,
            condition=condition.to_json(),
            state=self._state.to_json(),
            not_before=time.time() + lag,
        )
        # The deadline is the trigger's own; Airflow's is only for a triggerer that is gone.
        left = max(0.0, self._state.deadline - time.time())
        backstop = left + 2 * lag + BACKSTOP
        log.info("Waiting in the triggerer for %s, for %.0f s at the most", condition, left)
        self._task.defer(trigger=trigger, method_name="execute_complete", timeout=timedelta(seconds=backstop))


#: Seconds after the deadline at which Airflow itself ends a deferral that no triggerer has ended.
BACKSTOP = 600.0


def report(logger: Any, condition: Condition, outcome: Any, *, before: WaitState, verdict: Verdict) -> None:
    """Log a look: changes and failures, not each of a thousand looks that found the same."""
    if isinstance(outcome, WorkflowError) and isinstance(verdict, Wait):
        logger.warning(
            "No answer about %s since %s, looking again at %s: %s",
            condition,
            _date(before.heard),
            _date(verdict.state.next_look),
            outcome,
        )
    elif isinstance(verdict, Wait) and verdict.state.detail != before.detail:
        level = logging.WARNING if isinstance(outcome, Pending) and outcome.warning else logging.INFO
        logger.log(level, "%s: %s", condition, verdict.state.detail)


def result_of(event: Any) -> Any:
    """
    Return what a trigger's event brings.

    :raises WorkflowError: the error that the event reports, or that it is no event of ours
    """
    if isinstance(event, dict) and event.get("status") == "done":
        return event.get("result")
    if isinstance(event, dict) and isinstance(event.get("error"), dict):
        raise WorkflowError.from_json(event["error"])
    raise WorkflowError("The trigger sent an event that is not of this package's making")


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"


def _fresh(state: WaitState, now: float) -> WaitState:
    return replace(state.anew(now=now), next_look=now)
