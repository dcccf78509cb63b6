"""Answering a step once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.kiban.detail import count_stays, names_stays, shows_form
from airflow_provider_workflows.kiban.status import Status, Step, describe
from airflow_provider_workflows.kiban.steps import Answer, pending
from airflow_provider_workflows.kiban.values import VENDOR
from airflow_provider_workflows.protocol.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.kiban.hook import KibanHook

#: What a result says of the step.
STEP_NAMES = ("node_name", "node_id", "node_type", "phase", "state")


@dataclass(frozen=True)
class Before:
    """
    Where an execution stood right before it was answered.

    :param stays: how often its detail showed the step's node as done; a process may come back to it
    :param modified: the vendor's date of its last change, as it is; empty if not known
    """

    step: Step
    node_name: str = ""
    stays: int = 0
    modified: str = ""

    @classmethod
    def of(cls, status: Status, step: Step, detail: Mapping[str, Any]) -> Self:
        """Return what the vendor shows."""
        return cls(
            step, status.node_name, count_stays(detail, step.node_id), str(detail.get("modified") or "")
        )

    @classmethod
    def from_json(cls, data: Any) -> Self | None:
        """Rebuild it; None if a record does not hold it. Version 0.1 kept the step and its name only."""
        if not isinstance(data, Mapping) or not data.get("node_id"):
            return None
        stays = data.get("stays")
        return cls(
            Step.from_json(data),
            str(data.get("node_name", "")),
            stays if isinstance(stays, int) else 0,
            str(data.get("modified", "")),
        )

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, the step's flat among them."""
        return {**self.step.to_json(), **{k: v for k, v in asdict(self).items() if k != "step"}}


class StepAnswer(Effect):
    """
    One answer to the step at which an execution stands.

    :param node: name or id of the node that is to be answered; None for any of the right type
    """

    def __init__(self, hook: KibanHook, execution_id: str, answer: Answer, *, node: str | None) -> None:
        self.payload = [execution_id, answer.kind, dict(answer.values), node]
        self.subject = f"the {answer.kind} for Kiban execution {execution_id}"
        self.hint = f"a {answer.kind} in the detail of execution {execution_id}"
        #: The step whose answer Kiban has just taken; None if nothing was sent, or its answer was lost.
        self.taken: Step | None = None
        self._hook = hook
        self._execution_id = execution_id
        self._answer = answer
        self._node = node

    def baseline(self) -> dict[str, Any]:
        """
        Read where the execution stands.

        :raises Rejected: it does not stand at such a step
        :raises InvalidInput: the step does not take these values
        """
        status = self._hook.status(self._execution_id)
        step = pending(status, self._answer, execution_id=self._execution_id, node=self._node)
        return Before.of(status, step, self._hook.detail(self._execution_id)).to_json()

    def submit(self, record: Record, *, again: bool) -> dict[str, Any]:
        """
        Answer it, and return which step that was.

        :raises Conflict: it was to be sent again, and the execution does not stand at the step any more
        """
        before = Before.from_json(record.baseline)
        if again:
            self._check_still_there(before)
        self._hook.answer(self._execution_id, self._answer)
        self.taken = None if before is None else before.step
        return self._result(before)

    def look_up(self, record: Record) -> Trace:
        """Compare the execution with what it was before."""
        before = Before.from_json(record.baseline)
        if before is None:
            return CannotKnow("the record does not say which step was to be answered")
        status = self._hook.status(self._execution_id)
        detail = self._hook.detail(self._execution_id)
        return trace(self._answer, before, status, detail, result=self._result(before))

    def adopt(self, id: Any) -> dict[str, Any]:
        """
        Return the result that a person has written down; the execution's id is enough.

        :raises InvalidInput: it is of another execution
        """
        written = id if isinstance(id, Mapping) else {"id": id}
        if written.get("id") != self._execution_id:
            raise InvalidInput(
                "The id in the state store must be that of the execution that was answered, "
                f"{self._execution_id}, not {written.get('id')!r}"
            )
        return {name: written.get(name, usual) for name, usual in self._result(None).items()}

    def _check_still_there(self, before: Before | None) -> None:
        # Sent to an execution that has moved on, it could answer the next step of the same kind.
        status = self._hook.status(self._execution_id)
        if before is None or status.step != before.step:
            raise Conflict(
                f"Kiban execution {self._execution_id} does not stand any more at the step that was to be "
                f"answered, so nothing is sent again: it is {describe(status)}",
                vendor=VENDOR,
                operation=f"send {self._answer.kind}",
            )

    def _result(self, before: Before | None) -> dict[str, Any]:
        step = {} if before is None else before.to_json()
        return {
            "id": self._execution_id,
            "answered": self._answer.kind,
            **{name: step.get(name) for name in STEP_NAMES},
        }


def trace(answer: Answer, before: Before, status: Status, detail: Mapping[str, Any], *, result: Any) -> Trace:
    """
    Tell whether an answer was taken; pure.

    Only of a form can it be read what a step was answered with.

    :param status: read before the detail
    :param result: what was found, if it was taken
    """
    if answer.kind == "form":
        shown = shows_form(detail, before.step.node_id, answer.values, after=before.stays)
        if shown:
            return Found(result)
        if shown is False:
            return CannotKnow("its form holds other values than this task's: somebody else answered it")
    if status.step == before.step:
        return _unmoved(before, detail)
    where = f"the execution has moved on and is {describe(status)}"
    if answer.kind == "form":
        return CannotKnow(f"{where}, but what its form holds is not shown", may_change=True)
    return CannotKnow(f"{where}, but nothing shows whether it was this task's answer that moved it")


def _unmoved(before: Before, detail: Mapping[str, Any]) -> Trace:
    """Tell of an execution that shows the step whether it has never left it, or may have come back."""
    if _has_changed(before, detail):
        why = "has changed since this task looked at it"
    elif not (before.modified or names_stays(detail)):
        why = "nothing by which a step that was answered and has come again could be told"
    else:
        return Absent()
    return CannotKnow(f"the execution shows the step, but {why}", may_change=True)


def _has_changed(before: Before, detail: Mapping[str, Any]) -> bool:
    if before.modified and before.modified != str(detail.get("modified") or ""):
        return True
    return count_stays(detail, before.step.node_id) > before.stays
