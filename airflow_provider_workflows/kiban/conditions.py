"""Conditions on Kiban executions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.kiban.api.detail import check_fields, labels, pick
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.status import SUCCEEDED, Status, describe, ending, is_alarming
from airflow_provider_workflows.kiban.api.values import VENDOR, identifier
from airflow_provider_workflows.kiban.connection import FORM


@dataclass(frozen=True, kw_only=True)
class _ExecutionCondition(Condition):
    """A condition on one execution."""

    execution_id: str

    hook_class: ClassVar[str] = FORM.hook_class

    @property
    def remote_id(self) -> str:
        """The execution's id."""
        return self.execution_id

    def _over(self, message: str) -> RunFailed:
        return RunFailed(
            f"Kiban execution {self.execution_id} {message}", vendor=VENDOR, operation="wait for execution"
        )


@dataclass(frozen=True, kw_only=True)
class ExecutionSucceeded(_ExecutionCondition):
    """
    The execution has ended with SUCCESS, which does not mean that the applicant was accepted.

    On an unknown status or node type, the wait continues with a warning.

    :param result_fields: paths into the detail whose values are added to the result; the detail contains
        personal data, so the result has nothing else of it except the labels
    """

    result_fields: Sequence[str] = ()

    @classmethod
    def read(cls, *, execution_id: str, result_fields: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        return cls(
            execution_id=identifier(execution_id, "execution_id"),
            result_fields=check_fields(from_text(result_fields, "result_fields")),
        )

    def __str__(self) -> str:
        return f"the end of Kiban execution {self.execution_id}"

    def check(self, api: KibanApi) -> Operation[Pending | Done]:
        """
        Check whether the execution has ended.

        :raises RunFailed: it ended with ERROR, expired, or was cancelled
        """
        status = yield from api.status(self.execution_id)
        if status.word == SUCCEEDED:
            detail = yield from api.detail(self.execution_id)
            return Done(
                {
                    "id": self.execution_id,
                    "status": status.word,
                    "labels": labels(detail),
                    "fields": {path: pick(detail, path) for path in self.result_fields},
                }
            )
        if status.has_ended:
            last = f"; its last step was {status.node_name!r}" if status.node_name else ""
            raise self._over(f"{ending(status)}{last}")
        return _pending(status)


@dataclass(frozen=True, kw_only=True)
class StepPending(_ExecutionCondition):
    """
    The execution waits at a step.

    :param node: name or id of the node; None for any node
    :param node_type: FORM, DOCUMENT, LINK, VALIDATION, TIMER, or a newer type; None for any type
    :param phase: phase of a LINK; None for any phase
    :param state: state of a VALIDATION; None for any state
    """

    node: str | None = None
    node_type: str | None = None
    phase: str | None = None
    state: str | None = None

    @classmethod
    def read(cls, *, execution_id: str, node: Any, node_type: Any, phase: Any, state: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid, or both node and node_type are missing
        """
        if node is None and node_type is None:
            raise InvalidInput("A step requires node or node_type")
        step = {"node": node, "node_type": node_type, "phase": phase, "state": state}
        return cls(
            execution_id=identifier(execution_id, "execution_id"),
            **{name: None if value is None else identifier(value, name) for name, value in step.items()},
        )

    def __str__(self) -> str:
        return f"step {self._step} of Kiban execution {self.execution_id}"

    @property
    def _step(self) -> str:
        named = (self.node_type, f"{self.node!r}" if self.node else None, self.phase, self.state)
        return " ".join(filter(None, named))

    def check(self, api: KibanApi) -> Operation[Pending | Done]:
        """
        Check at which step the execution waits.

        :raises RunFailed: the execution has ended
        """
        status = yield from api.status(self.execution_id)
        if status.has_ended:
            raise self._over(f"{ending(status)}, so it will not reach step {self._step}")
        if self._matches(status):
            return Done(self._result(status))
        return _pending(status)

    def _matches(self, status: Status) -> bool:
        step = status.step
        return (
            step is not None
            and self.node in (None, status.node_id, status.node_name)
            and self.node_type in (None, step.node_type)
            and self.phase in (None, step.phase)
            and self.state in (None, step.state)
        )

    def _result(self, status: Status) -> dict[str, Any]:
        assert status.step is not None
        return {"id": self.execution_id, "node_name": status.node_name, **status.step.to_json()}


def _pending(status: Status) -> Pending:
    return Pending(describe(status), warning=is_alarming(status))
