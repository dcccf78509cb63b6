"""What can be waited for in Kiban."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.detail import labels, pick
from airflow_provider_workflows.kiban.status import SUCCEEDED, Status, describe, ending, is_alarming
from airflow_provider_workflows.kiban.values import VENDOR
from airflow_provider_workflows.protocol.errors import RunFailed
from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True, kw_only=True)
class _OfExecution(Condition):
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
class ExecutionSucceeded(_OfExecution):
    """
    The execution has ended with SUCCESS, which does not mean that the applicant was accepted.

    A status or node type that no source names is waited on, with a warning.

    :param result_fields: paths into the detail whose values belong to the result; the detail holds personal
        data, so nothing else of it leaves but the labels
    """

    result_fields: Sequence[str] = ()

    def __str__(self) -> str:
        return f"end of Kiban execution {self.execution_id}"

    def check(self, api: KibanApi) -> Operation[Pending | Done]:
        """
        Look whether it has ended.

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
            place = f"; its last step was {status.node_name!r}" if status.node_name else ""
            raise self._over(f"{ending(status)}{place}")
        return _pending(status)


@dataclass(frozen=True, kw_only=True)
class StepPending(_OfExecution):
    """
    The execution stands at a step and waits for somebody.

    :param node: name or id of the node; None for any
    :param node_type: FORM, DOCUMENT, LINK, VALIDATION, TIMER, or what the vendor adds; None for any
    :param phase: of a LINK; None for any
    :param state: of a VALIDATION; None for any
    """

    node: str | None = None
    node_type: str | None = None
    phase: str | None = None
    state: str | None = None

    def __str__(self) -> str:
        named = (self.node_type, f"{self.node!r}" if self.node else None, self.phase, self.state)
        return f"step {' '.join(filter(None, named))} of Kiban execution {self.execution_id}"

    def check(self, api: KibanApi) -> Operation[Pending | Done]:
        """
        Look where it stands.

        :raises RunFailed: it has ended
        """
        status = yield from api.status(self.execution_id)
        if status.has_ended:
            raise self._over(f"{ending(status)} and does not wait for {self}")
        if self._is_there(status):
            return Done(self._result(status))
        return _pending(status)

    def _is_there(self, status: Status) -> bool:
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
