"""BlizWork's operators: open a case, run an activity of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.operator import WaitingOperator, WorkflowOperator
from airflow_provider_workflows.base.submission import Step, Submission
from airflow_provider_workflows.blizwork.answer import ResultCode
from airflow_provider_workflows.blizwork.api import VENDOR
from airflow_provider_workflows.blizwork.case import Trace, trace
from airflow_provider_workflows.blizwork.conditions import CaseClosed
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.values import (
    case_number,
    closing,
    form_values,
    identifier,
    optional_identifier,
)
from airflow_provider_workflows.protocol.errors import OutcomeUnknown, WorkflowError

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.blizwork.hook import BlizWorkHook

#: Codes that a second call of the same activity gets.
_ALREADY_DONE = (ResultCode.CASE_CLOSED, ResultCode.FORM_UNKNOWN_OR_DONE)


class _OnBlizWork:
    """What BlizWork's operators have in common beside the base."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    blizwork_conn_id: str

    if TYPE_CHECKING:
        hook: BlizWorkHook


class BlizWorkInitCaseOperator(_OnBlizWork, WaitingOperator):
    """
    Opens a case and returns its number (int).

    The number is logged and kept in Airflow's state store at once (3.3+), so that a retry goes on with the
    same case. BlizWork has no place for a mark of ours and no way to find a case by one: when the answer is
    lost the task fails with :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and opens
    nothing again.

    :param workflow_id: slug of the process; case and blanks matter
    :param exec_user_id: e-mail of the user in whose name the case is opened, if it is not the connection's
    :param company_id: id of the organisation, if it is not the connection's
    :param end_forms: with ``wait_for_completion``, as in
        :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor`
    :param closed_where: likewise
    :param blizwork_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises OutcomeUnknown: a case may have been opened whose number is not known

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.base.operator.WaitingOperator`; what is waited for is the case's end.
    """

    template_fields: Sequence[str] = (
        "workflow_id",
        "exec_user_id",
        "company_id",
        "end_forms",
        "closed_where",
        "blizwork_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"closed_where": "json"}

    def __init__(
        self,
        *,
        workflow_id: str,
        exec_user_id: str | None = None,
        company_id: str | None = None,
        end_forms: Sequence[str] = (),
        closed_where: Mapping[str, Any] | None = None,
        blizwork_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.exec_user_id = exec_user_id
        self.company_id = company_id
        self.end_forms = end_forms
        self.closed_where = closed_where
        self.blizwork_conn_id = blizwork_conn_id

    def execute(self, context: Context) -> Any:
        """Open the case, and wait for its end if asked to."""
        self.hook.get_conn()  # a connection that is wrong must not leave an intent behind
        workflow_id = identifier(self.workflow_id, "workflow_id")
        acting = optional_identifier(self.exec_user_id, "exec_user_id")
        company_id = optional_identifier(self.company_id, "company_id")
        end_marks = closing(self.end_forms, self.closed_where)
        submission = Submission(context, subject=f"a case of {workflow_id}")
        number = submission.once(
            lambda mark: self.hook.init_case(workflow_id, exec_user_id=acting, company_id=company_id)
        )
        self.announce(context, f"{workflow_id}/{number}")
        if self.wait_for_completion:
            self.wait_for(context, CaseClosed(workflow_id=workflow_id, case_number=number, **end_marks))
        return number

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the case's number after the wait for its end."""
        return super().execute_complete(context, event)["case_number"]


class BlizWorkExecActivityOperator(_OnBlizWork, WorkflowOperator):
    """
    Runs the pending activity of a case.

    Returns ``{"case_number": int, "form_id": str, "next_form_id": str, "history_length": int}``; the last is
    the length of the case's history right before, for ``after_history`` of
    :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkActivitySensor` in a process with loops.

    The case is read right before the call. When the answer is lost, and when a later attempt hears that the
    activity was already run or the case is closed (codes 6 and 5), the case is read again: an entry that has
    come to its history for this activity, by the same user and with the same values, is this call's.

    :param workflow_id: slug of the process; case and blanks matter, in all ids
    :param case_number: an integer, or text of digits
    :param form_id: the activity
    :param next_form_id: the action that is chosen, one of those that the process defines
    :param form_data: mapping from field id to text, int or ``Decimal``, which goes as a JSON number
    :param attachments: mapping from field id to ``{"fileName", "fileUrl"}`` of a file that BlizWork has
    :param exec_user_id: e-mail of the user in whose name it is run, if it is not the connection's
    :param company_id: id of the organisation, if it is not the connection's
    :param skip_extensions: True for no webhooks
    :param blizwork_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises WorkflowError: BlizWork refused; ``code`` is its result code
    :raises OutcomeUnknown: nothing shows whether the activity was run by this call
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        "workflow_id",
        "case_number",
        "form_id",
        "next_form_id",
        "form_data",
        "attachments",
        "exec_user_id",
        "company_id",
        "blizwork_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"form_data": "json", "attachments": "json"}

    def __init__(
        self,
        *,
        workflow_id: str,
        case_number: Any,
        form_id: str,
        next_form_id: str,
        form_data: Any = None,
        attachments: Any = None,
        exec_user_id: str | None = None,
        company_id: str | None = None,
        skip_extensions: bool | None = None,
        blizwork_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = workflow_id
        self.case_number = case_number
        self.form_id = form_id
        self.next_form_id = next_form_id
        self.form_data = form_data
        self.attachments = attachments
        self.exec_user_id = exec_user_id
        self.company_id = company_id
        self.skip_extensions = skip_extensions
        self.blizwork_conn_id = blizwork_conn_id

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the activity once."""
        call = self._checked()
        self.announce(context, self._subject)
        step = Step(context)
        if step.done:
            self.log.info("An earlier attempt ran this activity; nothing is sent")
            return dict(step.result)
        in_doubt = step.baseline is not None
        baseline = step.baseline or self._read()
        found = self._became(baseline, call) if in_doubt else "standing"
        if found == "not ours":
            raise self._doubt()
        if found == "ours":
            self.log.info("The case shows that an earlier attempt ran this activity; nothing is sent")
        else:
            step.intend(baseline)
            self._exec(step, baseline, call, in_doubt=in_doubt)
        return dict(step.finish(self._result(baseline)))

    @property
    def _subject(self) -> str:
        return f"{self.workflow_id}/{case_number(self.case_number)}"

    def _checked(self) -> dict[str, Any]:
        """Return the arguments of the call."""
        return {
            "workflow_id": identifier(self.workflow_id, "workflow_id"),
            "number": case_number(self.case_number),
            "form_id": identifier(self.form_id, "form_id"),
            "next_form_id": identifier(self.next_form_id, "next_form_id"),
            "form_data": form_values(self.form_data, self.attachments),
            "exec_user_id": optional_identifier(self.exec_user_id, "exec_user_id"),
            "company_id": optional_identifier(self.company_id, "company_id"),
            "skip_extensions": self.skip_extensions,
        }

    def _read(self) -> dict[str, Any]:
        case = self.hook.load_case(self.workflow_id, self.case_number)
        if case.pending != self.form_id:
            self.log.warning(
                "%s is not pending, but %s; BlizWork has the last word", self.form_id, case.pending
            )
        return {"history_length": len(case.history), "pending": case.pending}

    def _exec(self, step: Step, baseline: dict[str, Any], call: dict[str, Any], *, in_doubt: bool) -> None:
        self.log.info("Running activity %s of case %s", self.form_id, self._subject)
        try:
            self.hook.exec_activity(**call)
        except OutcomeUnknown as error:
            self._settle(baseline, call, error)
        except WorkflowError as error:
            # Without an earlier attempt in doubt these codes mean that somebody else was faster.
            if in_doubt and error.code in _ALREADY_DONE:
                return self._settle(baseline, call, error)
            if not in_doubt:
                step.forget()
            raise

    def _settle(self, baseline: dict[str, Any], call: dict[str, Any], error: WorkflowError) -> None:
        """
        Read the case to learn what became of a call.

        :raises WorkflowError: the case does not show that it worked
        """
        try:
            found = self._became(baseline, call)
        except WorkflowError as unread:
            self.log.warning("The case could not be read to learn what became of the call: %s", unread)
            raise error from None
        if found == "not ours":
            raise self._doubt() from error
        if found == "standing":
            raise error
        self.log.warning("The answer to the call was %s; the case shows that it was done", error)

    def _became(self, baseline: dict[str, Any], call: dict[str, Any]) -> Trace:
        """Compare the case with what it was before the call."""
        case = self.hook.load_case(call["workflow_id"], call["number"])
        return trace(
            case,
            call["form_id"],
            since=baseline["history_length"],
            author=call["exec_user_id"] or self.hook.get_conn().user_id,
            values=call["form_data"],
        )

    def _doubt(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Activity {self.form_id!r} of case {self._subject} was run, and neither author nor values show "
            "that it was by this task. Nothing more is sent. Look at the case; if this task's call is still "
            f"to be made, delete the key {Step.KEY!r} from its state store and clear it",
            vendor=VENDOR,
            operation="exec activity",
        )

    def _result(self, baseline: dict[str, Any]) -> dict[str, Any]:
        return {
            "case_number": case_number(self.case_number),
            "form_id": self.form_id,
            "next_form_id": self.next_form_id,
            "history_length": baseline["history_length"],
        }
