"""BlizWork's operators: open a case, run an activity of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.blizwork.api import VENDOR
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.running import ActivityRun
from airflow_provider_workflows.blizwork.starting import CaseStart
from airflow_provider_workflows.blizwork.values import (
    case_number,
    closing,
    form_values,
    identifier,
    optional_identifier,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.blizwork.hook import BlizWorkHook


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
    same case, and so does a Clear while the case is open. BlizWork has no place for a mark of ours and no way
    to find a case by one: when the answer is lost the task fails with
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and, unless ``on_lost_answer`` says
    so, opens nothing again.

    :param workflow_id: slug of the process; case and blanks matter
    :param exec_user_id: e-mail of the user in whose name the case is opened, if it is not the connection's
    :param company_id: id of the organisation, if it is not the connection's; the end of a case of another
        cannot be waited for, nor does a Clear see it
    :param end_forms: how the case's end is told, to wait for it and to go on after a Clear; as in
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
        start = CaseStart(
            self.hook,
            workflow_id,
            exec_user_id=optional_identifier(self.exec_user_id, "exec_user_id"),
            company_id=optional_identifier(self.company_id, "company_id"),
            end_marks=closing(self.end_forms, self.closed_where),
        )
        if self.wait_for_completion:
            start.check_wait()
        number = self.start(context, start)
        self.announce(context, f"{workflow_id}/{number}")
        if self.wait_for_completion:
            self.wait_for(context, start.end(number))
        return number

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the case's number after the wait for its end."""
        return super().execute_complete(context, event)["case_number"]


class BlizWorkExecActivityOperator(_OnBlizWork, OnceOperator):
    """
    Runs the pending activity of a case.

    Returns ``{"case_number": int, "form_id": str, "next_form_id": str, "history_length": int}``; the last is
    the length of the case's history right before, for ``after_history`` of
    :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkActivitySensor` in a process with loops.

    The case is read right before the call. When the answer is lost the case is read again, until ``settle``
    is over: the one run of this activity that has come to its history, by the same user, with the same action
    and the same values, is this call's, and the task goes on; if there is none, the call is made again. Any
    other run leaves a doubt, as does one without values after which the history names no next activity. For
    this the connection's user should be nobody's but Airflow's, and no two tasks should run one activity of
    one case at the same time.

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

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.base.operator.OnceOperator`.
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
        run = ActivityRun(self.hook, self._checked())
        self.announce(context, run.case)
        return dict(self.once(context, run))

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
