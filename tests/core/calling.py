"""Airflow's part in a callback: a notifier is called in a worker, or awaited in the triggerer."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_workflows.core.notifications import notification
from airflow_provider_workflows.core.notifications.notifier import WorkflowNotifier

#: Calls a notifier of a class, with arguments as in a DAG file, for a context.
Call = Callable[..., None]


def failure(**values: Any) -> dict[str, Any]:
    """Return the context of a task's failure."""
    names = {"dag_id": "loans", "run_id": "monday", "task_id": "pay", "map_index": -1, "try_number": 1}
    ti = SimpleNamespace(**{**names, "start_date": datetime.now(UTC), **values})
    return {"ti": ti, "run_id": ti.run_id, "exception": ValueError("no money")}


def missed_deadline(id: str = "d1") -> dict[str, Any]:
    """Return the context of a missed deadline, which has been JSON."""
    now = datetime.now(UTC).isoformat()
    dag_run = {"dag_id": "loans", "dag_run_id": "monday", "queued_at": now}
    context = {"dag_run": dag_run, "deadline": {"id": id, "deadline_time": now}}
    found: dict[str, Any] = json.loads(json.dumps(context))
    return found


def call_it(kind: type[WorkflowNotifier], context: Any, **arguments: Any) -> None:
    kind(**arguments)(context)


def await_it(kind: type[WorkflowNotifier], context: Any, **arguments: Any) -> None:
    async def callback() -> None:
        await kind(**arguments, context=context)

    asyncio.run(callback())


@pytest.fixture(params=[call_it, await_it], ids=["called", "awaited"])
def call(request: pytest.FixtureRequest) -> Call:
    way: Call = request.param
    return way


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look as often as ever, but without the pauses between."""
    monkeypatch.setattr(notification, "PAUSES_BEFORE", (0.0,) * len(notification.PAUSES_BEFORE))
    monkeypatch.setattr(notification, "PAUSES_AFTER", (0.0,) * len(notification.PAUSES_AFTER))
