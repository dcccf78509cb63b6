"""BlizWork's operators as tasks, and the ways in which an answer to them is lost."""

from __future__ import annotations

import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.core.submission.record import KEY
from tests.blizwork.conftest import BlizWorkServer
from tests.core.harness import Clock, Runner

FORM = {"applicant": "Ana", "age": 30, "amount": Decimal("1000.10")}


def starting(clock: Clock | None = None, *, store: bool = True, **arguments: Any) -> Runner:
    arguments = {"workflow_id": "one-step", **arguments}
    return Runner(lambda: BlizWorkInitCaseOperator(task_id="init", **arguments), clock=clock, store=store)


def running(case: Any, *, store: bool = True, **arguments: Any) -> Runner:
    arguments = {
        "workflow_id": "credit",
        "case_number": case,
        "form_id": "application",
        "next_form_id": "scoring",
        "form_data": FORM,
        **arguments,
    }
    return Runner(lambda: BlizWorkExecActivityOperator(task_id="exec", **arguments), store=store)


def looping(case: int, text: str | None = None, **arguments: Any) -> Runner:
    """A run of the activity that is pending again after it."""
    form = None if text is None else {"text": text}
    ids: dict[str, Any] = {"workflow_id": "loop", "form_id": "request", "next_form_id": "request"}
    return running(case, **ids, form_data=form, **arguments)


def stored(runner: Runner) -> Any:
    assert runner.store is not None
    return runner.store.get(KEY)


def until(condition: Callable[[], bool]) -> None:
    """Wait in real time for what the sandbox does by itself."""
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


#: Answers that are lost or no answers, and whether the work was done all the same.
LOST: dict[str, tuple[dict[str, Any], int]] = {
    "reset after": ({"kind": "lost_answer"}, 1),
    "reset before": ({"kind": "reset_before"}, 0),
    "reset unread": ({"kind": "reset_unread"}, 0),
    "cut off": ({"kind": "truncated"}, 1),
    "502 after": ({"kind": "bad_gateway", "effect": True}, 1),
    "502 before": ({"kind": "bad_gateway"}, 0),
    "HTML after": ({"kind": "not_json", "effect": True}, 1),
    "101 after": ({"code": 101, "effect": True}, 1),
    "101 before": ({"code": 101}, 0),
}


def lose(server: BlizWorkServer, endpoint: str, name: str) -> int:
    """Lose the next answer of an endpoint; returns how often the work is done all the same."""
    how, effects = LOST[name]
    if "code" in how:
        server.answer(endpoint, **how)
    else:
        server.fault(endpoint, **how)
    return effects
