"""BlizWork's operators: open a case, run an activity of a case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.blizwork.effects import ActivityRun, CaseStart
    from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
    from airflow_provider_workflows.core.tasks.parameters import OnceParameters, Templated, WaitingParameters


class _OnBlizWork:
    """What BlizWork's operators have in common."""

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "blizwork_conn_id"
    blizwork_conn_id: str

    if TYPE_CHECKING:
        hook: BlizWorkHook


class BlizWorkInitCaseOperator(_OnBlizWork, WaitingOperator):
    """
    Opens a case and returns its number (int).

    The operator logs the number and saves it in Airflow's state store at once (3.3+). So a retry continues
    with the same case, as does a cleared task while the case is open. If the answer is lost, nothing can find
    the case: BlizWork has no field for a mark, and no known search. The task then fails with
    :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown` and does not open the case again, unless
    ``on_lost_answer="resubmit"``.

    :param workflow_id: slug of the workflow; case-sensitive, and spaces count
    :param exec_user_id: e-mail of the user in whose name to open the case, if not the connection's
    :param company_id: id of the organisation, if not the connection's. The task cannot wait for the end of a
        case of another organisation, and a cleared task does not see that end
    :param end_forms: how to recognise the case's end, for waiting and for a cleared task; as in
        :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor`
    :param closed_where: the same; as in
        :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkCaseSensor`
    :param blizwork_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises OutcomeUnknown: a case may have been opened, and its number is unknown

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.WaitingOperator`. With ``wait_for_completion``,
    the operator waits until the case is closed.
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
        workflow_id: Templated[str],
        exec_user_id: Templated[str | None] = None,
        company_id: Templated[str | None] = None,
        end_forms: Templated[Sequence[str]] = (),
        closed_where: Templated[Mapping[str, Any] | None] = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[WaitingParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.exec_user_id = rendered(exec_user_id)
        self.company_id = rendered(company_id)
        self.end_forms = rendered(end_forms)
        self.closed_where = rendered(closed_where)
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def effect(self, context: Context) -> CaseStart:
        """Return the case to open."""
        from airflow_provider_workflows.blizwork.effects import CaseStart

        return CaseStart.read(
            self.workflow_id,
            exec_user_id=self.exec_user_id,
            company_id=self.company_id,
            end_forms=self.end_forms,
            closed_where=self.closed_where,
        )

    def execute(self, context: Context) -> Any:
        """Open the case, and wait for its end if asked to."""
        api = self.hook.get_conn()  # a wrong connection must be found before an intent is stored
        start = self.effect(context)
        if self.wait_for_completion:
            start.check_wait(api)
        number = self.start(context, start)
        self.announce(context, f"{self.workflow_id}/{number}")
        if self.wait_for_completion:
            self.wait_for(context, start.end(number))
        return number

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return the case's number after the wait for its end."""
        return super().execute_complete(context, event)["case_number"]


class BlizWorkExecActivityOperator(_OnBlizWork, OnceOperator):
    """
    Runs the pending activity of a case.

    Returns ``{"case_number": int, "form_id": str, "next_form_id": str, "history_length": int}``.
    ``history_length`` is the length of the case's history right before the run. In a workflow with loops,
    pass it as ``after_history`` to
    :class:`~airflow_provider_workflows.blizwork.sensors.BlizWorkActivitySensor`.

    The operator reads the case right before the request. If the answer is lost, it reads the case again until
    ``settle`` is over. If the history then has exactly one new run of this activity, by the same user and
    with the same action and values, that run is this task's, and the task continues. If the history has no
    new run, the operator sends the request again. Otherwise the outcome is unknown, and the task fails. The
    outcome is also unknown if the request has no values and the history names no next activity. So use a
    BlizWork user that only Airflow uses, and do not run one activity of one case from two tasks at the same
    time.

    :param workflow_id: slug of the workflow; like all ids, it is case-sensitive, and spaces count
    :param case_number: an integer, or text of digits
    :param form_id: the activity
    :param next_form_id: the action to choose, one of those that the workflow defines
    :param form_data: mapping field id -> text, int or ``Decimal``; a ``Decimal`` is sent as a JSON number
    :param attachments: mapping field id -> ``{"fileName", "fileUrl"}`` of a file that BlizWork has
    :param exec_user_id: e-mail of the user in whose name to run the activity, if not the connection's
    :param company_id: id of the organisation, if not the connection's
    :param skip_extensions: True to call none of the workflow's webhooks
    :param blizwork_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises WorkflowError: BlizWork refused the request; ``code`` is its result code
    :raises OutcomeUnknown: it is unknown whether this request ran the activity

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.OnceOperator`.
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
        workflow_id: Templated[str],
        case_number: Templated[int],
        form_id: Templated[str],
        next_form_id: Templated[str],
        form_data: Templated[Mapping[str, Any] | None] = None,
        attachments: Templated[Mapping[str, Any] | None] = None,
        exec_user_id: Templated[str | None] = None,
        company_id: Templated[str | None] = None,
        skip_extensions: bool | None = None,
        blizwork_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[OnceParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workflow_id = rendered(workflow_id)
        self.case_number = rendered(case_number)
        self.form_id = rendered(form_id)
        self.next_form_id = rendered(next_form_id)
        self.form_data = rendered(form_data)
        self.attachments = rendered(attachments)
        self.exec_user_id = rendered(exec_user_id)
        self.company_id = rendered(company_id)
        self.skip_extensions = skip_extensions
        self.blizwork_conn_id = rendered(blizwork_conn_id)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the activity once."""
        run = self.effect(context)
        self.announce(context, run.case)
        return dict(self.once(context, run))

    def effect(self, context: Context) -> ActivityRun:
        """Return the run to make."""
        from airflow_provider_workflows.blizwork.effects import ActivityRun

        return ActivityRun.read(
            self.workflow_id,
            self.case_number,
            self.form_id,
            self.next_form_id,
            self.form_data,
            attachments=self.attachments,
            exec_user_id=self.exec_user_id,
            company_id=self.company_id,
            skip_extensions=self.skip_extensions,
        )
