"""Requests and replies for the tests of this room, and a driver that is a list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any, TypeVar

from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation, Step

T = TypeVar("T")


def make_request(**changes: Any) -> Request:
    request = Request(vendor="Vendor", operation="do it", method="POST", path="/do", repeatable=True)
    return replace(request, **changes)


def make_reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    """A reply; underscores in the names of headers become hyphens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=names, body=body)


class Hand:
    """Drives an operation by hand; what it yields is kept."""

    def __init__(self, operation: Operation[T], answers: Iterable[Any]) -> None:
        self._operation = operation
        self._answers = list(answers)
        self.steps: list[Step] = []

    def run(self) -> Any:
        """
        Answer each step by the next answer, throwing those that are exceptions.

        :returns: what the operation returns
        """
        try:
            self.steps.append(next(self._operation))
            while True:
                answer = self._answers.pop(0)
                if isinstance(answer, Exception):
                    self.steps.append(self._operation.throw(answer))
                else:
                    self.steps.append(self._operation.send(answer))
        except StopIteration as end:
            assert not self._answers, "the operation ended early"
            return end.value
