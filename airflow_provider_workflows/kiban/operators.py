"""Kiban's operators: start a workfloo, answer a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.files import FilePath
from airflow_provider_workflows.base.operator import OnceOperator, WaitingOperator
from airflow_provider_workflows.kiban.answering import StepAnswer
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.detail import check_fields
from airflow_provider_workflows.kiban.documents import with_files
from airflow_provider_workflows.kiban.starting import WorkflooStart
from airflow_provider_workflows.kiban.status import Step
from airflow_provider_workflows.kiban.steps import read_answer
from airflow_provider_workflows.kiban.values import VENDOR, identifier
from airflow_provider_workflows.protocol.errors import WorkflowError
from airflow_provider_workflows.protocol.jsontext import from_text

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.kiban.hook import KibanHook


class _OnKiban:
    """What Kiban's operators have in common beside the base."""

    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "kiban_conn_id"
    kiban_conn_id: str

    if TYPE_CHECKING:
        hook: KibanHook


class KibanStartWorkflooOperator(_OnKiban, WaitingOperator):
    """
    Starts an execution and returns ``{"id", "status", "labels", "fields"}``.

    ``id`` is the execution's. The others are None unless the operator waits for the end; then they are
    SUCCESS, the labels, and the values of ``result_fields`` by path. SUCCESS does not mean that the applicant
    was accepted.

    The id is logged and kept in Airflow's state store at once (3.3+), so that a retry goes on with the same
    execution. Kiban has no key to recognise a start by, and bills production runs. So after a lost answer the
    history is looked through, from 5 minutes before the start on, as clocks may differ by so much:

    - With ``run_key_field``, for the execution whose form holds this task's own mark, which the task then
      goes on with. If there is none it starts again, provided that every other execution of that time shows
      another value in a field of that id. One that does not, and may be this task's, leaves a doubt.
    - Without, for any execution at all, of whatever workfloo. If there is none the task starts again; if
      there is any, it cannot be known whether that is this task's.

    In a doubt the task fails with :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown`, unless
    ``on_lost_answer="resubmit"``.

    :param workfloo_id: of the definition, which must be published with a version
    :param scenario_id: of the test scenario; in the sandbox only, where Kiban may want one
    :param form: initial answers, field id -> value, or JSON text of them
    :param document: initial documents, document id -> content in Base64, or JSON text of them
    :param document_files: initial documents, document id -> file: a local path, URL of an object or
        ``ObjectStoragePath``; read when the task runs
    :param run_key_field: id of a form field, of no other use, that gets a mark of up to 60 letters, digits
        and hyphens along with ``form``. The workfloo must ask for it in a form that the start answers, since
        Kiban shows no other. Best the same id in all workfloos of the space
    :param callback_url: each change of the status is POSTed there, with the connection's callback API key
    :param result_fields: paths into the detail whose values are to be returned, such as
        ``nodes.Decision.ruleset.exit``: names with points between, elements of lists by their ``name``,
        ``id`` or index. The detail holds personal data, and what is returned is kept in Airflow's database
    :param kiban_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong; nothing was sent
    :raises Rejected: Kiban refused the values
    :raises OutcomeUnknown: an execution may have been started whose id is not known
    :raises RunFailed: it ended with ERROR, expired, or was cancelled

    The parameters for waiting are those of
    :class:`~airflow_provider_workflows.base.operator.WaitingOperator`; what is waited for is the end.
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
        workfloo_id: str,
        scenario_id: str | None = None,
        form: Any = None,
        document: Any = None,
        document_files: Mapping[str, FilePath] | None = None,
        run_key_field: str | None = None,
        callback_url: str | None = None,
        result_fields: Sequence[str] = (),
        kiban_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.workfloo_id = workfloo_id
        self.scenario_id = scenario_id
        self.form = form
        self.document = document
        self.document_files = document_files
        self.run_key_field = run_key_field
        self.callback_url = callback_url
        self.result_fields = result_fields
        self.kiban_conn_id = kiban_conn_id

    def execute(self, context: Context) -> Any:
        """Start the execution, and wait for its end if asked to."""
        arguments = self._arguments()
        self.hook.get_conn().start_body(**arguments)  # what is wrong must not leave an intent behind
        start = WorkflooStart(
            self.hook,
            arguments,
            run_key_field=self.run_key_field,
            result_fields=check_fields(from_text(self.result_fields, "result_fields")),
            begun=_begun(context),
        )
        execution_id = self.start(context, start)
        self.announce(context, execution_id)
        if self.wait_for_completion:
            return self.wait_for(context, start.end(execution_id))
        return {"id": execution_id, "status": None, "labels": None, "fields": None}

    @property
    def retry_is_safe(self) -> bool:
        """Whether the execution's form carries a mark."""
        return bool(self.run_key_field)

    def _arguments(self) -> dict[str, Any]:
        return {
            "workfloo_id": self.workfloo_id,
            "scenario_id": self.scenario_id,
            "form": self.form,
            "document": with_files(self.document, self.document_files),
            "callback_url": self.callback_url,
        }


class KibanAnswerStepOperator(_OnKiban, OnceOperator):
    """
    Answers the step at which an execution stands, and returns
    ``{"id", "answered", "node_name", "node_id", "node_type", "phase", "state"}``.

    The status is read right before, and nothing is sent unless the execution waits for such an answer with
    these fields. A step is answered once: after a lost answer, and in a new attempt, an execution that stands
    unchanged at the step is answered again after ``settle``. Of one that has moved on the detail has to show
    that the form holds the values that were sent; documents, corrections and reviews it does not show, and
    whoever moved the execution remains a doubt.

    Kiban may show an answered step for a moment more; the task ends when it no longer does, or after
    ``settle``, so that a sensor behind it sees the next step.

    :param execution_id: what the start returned as ``id``
    :param form: for a FORM: field id -> value. Give one of the four; each may be JSON text
    :param document: for a DOCUMENT: document id -> content in Base64, or a list of objects for a "set"
    :param correction: for a VALIDATION in state CORRECTION: field id -> value
    :param review: for a VALIDATION in state REVIEW: ``{"decision", "reviewerNote", "reviews"}``; which words
        are a decision is Kiban's to say
    :param document_files: for a DOCUMENT, beside or instead of ``document``: document id -> file: a local
        path, URL of an object or ``ObjectStoragePath``; read when the task runs
    :param node: name or id of the node that is to be answered; by default any of the right type
    :param kiban_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong, or is not what the step asks for; nothing was sent
    :raises Rejected: the execution does not stand at such a step, or Kiban refused the values
    :raises Conflict: somebody else answered it in this very moment, or while ours was to be sent again
    :raises OutcomeUnknown: the answer is lost, and the execution has moved on without showing whose it was

    ``settle`` and ``on_lost_answer`` are those of
    :class:`~airflow_provider_workflows.base.operator.OnceOperator`.
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
        execution_id: str,
        form: Any = None,
        document: Any = None,
        correction: Any = None,
        review: Any = None,
        document_files: Mapping[str, FilePath] | None = None,
        node: str | None = None,
        kiban_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.execution_id = execution_id
        self.form = form
        self.document = document
        self.correction = correction
        self.review = review
        self.document_files = document_files
        self.node = node
        self.kiban_conn_id = kiban_conn_id

    def execute(self, context: Context) -> Any:
        """Answer once."""
        execution_id = identifier(self.execution_id, "execution_id")
        answer = read_answer(
            form=self.form,
            document=with_files(self.document, self.document_files),
            correction=self.correction,
            review=self.review,
        )
        effect = StepAnswer(self.hook, execution_id, answer, node=self.node)
        self.announce(context, execution_id)
        result = self.once(context, effect)
        if effect.taken is not None:
            with self.after_effect(context):
                self._see_it_move(execution_id, effect.taken)
        return result

    def _see_it_move(self, execution_id: str, step: Step) -> None:
        try:
            # once() has checked that it is a number.
            status = self.hook.await_move(execution_id, step, patience=float(self.settle))
        except WorkflowError as error:
            # The answer was taken, and that is what this task is for.
            self.log.warning(
                "Answered, but where execution %s stands now is not known. Look at it in Kiban: %s",
                execution_id,
                error,
            )
            return
        if status.step == step:
            self.log.warning(
                "Answered, but execution %s still shows the step. Nothing is sent again; look at it in Kiban",
                execution_id,
            )


def _begun(context: Context) -> float | None:
    """Return when the DAG run began, before which its tasks have done nothing."""
    date = getattr(context.get("dag_run"), "start_date", None)
    return None if date is None else date.timestamp()
