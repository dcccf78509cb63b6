"""Drives an operation by hand: the answers are given, and what was asked is kept."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sleep, Step


def ok(result: Any = None, *, status: Any = 200, message: str = "ok", **more: Any) -> Reply:
    """Return an answer in OMFlow's envelope."""
    body = {"status": status, "message": message, "result": result, **more}
    return Reply(status=200, body=json.dumps(body).encode())


def refused(status: Any = 403, message: str = "no") -> Reply:
    return ok(None, status=status, message=message)


class Driven:
    """
    An operation that was driven to its end, or to the error that it raised.

    :param answers: to the requests, in order; more requests than answers fail the test
    :param codes: security codes to give out, the last one for ever
    :param again: whether requests after a sleep get the last answer again
    """

    def __init__(
        self,
        operation: Operation[Any],
        answers: Iterable[Reply] = (),
        *,
        codes: Iterable[str] = ("code-1",),
        again: bool = False,
    ) -> None:
        self.steps: list[Step] = []
        self.result: Any = None
        self._answers = list(answers)
        self._again = again
        self._last = Reply(status=500)
        self._codes = list(codes)
        answer: Any = None
        while True:
            try:
                step = operation.send(answer)
            except StopIteration as end:
                self.result = end.value
                break
            self.steps.append(step)
            answer = self._answer(step)
        assert not self._answers, "fewer requests than expected"

    @property
    def requests(self) -> list[Request]:
        return [step for step in self.steps if isinstance(step, Request)]

    @property
    def bodies(self) -> list[Any]:
        return [request.json for request in self.requests]

    @property
    def renewals(self) -> list[Renew]:
        return [step for step in self.steps if isinstance(step, Renew)]

    @property
    def slept(self) -> list[float]:
        return [step.seconds for step in self.steps if isinstance(step, Sleep)]

    def _answer(self, step: Step) -> Any:
        if isinstance(step, Renew):
            # As the cell does: a new one only if the current one was refused.
            if step.rejected == self._codes[0] and len(self._codes) > 1:
                self._codes.pop(0)
            return self._codes[0]
        if isinstance(step, Sleep):
            return None
        if self._again and self.slept:
            return self._last
        assert self._answers, f"unexpected request: {step}"
        self._last = self._answers.pop(0)
        return self._last
