"""Running an activity once."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.blizwork.case import Move, Verdict, trace
from airflow_provider_workflows.blizwork.values import adopted_case
from airflow_provider_workflows.protocol.errors import InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.blizwork.case import Case
    from airflow_provider_workflows.blizwork.hook import BlizWorkHook

log = logging.getLogger(__name__)

#: Why a case that shows this leaves a doubt.
WHY: Mapping[Verdict, str] = {
    "no history": "BlizWork does not show the case's history back to the time before the call",
    "nameless step": "the case's history has a new step that does not name its activity",
    "another author": "the activity was run, but BlizWork names another user, or none: a person, another "
    "program, or BlizWork itself at the activity's deadline",
    "several runs": "the same user has run the activity more than once since, so this task is not alone with "
    "the account",
    "another action": "the same user has run the activity, but with another action",
    "other values": "the same user has run the activity, but the case does not hold the values of this task",
    "no action": "the same user has run the activity, but BlizWork does not name the action, and there are "
    "no values to compare",
    "by name only": "the user in whose name it was to be run has run the activity, perhaps by hand, and "
    "there are no values to compare",
}


class ActivityRun(Effect):
    """
    One run of a pending activity.

    Tasks that run the same activity of the same case at the same time as the same user, with the same action
    and values, cannot be told apart: BlizWork has no place for a mark.

    :param call: arguments of the hook's ``exec_activity``, by name
    """

    def __init__(self, hook: BlizWorkHook, call: Mapping[str, Any]) -> None:
        self._hook = hook
        self._workflow_id, self._number = str(call["workflow_id"]), int(call["number"])
        self._form_id = str(call["form_id"])
        self.payload = dict(call)
        self.subject = f"the run of activity {self._form_id!r} of BlizWork case {self.case}"
        self.hint = (
            f"the activity {self._form_id!r} in the history of case {self._number} of the process "
            f"{self._workflow_id!r}"
        )

    @property
    def case(self) -> str:
        """The process and the case's number."""
        return f"{self._workflow_id}/{self._number}"

    def baseline(self) -> dict[str, Any]:
        """Read how long the case's history is, and what is pending."""
        case = self._load()
        if case.pending != self._form_id:
            log.warning(
                "Case %s: %r is not pending, but %r. It is sent all the same; BlizWork has the last word",
                self.case,
                self._form_id,
                case.pending,
            )
        return {"history_length": len(case.history), "pending": case.pending}

    def submit(self, record: Record, *, again: bool) -> dict[str, Any]:
        """Run it, and return the operator's result."""
        result = self._result(_before(record))
        self._hook.exec_activity(**self.payload)
        return result

    def look_up(self, record: Record) -> Trace:
        """Compare the case with what it was before."""
        since, case, api = _before(record), self._load(), self._hook.get_conn()
        company = self.payload["company_id"] or api.company_id
        if not case.is_meant(self._workflow_id, self._number, company_id=company, reader=api.company_id):
            return CannotKnow("BlizWork shows a case of another organisation or process than the one meant")
        match trace(case, self._move(api.user_id), since=since):
            case "ours":
                return Found(self._result(since))
            case "standing":
                return Absent()
            case verdict:
                return CannotKnow(WHY[verdict])

    def adopt(self, id: Any) -> dict[str, Any]:
        """
        Return the result of a run of which a person has written the case's number, or the result itself.

        :raises InvalidInput: it is of another case, or the case shows no run of the activity
        """
        if isinstance(id, Mapping):
            length = id.get("history_length")
            if isinstance(length, int) and dict(id) == self._result(length):
                return dict(id)
            raise InvalidInput(f"The id {dict(id)!r} is not that of {self.subject}; write the case's number")
        adopted_case(id, self._workflow_id, expected=self._number)
        history = self._load().history
        runs = [at for at, entry in enumerate(history) if entry.form_id == self._form_id]
        if not runs:
            raise InvalidInput(
                f"The id {id!r} says that it was done, but BlizWork does not show {self.subject}"
            )
        return self._result(runs[-1])

    def _load(self) -> Case:
        return self._hook.load_case(self._workflow_id, self._number)

    def _move(self, user_id: str) -> Move:
        acting = self.payload["exec_user_id"]
        return Move(
            form_id=self._form_id,
            next_form_id=self.payload["next_form_id"],
            author=acting or user_id,
            acting=acting is not None and acting.lower() != user_id.lower(),
            values=self.payload["form_data"],
        )

    def _result(self, history_length: Any) -> dict[str, Any]:
        return {
            "case_number": self._number,
            "form_id": self._form_id,
            "next_form_id": self.payload["next_form_id"],
            "history_length": history_length,
        }


def _before(record: Record) -> int:
    """
    Return the length of the case's history right before the first sending.

    :raises InvalidInput: the record does not say it
    """
    match record.baseline:
        case {"history_length": int(length)}:
            return length
    raise InvalidInput("the record does not say how long the case's history was before the call")
