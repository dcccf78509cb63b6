"""Waits of one event loop, which one request answers."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.core.connection.hook import AnyHook
from airflow_provider_workflows.core.waiting.condition import GroupedCondition
from airflow_provider_workflows.core.waiting.schedule import WaitState, look
from airflow_provider_workflows.core.waiting.trigger import WaitTrigger
from airflow_provider_workflows.exceptions import WorkflowError
from tests.core.harness import Clock


def events(hook: AnyHook, conditions: Sequence[GroupedCondition], clock: Clock) -> list[Any]:
    """Wait for all conditions as the triggerer does, after a look in the worker; return the payloads."""
    begun = WaitState.begin(now=clock.time(), timeout=1000, cap=30, tolerance=100)
    state = replace(begun, known=True, next_look=clock.time() + 1)

    async def wait(condition: GroupedCondition) -> Any:
        trigger = WaitTrigger(
            conn_id=hook.conn_id, condition=condition.to_json(), state=state.to_json(), not_before=0.0
        )
        async for event in trigger.run():
            return event.payload
        raise AssertionError("a trigger ends with an event")

    async def every() -> list[Any]:
        return await asyncio.gather(*map(wait, conditions))

    return asyncio.run(every())


def read(hook: AnyHook, conditions: Sequence[GroupedCondition]) -> set[str]:
    """
    Read the records of conditions of one group, and return those that are shown.

    What each condition makes of its record must be what it makes of one that it reads itself.
    """
    records = hook.run(lambda api: conditions[0].read_many(api, conditions))
    for one in conditions:
        if one.remote_id in records:
            record = records[one.remote_id]
            assert shown(_seen(hook, one, record)) == shown(look(hook, one))
    return set(records)


def shown(outcome: object) -> object:
    """Return an outcome so that it can be compared."""
    return outcome.to_json() if isinstance(outcome, WorkflowError) else outcome


def _seen(hook: AnyHook, condition: GroupedCondition, record: Any) -> object:
    try:
        return hook.read(lambda api: condition.check(api, record))
    except WorkflowError as error:
        return error
