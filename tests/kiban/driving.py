"""Drives an operation by hand: the answers are given, and what was asked is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep, Step
from airflow_provider_workflows.core.protocol.retry import diagnose


def ok(body: Any = None, *, status: int = 200, **headers: str) -> Reply:
    """Return an answer; without body if None."""
    content = b"" if body is None else json.dumps(body).encode()
    return Reply(status=status, body=content, headers=headers)


class Driven:
    """
    An operation that was driven to its end, or to the error that it raised.

    What the protocol makes of an answer is thrown into the operation, as the drivers do.

    :param answers: to the requests, in order; more requests than answers fail the test
    """

    def __init__(self, operation: Operation[Any], answers: Iterable[Reply] = ()) -> None:
        self.steps: list[Step] = []
        self.result: Any = None
        self._answers = list(answers)
        try:
            step = next(operation)
            while True:
                self.steps.append(step)
                step = self._go_on(operation, step)
        except StopIteration as end:
            self.result = end.value
        assert not self._answers, "fewer requests than expected"

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    @property
    def slept(self) -> list[float]:
        return [step.seconds for step in self.steps if isinstance(step, Sleep)]

    def _go_on(self, operation: Operation[Any], step: Step) -> Step:
        if isinstance(step, Sleep):
            return operation.send(None)
        assert isinstance(step, Request)
        assert self._answers, f"unexpected request: {step}"
        answer = self._answers.pop(0)
        error = diagnose(step, answer)
        return operation.send(answer) if error is None else operation.throw(error)
