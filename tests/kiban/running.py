"""Runs Kiban's operators as Airflow does, and loses answers."""

from __future__ import annotations

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from airflow_provider_workflows.core.submission.record import KEY
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
from tests.core.harness import Clock, Runner
from tests.kiban.server import FORM, LOAN

#: Answers that are lost or no answers, and whether Kiban did it all the same.
LOST: dict[str, tuple[dict[str, Any], bool]] = {
    "reset after": ({"kind": "lost_answer"}, True),
    "reset before": ({"kind": "reset_before"}, False),
    "reset unread": ({"kind": "reset_unread"}, False),
    "502 after": ({"kind": "bad_gateway", "effect": True}, True),
    "502 before": ({"kind": "bad_gateway"}, False),
    "503": ({"kind": "unavailable"}, False),
    "HTML after": ({"kind": "not_json", "effect": True}, True),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, True),
}
DONE = [name for name, (_, done) in LOST.items() if done]
NOT_DONE = [name for name, (_, done) in LOST.items() if not done]


def starting(clock: Clock | None = None, **arguments: Any) -> Runner:
    arguments = {"workfloo_id": LOAN, "deferrable": False, **arguments}
    return Runner(lambda: KibanStartWorkflooOperator(task_id="start", **arguments), clock=clock)


def answering(execution_id: str, clock: Clock | None = None, **arguments: Any) -> Runner:
    arguments = {"settle": 0.1, **({} if set(arguments) - {"settle"} else {"form": FORM}), **arguments}
    return Runner(
        lambda: KibanAnswerStepOperator(task_id="answer", execution_id=execution_id, **arguments),
        clock=clock,
    )


def stored(runner: Runner, key: str = KEY) -> Any:
    assert runner.store is not None
    return runner.store.get(key)


class OldRunner(Runner):
    """Runs a task as Airflow before 3.3 does: nothing outlives an attempt, but a run has its beginning."""

    def __init__(self, make_task: Any, *, begun: float | None, clock: Clock | None = None) -> None:
        super().__init__(make_task, clock=clock, store=False)
        self._begun = begun

    @property
    def context(self) -> Any:
        date = None if self._begun is None else datetime.fromtimestamp(self._begun, tz=UTC)
        return {**super().context, "dag_run": SimpleNamespace(start_date=date)}


def die(runner: Runner, monkeypatch: pytest.MonkeyPatch, *, sent: bool) -> None:
    """Kill an attempt right after it sent, or right after it wrote its intent down."""
    assert runner.store is not None
    write = runner.store.set

    def kill(key: str, value: Any, **how: Any) -> None:
        if sent and "id" in value:
            raise KeyboardInterrupt
        write(key, value, **how)
        if not sent:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(runner.store, "set", kill)
        with pytest.raises(KeyboardInterrupt):
            runner.run()
    assert "id" not in stored(runner)
