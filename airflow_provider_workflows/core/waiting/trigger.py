"""One trigger for every condition of every vendor."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING

from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.runtime.serialization import check_allowed, import_string
from airflow_provider_workflows.core.waiting.condition import Condition, Done
from airflow_provider_workflows.core.waiting.history import lengths_of
from airflow_provider_workflows.core.waiting.schedule import (
    Failed,
    Wait,
    WaitState,
    alook,
    judge,
    patience,
)
from airflow_provider_workflows.core.waiting.together import next_look
from airflow_provider_workflows.exceptions import RunFailed, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook

#: Seconds over which waits spread their first check after the triggerer was down, so as not to check all at
#: once.
STAGGER = 10.0


class WaitTrigger(BaseTrigger):
    """
    Waits for a condition in the triggerer.

    Its arguments are readable in Airflow's database, so they are ids, names and numbers only. It only reads
    from the vendor, so it may run twice. Its event carries the result or the error, and everything else that
    the task needs to continue.

    :param conn_id: the Airflow connection
    :param condition: the condition, from :meth:`Condition.to_json`
    :param state: the state of the wait, from :meth:`WaitState.to_json`
    :param not_before: Unix time before which no event is sent, because the old process may still be running
    :param hook_class: dotted path of the hook, if it is not the condition's
    """

    def __init__(
        self,
        *,
        conn_id: str,
        condition: dict[str, object],
        state: dict[str, object],
        not_before: float,
        hook_class: str | None = None,
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.condition = condition
        self.state = state
        self.not_before = not_before
        self.hook_class = hook_class

    def serialize(self) -> tuple[str, dict[str, object]]:
        """Return the class path and arguments."""
        kwargs: dict[str, object] = {
            "conn_id": self.conn_id,
            "condition": self.condition,
            "state": self.state,
            "not_before": self.not_before,
        }
        # Left out where it adds nothing, so that older versions of this package can read the row.
        if self.hook_class is not None:
            kwargs["hook_class"] = self.hook_class
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait is over."""
        verdict: Done | Failed
        try:
            verdict = await self._until_over(Condition.from_json(self.condition))
        except Exception as error:
            # An error raised here would become a TaskDeferralError without a useful message.
            verdict = Failed(self._broken(error))
        event: dict[str, object]
        if isinstance(verdict, Failed):
            event = {"status": "failed", "error": hand_over(verdict.error.to_json(), "The error of a wait")}
        else:
            event = {"status": "done", "result": verdict.result}
        await asyncio.sleep(max(0.0, self.not_before - time.time()))
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Log what continues at the vendor; no vendor can cancel a run by API, so nothing is sent."""
        condition = Condition.from_json(self.condition)
        hook = self._hook(condition)
        try:
            location = await hook.alocation(condition.remote_id)
        except Exception:  # the connection must not keep a task from being killed
            location = ""
        self.log.warning("%s", condition.what_continues(vendor=hook.hook_name, location=location))

    def _hook(self, condition: Condition) -> AnyHook:
        if self.hook_class is not None:
            check_allowed(self.hook_class, "hook")
        hook: AnyHook = import_string(self.hook_class or condition.hook_class, "hook")(self.conn_id)
        return hook

    def _broken(self, error: Exception) -> WorkflowError:
        """Log what ended a wait that should have gone on, and return the error for its task."""
        # Airflow's own errors say what is missing; others may quote a URL.
        reason = f"{type(error).__name__}{f': {error}' if isinstance(error, AirflowException) else ''}"
        self.log.error(
            "The wait failed in the triggerer, so its task fails: %s; condition: %s", reason, self.condition
        )
        return WorkflowError(
            f"The wait failed in the triggerer: {reason}\n"
            "What the task waited for may still happen at the vendor\n"
            "Check there before you clear the task"
        )

    async def _until_over(self, condition: Condition) -> Done | Failed:
        hook, begun = self._hook(condition), time.time()
        lengths = lengths_of(self.conn_id, condition)
        state = WaitState.from_json(self.state).anew(now=begun)
        overdue = begun - state.next_look
        if overdue > STAGGER:
            await asyncio.sleep(random.random() * STAGGER)
        while True:
            seen = await next_look(hook, condition, state)
            left = patience(state, now=time.time())
            outcome = await alook(hook, condition, seconds=left, seen=seen)
            now = time.time()
            verdict = judge(
                state,
                outcome,
                condition,
                now=now,
                vendor=hook.conn_type,
                logger=self.log,
                expected=lengths.seconds,
            )
            if not isinstance(verdict, Wait):
                ended = isinstance(verdict, Done) or isinstance(verdict.error, RunFailed)
                # What ended before the first look here, may have ended long ago.
                if ended and state.heard > begun:
                    lengths.learn(pending=state.heard - state.started, length=now - state.started)
                return verdict
            state = verdict.state
