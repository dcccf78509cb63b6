"""Robusta's operator as a task."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.core.harness import Clock, Runner


def starting(clock: Clock | None = None, *, store: bool = True, **arguments: Any) -> Runner:
    arguments = {"process_name": "InvoiceBot", "worker": "3", "values": {"orderNo": 7}, **arguments}
    return Runner(lambda: RobustaStartProcessOperator(task_id="start", **arguments), clock=clock, store=store)


def stored(runner: Runner) -> Any:
    assert runner.store is not None
    return runner.store.get(KEY)
