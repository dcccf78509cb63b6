"""What operators do exactly once in BlizWork: open a case, run an activity, send a mail."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.blizwork.api.answer import ResultCode
from airflow_provider_workflows.blizwork.api.case import Move, Verdict, judge_move
from airflow_provider_workflows.blizwork.api.operations import VENDOR
from airflow_provider_workflows.blizwork.api.values import (
    acting,
    activity,
    case_number_of,
    closing,
    mail,
    optional_identifier,
)
from airflow_provider_workflows.blizwork.conditions import CaseClosed
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Run,
    RunState,
    Start,
    Unknown,
    Words,
)
from airflow_provider_workflows.exceptions import InvalidInput, NotFound

if TYPE_CHECKING:
    from airflow_provider_workflows.blizwork.api.case import Case
    from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record

log = logging.getLogger(__name__)

#: Why a look-up that leads to this verdict is not conclusive.
WHY: Mapping[Verdict, str] = {
    "no history": "BlizWork does not show the case's history back to the time before the request",
    "nameless step": "the case's history has a new step that does not name its activity",
    "another author": "the activity was run, but BlizWork names another user or none\n"
    "Another person or program ran it, or BlizWork itself did at the activity's deadline",
    "several runs": "this user has run the activity more than once since then\n"
    "Something else must be using the same account",
    "another action": "this user has run the activity, but with another action",
    "other values": "this user has run the activity, but the case does not have this task's values",
    "no action": "this user has run the activity, but nothing identifies the run as this task's\n"
    "BlizWork does not name the action, and there are no values to compare",
    "by name only": "the user in whose name it was requested has run the activity, perhaps by hand\n"
    "There are no values to compare",
}


class ActivityRun(Effect["BlizWorkApi"]):
    """
    One run of a pending activity.

    BlizWork has no field for a mark. So if two tasks run the same activity of the same case at the same time,
    as the same user and with the same action and values, a look-up cannot distinguish them.

    :param body: of the call, as :func:`~airflow_provider_workflows.blizwork.api.values.activity` returns it
    """

    carries_mark = False
    repeatable = False
    shown_by_baseline = True

    def __init__(self, body: Mapping[str, Any]) -> None:
        self._workflow_id, self._number = str(body["workflowId"]), int(body["caseNumber"])
        self._form_id = str(body["formId"])
        self.payload = dict(body)
        self.subject = f"the run of activity {self._form_id!r} of BlizWork case {self.case}"
        self.words = Words(
            vendor=VENDOR,
            verb="run",
            participle="run",
            noun=f"activity {self._form_id!r} of case {self.case}",
            look_in=f"the history of case {self._number} of process {self._workflow_id!r} in {VENDOR}",
            look_for=f"a run of activity {self._form_id!r}",
            id="the case's number",
        )

    @classmethod
    def read(
        cls,
        workflow_id: object,
        case_number: object,
        form_id: object,
        next_form_id: object,
        form_data: object = None,
        *,
        exec_user_id: object = None,
        company_id: object = None,
        **more: Any,
    ) -> ActivityRun:
        """Return the run for the arguments of an operator; :class:`InvalidInput` names a wrong one."""
        more |= _whose(exec_user_id, company_id)
        return cls(activity(workflow_id, case_number, form_id, next_form_id, form_data, **more))

    @property
    def case(self) -> str:
        """The process and the case's number."""
        return f"{self._workflow_id}/{self._number}"

    @property
    def turn(self) -> str:
        """The case, whose history the baseline describes."""
        return self.case

    def baseline(self, api: BlizWorkApi) -> Operation[dict[str, Any]]:
        """Read the length of the case's history, and the pending activity."""
        case = yield from self._load(api)
        if case.pending != self._form_id and not case.is_fresh:
            log.warning(
                "Case %s: the activity %r is not pending, but %r is. Sending the request anyway",
                self.case,
                self._form_id,
                case.pending,
            )
        return {"history_length": len(case.history), "pending": case.pending}

    def submit(self, api: BlizWorkApi, record: Record, *, again: bool) -> Operation[dict[str, Any]]:
        """Run the activity and return the operator's result."""
        result = self._result(_before(record))
        yield from api.run_activity(self.payload)
        return result

    def look_up(self, api: BlizWorkApi, record: Record) -> Operation[LookupResult]:
        """Compare the case with the baseline."""
        since, case = _before(record), (yield from self._load(api))
        company = self.payload.get("companyId") or api.company_id
        if not case.is_meant(self._workflow_id, self._number, company_id=company, reader=api.company_id):
            return Unknown("BlizWork shows a case of another organisation or process")
        match judge_move(case, self._move(api.user_id), since=since):
            case "ours":
                return Found(self._result(since))
            case "standing":
                return NotSent()
            case verdict:
                return Unknown(WHY[verdict])

    def check_id(self, api: BlizWorkApi, id: Any) -> Operation[dict[str, Any]]:
        """
        Return the result that a person wrote, or that of the case whose number the person wrote.

        :raises InvalidInput: it is of another case, or the case shows no run of the activity
        """
        if isinstance(id, Mapping):
            length = id.get("history_length")
            if isinstance(length, int) and dict(id) == self._result(length):
                return dict(id)
            raise InvalidInput(f"The id must be the case's number {self._number}, got {dict(id)!r}")
        case_number_of(id, self._workflow_id, expected=self._number)
        case = yield from self._load(api)
        first = int(case.may_begin_with_opening)
        runs = [at for at, entry in enumerate(case.history) if at >= first and entry.form_id == self._form_id]
        if not runs:
            raise InvalidInput(f"The record has the id {id!r}, but BlizWork does not show {self.subject}")
        return self._result(runs[-1])

    def own_id(self, record: Record) -> int:
        """Return the case's number."""
        return self._number

    def _load(self, api: BlizWorkApi) -> Operation[Case]:
        return api.load_case(self._workflow_id, self._number)

    def _move(self, user_id: str) -> Move:
        acting = self.payload.get("execUserId")
        return Move(
            form_id=self._form_id,
            next_form_id=self.payload["nextFormId"],
            author=acting or user_id,
            acting=acting is not None and acting.lower() != user_id.lower(),
            values=self.payload["formData"],
        )

    def _result(self, history_length: Any) -> dict[str, Any]:
        return {
            "case_number": self._number,
            "form_id": self._form_id,
            "next_form_id": self.payload["nextFormId"],
            "history_length": history_length,
        }


def _whose(exec_user_id: object, company_id: object) -> dict[str, str | None]:
    return {
        "exec_user_id": optional_identifier(exec_user_id, "exec_user_id"),
        "company_id": optional_identifier(company_id, "company_id"),
    }


def _before(record: Record) -> int:
    """
    Return the length of the case's history right before the first request.

    :raises InvalidInput: the record does not have it
    """
    match record.baseline:
        case {"history_length": int(length)}:
            return length
    raise InvalidInput("The record does not have the length of the case's history before the request")


class CaseStart(Start["BlizWorkApi"]):
    """
    One case to open.

    :param body: of the call, as :func:`~airflow_provider_workflows.blizwork.api.values.acting` returns it
    :param end_marks: how to recognise the case's end, as arguments of
        :class:`~airflow_provider_workflows.blizwork.conditions.CaseClosed`
    """

    carries_mark = False
    repeatable = False

    def __init__(self, body: Mapping[str, Any], *, end_marks: Mapping[str, Any]) -> None:
        self._workflow_id = str(body["workflowId"])
        self.payload = dict(body)
        self.subject = f"a case of BlizWork process {self._workflow_id}"
        self.words = Words(
            vendor=VENDOR,
            verb="open",
            participle="opened",
            noun=f"a case of process {self._workflow_id}",
            look_in=f"{VENDOR}'s list of cases",
            look_for=f"a case of process {self._workflow_id!r} opened",
            id="its number",
        )
        self._end_marks = end_marks

    @classmethod
    def read(
        cls,
        workflow_id: object,
        *,
        exec_user_id: object = None,
        company_id: object = None,
        end_forms: object = None,
        closed_where: object = None,
    ) -> CaseStart:
        """Return the case for the arguments of an operator; :class:`InvalidInput` names a wrong one."""
        body = acting(workflow_id, **_whose(exec_user_id, company_id))
        return cls(body, end_marks=closing(end_forms, closed_where))

    def submit(self, api: BlizWorkApi, record: Record, *, again: bool) -> Operation[int]:
        """Open the case and return its number."""
        return api.open_case(self.payload)

    def look_up(self, api: BlizWorkApi, record: Record) -> Operation[LookupResult]:
        """
        Return Unknown.

        BlizWork takes no values when it opens a case (vendor documentation).

        Assumption: its list of cases cannot be searched for the author and time of a case. It takes a filter
        (vendor's SDK) whose syntax is not documented. Wrong if BlizWork's support names one.
        """
        yield from ()
        return Unknown("BlizWork has no field for a mark when it opens a case, and no known search for one")

    def state(self, api: BlizWorkApi, id: int) -> Operation[RunState]:
        """
        Return the case's state; it is gone only if BlizWork does not know its number.

        A read request names no organisation. So the answer says nothing about a case of another organisation
        than the connection's.

        :raises WorkflowError: BlizWork does not answer the question, for example for a disabled process
        """
        company = self._company(api)
        try:
            case = yield from api.load_case(self._workflow_id, id)
        except NotFound as error:
            if error.code != ResultCode.CASE_UNKNOWN:
                raise
            return RunState(Run.GONE if company == api.company_id else Run.UNKNOWN, error.message)
        if not case.is_meant(self._workflow_id, id, company_id=company, reader=api.company_id):
            return RunState(Run.UNKNOWN, "BlizWork shows a case of another organisation or process")
        closed = case.is_closed(**self._end_marks)
        return RunState(Run.SUCCEEDED if closed else Run.ALIVE, case.status)

    def end(self, id: int) -> CaseClosed:
        """Return the condition of its end."""
        return CaseClosed(workflow_id=self._workflow_id, case_number=id, **self._end_marks)

    def check_wait(self, api: BlizWorkApi) -> None:
        """
        Check that the operator can wait for the case's end.

        :raises InvalidInput: the case is in another organisation than the connection's
        """
        company = self._company(api)
        if company != api.company_id:
            raise InvalidInput(
                f"wait_for_completion needs a connection to the organisation {company!r}. Nothing was sent\n"
                "BlizWork shows a case only to its own organisation\n"
                "Wait with a sensor that uses a connection to that organisation"
            )

    def check_id(self, api: BlizWorkApi, id: Any) -> Operation[int]:
        """Return the number that a person wrote, with or without the process in front of it."""
        yield from ()
        return case_number_of(id, self._workflow_id)

    def _company(self, api: BlizWorkApi) -> str:
        """Return the case's organisation."""
        return self.payload.get("companyId") or api.company_id


class Mail(Effect["BlizWorkApi"]):
    """
    One mail; no message shows its addresses.

    The arguments are those of the hook's ``send_notification``.

    :raises InvalidInput: an argument is wrong
    """

    # A mail's parameters belong to its template, which has no parameter for a mark.
    carries_mark = False
    repeatable = False

    def __init__(self, template: str, *, to: str | Sequence[str], params: Any) -> None:
        self.payload = mail(template, to=to, params=params)
        self.subject = f"a mail from BlizWork's template {template}"
        self.words = Words(
            vendor=VENDOR,
            verb="send",
            participle="sent",
            noun=f"a mail from template {template}",
            look_in="with the recipients",
            look_for=f"a mail from template {template!r} sent",
        )

    def submit(self, api: BlizWorkApi, record: Record, *, again: bool) -> Operation[None]:
        """Send the mail; BlizWork gives it no number."""
        yield from api.send_mail(self.payload)

    def look_up(self, api: BlizWorkApi, record: Record) -> Operation[LookupResult]:
        """BlizWork has no list of sent mails (vendor documentation)."""
        yield from ()
        return Unknown("BlizWork does not list the mails that it has sent")
