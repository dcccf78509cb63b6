"""Answering a step once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self

from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Unknown,
    Words,
)
from airflow_provider_workflows.exceptions import Conflict, InvalidInput
from airflow_provider_workflows.kiban.api.detail import count_stays, names_stays, shows_form
from airflow_provider_workflows.kiban.api.status import Status, Step, describe
from airflow_provider_workflows.kiban.api.steps import Answer, pending
from airflow_provider_workflows.kiban.api.values import VENDOR

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.kiban.api.operations import KibanApi

#: Keys of the result that describe the step.
STEP_NAMES = ("node_name", "node_id", "node_type", "phase", "state")


@dataclass(frozen=True)
class Before:
    """
    Where an execution was right before its step was answered.

    :param stays: how often its detail shows the step's node as done; a process may come back to it
    :param modified: the vendor's date of its last change, unparsed; empty if unknown
    """

    step: Step
    node_name: str = ""
    stays: int = 0
    modified: str = ""

    @classmethod
    def of(cls, status: Status, step: Step, detail: Mapping[str, Any]) -> Self:
        """Read it from what Kiban shows."""
        return cls(
            step, status.node_name, count_stays(detail, step.node_id), str(detail.get("modified") or "")
        )

    @classmethod
    def from_json(cls, data: Any) -> Self | None:
        """Read it from a record; None if the record does not have it."""
        match data:
            case {"node_id": str(id), "node_name": str(name), "stays": int(stays), "modified": str(at)} if id:
                return cls(Step.from_json(data), name, stays, at)
        return None

    def to_json(self) -> dict[str, Any]:
        """Return it as JSON values, with the step's at the same level."""
        return {**self.step.to_json(), **{k: v for k, v in asdict(self).items() if k != "step"}}


class StepAnswer(Effect["KibanApi"]):
    """
    One answer to the step at which an execution waits.

    :param node: name or id of the node to answer; None for any node of the right type
    """

    carries_mark = False
    repeatable = False
    shown_by_baseline = True

    def __init__(self, execution_id: str, answer: Answer, *, node: str | None) -> None:
        self.payload = [execution_id, answer.kind, dict(answer.values), node]
        self.subject = f"the {answer.kind} for Kiban execution {execution_id}"
        self.words = Words(
            vendor="Kiban",
            verb="accept",
            participle="accepted",
            noun=f"the {answer.kind} for execution {execution_id}",
            look_in=f"the detail of execution {execution_id} in Kiban",
            look_for=f"a {answer.kind} sent",
            id="the execution's id",
        )
        #: The step that this attempt answered; None if it sent nothing, or the answer was lost.
        self.taken: Step | None = None
        self.execution_id = execution_id
        self._answer = answer
        self._node = node

    def baseline(self, api: KibanApi) -> Operation[dict[str, Any]]:
        """
        Read where the execution waits.

        :raises Rejected: it does not wait at such a step
        :raises InvalidInput: the step does not accept these values
        """
        status = yield from api.status(self.execution_id)
        step = pending(status, self._answer, execution_id=self.execution_id, node=self._node)
        detail = yield from api.detail(self.execution_id)
        return Before.of(status, step, detail).to_json()

    def submit(self, api: KibanApi, record: Record, *, again: bool) -> Operation[dict[str, Any]]:
        """
        Answer the step and return which step it was.

        :raises Conflict: the request is sent again, and the execution has left the step
        """
        before = Before.from_json(record.baseline)
        if again:
            yield from self._check_still_there(api, before)
        yield from api.answer(self.execution_id, self._answer)
        self.taken = None if before is None else before.step
        return self._result(before)

    def look_up(self, api: KibanApi, record: Record) -> Operation[LookupResult]:
        """Compare the execution with the baseline."""
        before = Before.from_json(record.baseline)
        if before is None:
            return Unknown("the record does not name the step to answer")
        status = yield from api.status(self.execution_id)
        detail = yield from api.detail(self.execution_id)
        return judge_answer(self._answer, before, status, detail, result=self._result(before))

    def check_id(self, api: KibanApi, id: Any) -> Operation[dict[str, Any]]:
        """
        Return the result that a person wrote; the execution's id is enough.

        :raises InvalidInput: it is the id of another execution
        """
        yield from ()
        written = id if isinstance(id, Mapping) else {"id": id}
        if written.get("id") != self.execution_id:
            raise InvalidInput(
                f"The id in the record must be {self.execution_id}, that of the execution, "
                f"got {written.get('id')!r}"
            )
        return {name: written.get(name, usual) for name, usual in self._result(None).items()}

    def own_id(self, record: Record) -> dict[str, Any]:
        """Return the result, with what the baseline tells of the step."""
        return self._result(Before.from_json(record.baseline))

    def _check_still_there(self, api: KibanApi, before: Before | None) -> Operation[None]:
        # In an execution that has moved on, the request could answer the next step of the same kind.
        status = yield from api.status(self.execution_id)
        if before is None or status.step != before.step:
            raise Conflict(
                f"Kiban execution {self.execution_id} is no longer at the step that this task answers\n"
                f"Its status is {describe(status)}. Airflow does not send the answer again",
                vendor=VENDOR,
                operation=f"send {self._answer.kind}",
            )

    def _result(self, before: Before | None) -> dict[str, Any]:
        step = {} if before is None else before.to_json()
        return {
            "id": self.execution_id,
            "answered": self._answer.kind,
            **{name: step.get(name) for name in STEP_NAMES},
        }


def judge_answer(
    answer: Answer, before: Before, status: Status, detail: Mapping[str, Any], *, result: Any
) -> LookupResult:
    """
    Return whether Kiban accepted this task's answer; pure.

    Kiban shows the values of an answer only for forms.

    Assumption: the detail does not tell one API key's answer from another's; no source says what a node's
    ``createdBy`` and ``reviewedBy`` hold. Wrong if they name the key or its user.

    :param status: read before the detail
    :param result: of the look-up, if Kiban accepted the answer
    """
    if answer.kind == "form":
        shown = shows_form(detail, before.step.node_id, answer.values, after=before.stays)
        if shown:
            return Found(result)
        if shown is False:
            return Unknown("the form has other values than this task's, so somebody else answered the step")
    if status.step == before.step:
        return _unmoved(before, detail)
    where = f"the execution has moved on and is {describe(status)}"
    if answer.kind == "form":
        return Unknown(f"{where}, but Kiban does not show the form's values", may_change=True)
    return Unknown(f"{where}, but Kiban does not show who answered the step")


def _unmoved(before: Before, detail: Mapping[str, Any]) -> LookupResult:
    """
    Return whether an execution at the step has never left it, or may have come back.

    Assumption: an execution that leaves a step changes its ``modified`` date, or lists the node once more.
    Wrong if one that went round a loop shows the same date and as many nodes as before.
    """
    if _has_changed(before, detail):
        why = "it has changed since this task read it"
    elif not (before.modified or names_stays(detail)):
        why = "Kiban does not show whether it left the step and came back"
    else:
        return NotSent()
    return Unknown(f"the execution is at the step, but {why}", may_change=True)


def _has_changed(before: Before, detail: Mapping[str, Any]) -> bool:
    if before.modified and before.modified != str(detail.get("modified") or ""):
        return True
    return count_stays(detail, before.step.node_id) > before.stays
