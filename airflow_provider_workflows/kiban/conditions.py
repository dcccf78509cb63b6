"""Conditions on Kiban executions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypedDict

from airflow_provider_workflows.core.protocol.body import from_text
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import (
    MOST_STEPS,
    Condition,
    Done,
    GroupedCondition,
    OnPassed,
    Pending,
    StopCondition,
)
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.kiban.api.detail import ExecutionStep, check_fields, done_steps, labels, pick
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.reading import running
from airflow_provider_workflows.kiban.api.status import (
    RUNNING,
    SUCCEEDED,
    Status,
    describe,
    ending,
    is_alarming,
    read_status,
)
from airflow_provider_workflows.kiban.api.values import VENDOR, identifier
from airflow_provider_workflows.kiban.connection import FORM


@dataclass(frozen=True, kw_only=True)
class _ExecutionCondition(Condition):
    """A condition on one execution."""

    execution_id: str

    hook_class: ClassVar[str] = FORM.hook_class
    of_run: ClassVar[tuple[str, ...]] = ("execution_id",)

    @property
    def remote_id(self) -> str:
        """The execution's id."""
        return self.execution_id

    def _over(self, message: str) -> RunFailed:
        return RunFailed(
            f"Kiban execution {self.execution_id} {message}", vendor=VENDOR, operation="wait for execution"
        )


@dataclass(frozen=True, kw_only=True)
class ExecutionSucceeded(_ExecutionCondition, GroupedCondition):
    """
    The execution has ended with SUCCESS, which does not mean that the applicant was accepted.

    On an unknown status or node type, the wait continues with a warning.

    :param result_fields: paths into the detail whose values are added to the result; the detail contains
        personal data, so the result has nothing else of it except the labels
    :param workfloo: id of the execution's workfloo, if the task knows it: others of it take about as long
    """

    result_fields: Sequence[str] = ()
    workfloo: str = ""

    most_together: ClassVar[int] = 2_000

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

    @property
    def group(self) -> tuple[str, ...]:
        """All executions of the space."""
        return ("end",)

    @classmethod
    def read_many(cls, api: KibanApi, conditions: Sequence[Self]) -> Operation[Mapping[str, Status]]:
        """Read which executions are in progress."""
        return (yield from running(api, {one.execution_id for one in conditions}))

    def check(self, api: KibanApi, record: Status | None = None) -> Operation[Pending | Done]:
        """
        Check whether the execution has ended.

        :param record: status and node, of :meth:`read_many`; the history does not say what the step needs
        :raises RunFailed: it ended with ERROR, expired, or was cancelled
        """
        if record is not None and record.word == RUNNING:
            return Pending(f"{record.word} at {record.node_name!r}" if record.node_name else record.word)
        if record is not None:
            # Most ends are successes, whose status the detail shows, too.
            detail = yield from api.detail(self.execution_id)
            shown = read_status(detail)
            if shown is not None and shown.word == SUCCEEDED:
                return Done(self._result(detail))
        status = yield from api.status(self.execution_id)
        if status.word == SUCCEEDED:
            return Done(self._result((yield from api.detail(self.execution_id))))
        if status.has_ended:
            last = f"; its last step was {status.node_name!r}" if status.node_name else ""
            raise self._over(f"{ending(status)}{last}")
        return _pending(status)

    def _result(self, detail: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "id": self.execution_id,
            "status": SUCCEEDED,
            "labels": labels(detail),
            "fields": {path: pick(detail, path) for path in self.result_fields},
        }


class StepResult(TypedDict):
    """
    What the wait for a step returns with ``on_passed="succeed"``.

    - ``id``: of the execution
    - ``passed``: whether the step is done; False if the execution waits there
    - ``node_name``, ``node_id``, ``node_type``: the step's node
    - ``phase``, ``state``: as without ``on_passed``; "" if the step is done
    - ``decision``, ``by``: what a reviewer decided, and who that was; None if the execution waits there, if
      the step is no VALIDATION, or if Kiban does not say
    - ``steps``: the nodes that are done, from the step's last one on, at most 100
    """

    id: str
    passed: bool
    node_name: str
    node_id: str
    node_type: str
    phase: str
    state: str
    decision: str | None
    by: str | None
    steps: list[ExecutionStep]


@dataclass(frozen=True, kw_only=True)
class StepPending(StopCondition, _ExecutionCondition):
    """
    The execution waits at a step.

    With ``on_passed="succeed"``, the result is a :class:`StepResult`. Whether the step was passed, the
    execution's detail says, which then is read with each look. It lists nodes only, so that ``phase`` and
    ``state`` do not count.

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
    def read(
        cls,
        *,
        execution_id: str,
        node: Any,
        node_type: Any,
        phase: Any,
        state: Any,
        on_passed: OnPassed = "fail",
    ) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid, or both node and node_type are missing
        """
        if on_passed == "succeed" and node is None:
            raise InvalidInput("on_passed='succeed' requires node")
        if node is None and node_type is None:
            raise InvalidInput("A step requires node or node_type")
        step = {"node": node, "node_type": node_type, "phase": phase, "state": state}
        return cls(
            execution_id=identifier(execution_id, "execution_id"),
            **{name: None if value is None else identifier(value, name) for name, value in step.items()},
            on_passed=on_passed,
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

        :raises RunFailed: the execution has ended; with ``on_passed="succeed"``, unless it has ended with
            SUCCESS after the step
        """
        status = yield from api.status(self.execution_id)
        if self._matches(status):
            return Done(self._result(status))
        if self._may_be_passed(status):
            passed = self._passed(done_steps((yield from api.detail(self.execution_id))))
            if passed is not None:
                return Done(passed)
        if status.has_ended:
            raise self._over(f"{ending(status)}, so it will not reach step {self._step}")
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
        found = {"id": self.execution_id, "node_name": status.node_name, **status.step.to_json()}
        if self.on_passed == "fail":
            return found
        return {**found, "passed": False, "decision": None, "by": None, "steps": []}

    def _may_be_passed(self, status: Status) -> bool:
        """Return whether to read the detail: not while the execution is at the node, or if it ended badly."""
        if self.on_passed == "fail":
            return False
        is_here = self.node in (status.node_id, status.node_name)
        return status.word == SUCCEEDED if status.has_ended else not is_here

    def _passed(self, done: Sequence[ExecutionStep]) -> StepResult | None:
        """Return the result if the step is among those that are done."""
        last = [number for number, step in enumerate(done) if self._is_meant(step)][-1:]
        if not last:
            return None
        step, *_ = steps = list(done[last[0] :])
        return {
            "id": self.execution_id,
            "passed": True,
            "node_name": step["node_name"],
            "node_id": step["node_id"],
            "node_type": step["node_type"],
            "phase": "",
            "state": "",
            "decision": step["decision"],
            "by": step["by"],
            "steps": steps[:MOST_STEPS],
        }

    def _is_meant(self, step: ExecutionStep) -> bool:
        return self.node in (step["node_id"], step["node_name"]) and self.node_type in (
            None,
            step["node_type"],
        )


def _pending(status: Status) -> Pending:
    return Pending(describe(status), warning=is_alarming(status))
