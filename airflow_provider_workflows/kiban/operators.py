"""Kiban's operators: start a workfloo, answer a step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from airflow_provider_workflows.base.files import FilePath
from airflow_provider_workflows.base.operator import WaitingOperator, WorkflowOperator
from airflow_provider_workflows.base.submission import Step as Memory
from airflow_provider_workflows.base.submission import Submission
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.detail import check_fields, shows_form
from airflow_provider_workflows.kiban.documents import with_files
from airflow_provider_workflows.kiban.status import SUCCEEDED, Status, Step, describe
from airflow_provider_workflows.kiban.steps import Answer, pending, read_answer
from airflow_provider_workflows.kiban.values import VENDOR, identifier
from airflow_provider_workflows.protocol.errors import Conflict, OutcomeUnknown, WorkflowError
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
    execution. When the answer is lost the task fails with
    :class:`~airflow_provider_workflows.protocol.errors.OutcomeUnknown` and starts nothing again: Kiban has no
    key to recognise a start by, and bills production runs.

    :param workfloo_id: of the definition, which must be published with a version
    :param scenario_id: of the test scenario; in the sandbox only, where Kiban may want one
    :param form: initial answers, field id -> value, or JSON text of them
    :param document: initial documents, document id -> content in Base64, or JSON text of them
    :param document_files: initial documents, document id -> file: a local path, URL of an object or
        ``ObjectStoragePath``; read when the task runs
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
        self.callback_url = callback_url
        self.result_fields = result_fields
        self.kiban_conn_id = kiban_conn_id

    def execute(self, context: Context) -> Any:
        """Start the execution, and wait for its end if asked to."""
        arguments = self._arguments()
        self.hook.get_conn().start_body(**arguments)  # what is wrong must not leave an intent behind
        fields = check_fields(from_text(self.result_fields, "result_fields"))
        submission = Submission(context, subject=f"an execution of {self.workfloo_id}")
        execution_id = submission.once(lambda mark: self.hook.start(**arguments))
        self.announce(context, execution_id)
        if self.wait_for_completion:
            return self.wait_for(context, ExecutionSucceeded(execution_id=execution_id, result_fields=fields))
        return {"id": execution_id, "status": None, "labels": None, "fields": None}

    def _arguments(self) -> dict[str, Any]:
        return {
            "workfloo_id": self.workfloo_id,
            "scenario_id": self.scenario_id,
            "form": self.form,
            "document": with_files(self.document, self.document_files),
            "callback_url": self.callback_url,
        }


class KibanAnswerStepOperator(_OnKiban, WorkflowOperator):
    """
    Answers the step at which an execution stands, and returns
    ``{"id", "answered", "node_name", "node_id", "node_type", "phase", "state"}``.

    The status is read right before, and nothing is sent unless the execution waits for such an answer with
    these fields. A step is answered once: after a lost answer, and in a new attempt, the status is read
    again, and an execution that has moved on has been answered. A form is then also compared with what the
    detail shows, so that somebody else's answer is not taken for this one.

    Kiban may show an answered step for a moment more; the task ends when it no longer does, so that a sensor
    behind it sees the next step.

    :param execution_id: what the start returned as ``id``
    :param form: for a FORM: field id -> value. Give one of the four; each may be JSON text
    :param document: for a DOCUMENT: document id -> content in Base64, or a list of objects for a "set"
    :param correction: for a VALIDATION in state CORRECTION: field id -> value
    :param review: for a VALIDATION in state REVIEW: ``{"decision", "reviewerNote", "reviews"}``; which words
        are a decision is Kiban's to say
    :param document_files: for a DOCUMENT, beside or instead of ``document``: document id -> file: a local
        path, URL of an object or ``ObjectStoragePath``; read when the task runs
    :param node: name or id of the node that is to be answered; by default any of the right type
    :param settle: seconds that the execution is given to move on, after which a step that still stands counts
        as not answered. An assumption: the vendor says "a moment". An execution that comes back to the very
        step within that time looks as if it had not moved
    :param kiban_conn_id: the Airflow connection

    :raises InvalidInput: an argument is wrong, or is not what the step asks for; nothing was sent
    :raises Rejected: the execution does not stand at such a step, or Kiban refused the values
    :raises OutcomeUnknown: the answer is lost and the execution stands as before, or it has moved on with
        other values
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
        settle: float = 30,
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
        self.settle = settle
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
        self.announce(context, execution_id)
        memory = Memory(context)
        if memory.done:
            self.log.info("An earlier attempt answered the step; nothing is sent")
            return memory.result
        doubt = memory.baseline
        if doubt is not None and self._was_answered(execution_id, Step.from_json(doubt), answer):
            return memory.finish(_result(execution_id, answer, doubt))
        doubted = None if doubt is None else Step.from_json(doubt)
        return self._answer(execution_id, answer, memory, doubted=doubted)

    def _answer(self, execution_id: str, answer: Answer, memory: Memory, *, doubted: Step | None) -> Any:
        status = self.hook.status(execution_id)
        step = pending(status, answer, execution_id=execution_id, node=self.node)
        if doubted is not None and step != doubted:
            why = "it did so while this attempt looked"
            raise self._unproven(execution_id, status, why)
        baseline = {**step.to_json(), "node_name": status.node_name}
        memory.intend(baseline)
        self.log.info("Answering %r of execution %s", status.node_name, execution_id)
        moved = self._send(execution_id, step, answer, memory, doubted=doubted is not None)
        result = memory.finish(_result(execution_id, answer, baseline))
        if not moved:
            self._see_it_move(execution_id, step)
        return result

    def _send(self, execution_id: str, step: Step, answer: Answer, memory: Memory, *, doubted: bool) -> bool:
        """Send the answer; tell whether the execution has been seen to move on already."""
        try:
            self.hook.answer(execution_id, answer)
            return False
        except (OutcomeUnknown, Conflict) as error:
            # A conflict may come of what an earlier attempt had sent, if there was one.
            ours = doubted or isinstance(error, OutcomeUnknown)
            if ours and self._was_answered(execution_id, step, answer):
                self.log.warning("The answer was %s; the execution shows that it was taken", error)
                return True
            if not ours:
                memory.forget()
            raise
        except WorkflowError:
            if not doubted:
                memory.forget()
            raise

    def _was_answered(self, execution_id: str, step: Step, answer: Answer) -> bool:
        """
        Read whether an execution has moved on from a step.

        :raises OutcomeUnknown: it has, but the form holds other values; or it came to a bad end right there
        """
        status = self.hook.await_move(execution_id, step, patience=self.settle)
        if status.step == step:
            return False
        held = None
        if answer.kind == "form":
            held = shows_form(self.hook.detail(execution_id), step.node_id, answer.values)
        if held is False:
            why = "its form holds other values than this task's: somebody else answered it"
            raise self._unproven(execution_id, status, why)
        ended_there = status.has_ended and status.word != SUCCEEDED and status.node_id == step.node_id
        if held is None and (answer.kind != "form" or ended_there):
            # Nothing of it can be read but a form; and an end right there may be a cancellation.
            why = "nothing shows whether it was this task's answer that moved it"
            raise self._unproven(execution_id, status, why)
        self.log.info(
            "Execution %s has moved on and is %s%s",
            execution_id,
            describe(status),
            "; the form holds the values that were sent" if held else "",
        )
        return True

    def _unproven(self, execution_id: str, status: Status, why: str) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"Kiban execution {execution_id} has moved on and is {describe(status)}, but {why}. Nothing is "
            "sent. Look at the execution; to answer where it stands now, delete the key "
            f"{Memory.KEY!r} from this task's state store and clear the task",
            vendor=self.vendor,
            operation="answer step",
        )

    def _see_it_move(self, execution_id: str, step: Step) -> None:
        try:
            status = self.hook.await_move(execution_id, step, patience=self.settle)
        except WorkflowError as error:
            # The answer was taken, and that is what this task is for.
            self.log.warning(
                "Answered, but where execution %s stands now is not known: %s", execution_id, error
            )
            return
        if status.step == step:
            self.log.warning("Answered, but execution %s still shows the step", execution_id)


def _result(execution_id: str, answer: Answer, baseline: Mapping[str, Any]) -> dict[str, Any]:
    return {"id": execution_id, "answered": answer.kind, **baseline}
