"""One trigger for every condition of every vendor."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import Any

from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_workflows.base import metrics
from airflow_provider_workflows.base.condition import Condition, Done
from airflow_provider_workflows.base.stored import import_string
from airflow_provider_workflows.base.waiter import report
from airflow_provider_workflows.base.waiting import Failed, Verdict, Wait, WaitState, advance
from airflow_provider_workflows.base.wording import waits_no_longer
from airflow_provider_workflows.protocol.errors import WorkflowError

#: Seconds over which waits spread their first look after the triggerer was down, lest all look at once.
STAGGER = 10.0


class WaitTrigger(BaseTrigger):
    """
    Waits for a condition in the triggerer.

    Its arguments are readable in Airflow's database, so they are ids, names and numbers. It only reads at the
    vendor, so that it may run twice. What it finds, errors included, is in its event; everything that the
    task needs to go on is there too.

    :param conn_id: the Airflow connection
    :param condition: the condition as :meth:`Condition.to_json` writes it
    :param state: how far the wait has come, as :meth:`WaitState.to_json` writes it
    :param not_before: Unix time before which no event is sent, because the old process may not be gone
    """

    def __init__(
        self, *, conn_id: str, condition: dict[str, Any], state: dict[str, Any], not_before: float
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.conn_id = conn_id
        self.condition = condition
        self.state = state
        self.not_before = not_before

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments."""
        kwargs = {
            "conn_id": self.conn_id,
            "condition": self.condition,
            "state": self.state,
            "not_before": self.not_before,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait is over."""
        event = await self._wait()
        await asyncio.sleep(max(0.0, self.not_before - time.time()))
        yield TriggerEvent(event)  # type: ignore[no-untyped-call]

    async def on_kill(self) -> None:
        """Say what goes on at the vendor: no vendor offers to cancel it, so nothing is sent."""
        condition = Condition.from_json(self.condition)
        hook = import_string(condition.hook_class)(self.conn_id)
        try:
            place = await hook.aplace(condition.remote_id)
        except Exception:  # a task is killed, whatever is wrong with its connection
            place = ""
        self.log.warning("%s", waits_no_longer(condition, vendor=hook.hook_name, place=place))

    async def _wait(self) -> dict[str, Any]:
        try:
            condition = Condition.from_json(self.condition)
            verdict = await self._until_over(condition)
        except Exception as error:
            # Raised from here it would become a TaskDeferralError that says nothing to anyone.
            # Airflow's own errors name what is missing; others may quote a URL.
            reason = f"{type(error).__name__}{f': {error}' if isinstance(error, AirflowException) else ''}"
            self.log.error(
                "The wait broke off, and its task fails: %s; condition: %s", reason, self.condition
            )
            failure = WorkflowError(f"The wait broke off in the triggerer: {reason}")
            return {"status": "failed", "error": failure.to_json()}
        if isinstance(verdict, Failed):
            return {"status": "failed", "error": verdict.error.to_json()}
        return {"status": "done", "result": verdict.result}

    async def _until_over(self, condition: Condition) -> Done | Failed:
        hook = import_string(condition.hook_class)(self.conn_id)
        state = WaitState.from_json(self.state).anew(now=time.time())
        overdue = time.time() - state.next_look
        if overdue > STAGGER:
            await asyncio.sleep(random.random() * STAGGER)
        while True:
            await asyncio.sleep(max(0.0, state.next_look - time.time()))
            outcome = await hook.alook(condition)
            now = time.time()
            verdict: Verdict = advance(state, outcome, now=now, subject=str(condition), draw=random.random())
            metrics.count_look(hook.conn_type, outcome, before=state, verdict=verdict, now=now)
            report(self.log, condition, outcome, before=state, verdict=verdict)
            if not isinstance(verdict, Wait):
                return verdict
            state = verdict.state
