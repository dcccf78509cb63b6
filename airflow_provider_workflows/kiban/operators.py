"""Kiban's operators: start a workfloo, answer a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.kiban.connection import FORM

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.tasks.attachments import FilePath
    from airflow_provider_workflows.core.tasks.parameters import OnceParameters, Templated, WaitingParameters
    from airflow_provider_workflows.kiban.api.status import Step
    from airflow_provider_workflows.kiban.effects.answer_step import StepAnswer
    from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart
    from airflow_provider_workflows.kiban.hooks import KibanHook


class _OnKiban:
    """What Kiban's operators have in common."""

    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"
    kiban_conn_id: str

    if TYPE_CHECKING:
        hook: KibanHook


class KibanStartWorkflooOperator(_OnKiban, WaitingOperator):
    """
    Starts an execution and returns ``{"id", "status", "labels", "fields"}``.

    ``id`` is the execution's. The others are None unless the operator waits for the end. Then ``status`` is
    SUCCESS, and ``fields`` has the values of ``result_fields`` by path. SUCCESS does not mean that the
    applicant was accepted.

    The operator logs the id and saves it in Airflow's state store at once (3.3+). So a retry continues with
    the same execution. Kiban accepts no idempotency key, and bills production runs. So after a lost answer
    the operator searches the history, from 5 minutes before the start on, because clocks may differ:

    - With a ``run_key_field``, it searches for the execution whose form contains this task's mark, and
      continues with it. If there is none, and every execution of that time has another value in that field,
      it starts the workfloo again. Otherwise one of them may be this task's, and the outcome stays unknown.
    - Without a ``run_key_field``, it searches for any execution of any workfloo. If there is none, it starts
      the workfloo again. If there is one, it may be this task's, and the outcome stays unknown.

    If the outcome is unknown, the task fails with
    :class:`~airflow_provider_workflows.exceptions.OutcomeUnknown`, unless ``on_lost_answer="resubmit"``.

    :param workfloo_id: id of the definition, which must be published with a version
    :param scenario_id: id of the test scenario; only in Kiban's sandbox. Kiban's documentation says that each
        start there needs one, its SDK only that of a workfloo with connectors; if one is missing, Kiban
        refuses the start
    :param form: initial answers: a mapping field id -> value, or JSON text of it
    :param document: initial documents: a mapping document id -> content in Base64, or JSON text of it
    :param document_files: initial documents: a mapping document id -> file: a local path, URL of an object or
        ``ObjectStoragePath``; read when the task runs
    :param run_key_field: id of a form field that nothing else fills. The operator sends a mark in it,
        together with ``form``: up to 60 letters, digits and hyphens. The workfloo must ask for the field in a
        form that the start answers. Use the same id in all workfloos of the space. Assumption: the detail of
        the execution then shows the mark. Wrong if ``nodes[].form.fields`` lacks it once the form has ended;
        a lost answer then stays unknown
    :param callback_url: Kiban POSTs each change of the status there, with the connection's callback API key
    :param result_fields: what to return from the execution's detail, as paths such as
        ``nodes.Decision.ruleset.exit``: names joined by dots, list elements by their ``name``, ``id`` or
        index. The detail has personal data, and Airflow keeps what is returned in its database
    :param kiban_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid; nothing was sent
    :raises Rejected: Kiban refused the values
    :raises OutcomeUnknown: an execution may have been started, and its id is unknown
    :raises RunFailed: the execution ended with ERROR, expired, or was cancelled

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.WaitingOperator`. With ``wait_for_completion``,
    the operator waits until the execution has ended.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        "workfloo_id",
        "scenario_id",
        "form",
        "document",
        "document_files",
        "run_key_field",
        "callback_url",
        "result_fields",
        "kiban_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "form": "json",
        "document": "json",
        "document_files": "json",
        "result_fields": "json",
    }

    def __init__(
        self,
        *,
        workfloo_id: Templated[str],
        scenario_id: Templated[str | None] = None,
        form: Templated[Mapping[str, Any] | None] = None,
        document: Templated[Mapping[str, Any] | None] = None,
        document_files: Templated[Mapping[str, FilePath] | None] = None,
        run_key_field: Templated[str | None] = None,
        callback_url: Templated[str | None] = None,
        result_fields: Templated[Sequence[str]] = (),
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[WaitingParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.workfloo_id = rendered(workfloo_id)
        self.scenario_id = rendered(scenario_id)
        self.form = rendered(form)
        self.document = rendered(document)
        self.document_files = rendered(document_files)
        self.run_key_field = rendered(run_key_field)
        self.callback_url = rendered(callback_url)
        self.result_fields = rendered(result_fields)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def effect(self, context: Context) -> WorkflooStart:
        """Return the execution to start."""
        from airflow_provider_workflows.core.protocol.body import from_text
        from airflow_provider_workflows.kiban.api.detail import check_fields
        from airflow_provider_workflows.kiban.api.operations import start_body
        from airflow_provider_workflows.kiban.documents import with_files
        from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart

        body = start_body(
            workfloo_id=self.workfloo_id,
            scenario_id=self.scenario_id,
            form=self.form,
            document=with_files(self.document, self.document_files),
            callback_url=self.callback_url,
        )
        return WorkflooStart(
            body,
            run_key_field=self.run_key_field,
            result_fields=check_fields(from_text(self.result_fields, "result_fields")),
            begun=_begun(context),
        )

    def execute(self, context: Context) -> Any:
        """Start the execution, and wait for its end if asked to."""
        start = self.effect(context)
        self.hook.get_conn().check_scenario(start.payload)  # before an intent is stored
        execution_id = self.start(context, start)
        self.announce(context, execution_id)
        if self.wait_for_completion:
            return self.wait_for(context, start.end(execution_id))
        return {"id": execution_id, "status": None, "labels": None, "fields": None}


class KibanAnswerStepOperator(_OnKiban, OnceOperator):
    """
    Answers the step at which an execution waits, and returns
    ``{"id", "answered", "node_name", "node_id", "node_type", "phase", "state"}``.

    The operator reads the status first. It sends nothing unless the execution waits for such an answer with
    these fields. After a lost reply, or a crash while sending, the operator looks at the execution:

    - If the execution is unchanged at the step after ``settle`` seconds, the operator answers again.
    - If it has moved on, and its detail shows a form with the values that were sent, the answer is done.
    - Otherwise the outcome is unknown, and the task fails. This includes documents, corrections and reviews,
      because Kiban does not show who answered such a step.

    Kiban may still show a step for a moment after it was answered. The task ends when Kiban no longer shows
    it, or after ``settle``, so that the next sensor sees the next step.

    :param execution_id: what the start returned as ``id``
    :param form: for a FORM: field id -> value. Set exactly one of the four kinds of answer: form, document,
        correction or review; each may be JSON text
    :param document: for a DOCUMENT: document id -> content in Base64, or a list of objects for a "set"
    :param correction: for a VALIDATION in state CORRECTION: field id -> value
    :param review: for a VALIDATION in state REVIEW: ``{"decision", "reviewerNote", "reviews"}``; Kiban
        defines the words for a decision
    :param document_files: for a DOCUMENT, with or instead of ``document``: document id -> file: a local path,
        URL of an object or ``ObjectStoragePath``; read when the task runs
    :param node: name or id of the node to answer; by default any node of the right type
    :param kiban_conn_id: the Airflow connection

    :raises InvalidInput: an argument is invalid, or does not match the step; nothing was sent
    :raises Rejected: the execution does not wait at such a step, or Kiban refused the values
    :raises Conflict: somebody else answered the step at the same moment, or before this task could send again
    :raises OutcomeUnknown: Kiban's reply was lost, and Kiban does not show who moved the execution on

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.core.tasks.operator.OnceOperator`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = (
        "execution_id",
        "form",
        "document",
        "correction",
        "review",
        "document_files",
        "node",
        "kiban_conn_id",
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "form": "json",
        "document": "json",
        "correction": "json",
        "review": "json",
        "document_files": "json",
    }

    def __init__(
        self,
        *,
        execution_id: Templated[str],
        form: Templated[Mapping[str, Any] | None] = None,
        document: Templated[Mapping[str, Any] | None] = None,
        correction: Templated[Mapping[str, Any] | None] = None,
        review: Templated[Mapping[str, Any] | None] = None,
        document_files: Templated[Mapping[str, FilePath] | None] = None,
        node: Templated[str | None] = None,
        kiban_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[OnceParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = rendered(execution_id)
        self.form = rendered(form)
        self.document = rendered(document)
        self.correction = rendered(correction)
        self.review = rendered(review)
        self.document_files = rendered(document_files)
        self.node = rendered(node)
        self.kiban_conn_id = rendered(kiban_conn_id)

    def execute(self, context: Context) -> Any:
        """Answer once."""
        answer = self.effect(context)
        self.announce(context, answer.execution_id)
        result = self.once(context, answer)
        if answer.taken is not None:
            with self.after_effect(context):
                self._see_it_move(answer.execution_id, answer.taken)
        return result

    def effect(self, context: Context) -> StepAnswer:
        """Return the answer to send."""
        from airflow_provider_workflows.kiban.api.steps import read_answer
        from airflow_provider_workflows.kiban.api.values import identifier
        from airflow_provider_workflows.kiban.documents import with_files
        from airflow_provider_workflows.kiban.effects.answer_step import StepAnswer

        execution_id = identifier(self.execution_id, "execution_id")
        answer = read_answer(
            form=self.form,
            document=with_files(self.document, self.document_files),
            correction=self.correction,
            review=self.review,
        )
        return StepAnswer(execution_id, answer, node=self.node)

    def _see_it_move(self, execution_id: str, step: Step) -> None:
        try:
            # once() has checked settle.
            status = self.hook.await_move(execution_id, step, patience=seconds_of(self.settle, "settle"))
        except WorkflowError as error:
            # Kiban accepted the answer, so the task has done its work.
            self.log.warning(
                "Kiban accepted the answer, but the state of execution %s is unknown. Check it in Kiban: %s",
                execution_id,
                error,
            )
            return
        if status.step == step:
            self.log.warning(
                "Kiban has accepted the answer, but execution %s is still at the step. Check it in Kiban",
                execution_id,
            )


def _begun(context: Context) -> float | None:
    """Return when the DAG run began; its tasks have done nothing before."""
    date = getattr(context.get("dag_run"), "start_date", None)
    return None if date is None else date.timestamp()
