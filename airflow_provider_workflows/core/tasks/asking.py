"""
What an operator needs to ask a person about a request in doubt, and to go on with the answer.

The task writes a question and waits for the answer without a worker: parked in ``awaiting_input`` from
Airflow 3.3 on, deferred to Airflow's own trigger before. Meanwhile its record stays in doubt, and the record
decides: an attempt that is killed anywhere in between asks again.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.versions import exceptions
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.submission.record import Answer, Record
    from airflow_provider_workflows.core.submission.runner import Submission
    from airflow_provider_workflows.core.submission.terms import OnAskTimeout, OnLostAnswer
    from airflow_provider_workflows.core.tasks.parameters import Notifiers, Users
    from airflow_provider_workflows.core.tasks.question import Question


class AskingMixin:
    """
    Gives an operator the question of ``on_lost_answer="ask"``.

    The operator's constructor names these parameters and sets the attributes: Airflow's ``default_args``
    reach only what a constructor names.
    """

    task_id: str
    log: Any
    on_lost_answer: OnLostAnswer
    ask_timeout: Duration | None
    on_ask_timeout: OnAskTimeout
    ask_notifiers: Notifiers
    assigned_users: Users
    #: What the task has announced.
    _remote_id: str | None
    #: The answer that this attempt goes on with.
    _answer: Answer | None = None

    def check_asking(self) -> None:
        """
        Check, before anything is sent, that a person can be asked.

        :raises InvalidInput: a parameter is wrong, or Airflow before 3.3 lacks the standard provider
        """
        from airflow_provider_workflows.core.tasks.question import AT_TIMEOUT

        if self.on_ask_timeout not in AT_TIMEOUT:
            known = " or ".join(map(repr, AT_TIMEOUT))
            raise InvalidInput(
                f"on_ask_timeout must be {known}, got {self.on_ask_timeout!r}. Nothing was sent"
            )
        users: Sequence[object] = self._users()
        if any(not isinstance(user, Mapping) or {"id", "name"} - set(user) for user in users):
            raise InvalidInput(
                'assigned_users must be {"id": …, "name": …}, or a list of them. Nothing was sent'
            )
        if not hasattr(exceptions, "TaskAwaitingInput"):
            try:
                import airflow.providers.standard.triggers.hitl  # noqa: F401
            except ImportError:
                raise InvalidInput(
                    "on_lost_answer='ask' needs apache-airflow-providers-standard. Nothing was sent"
                ) from None

    def asked(self, context: Context) -> Record | None:
        """
        Return what a person was asked about, where no state store remembers it: before Airflow 3.3.

        A later attempt cannot know whether an earlier one has sent the request, or asked about it.
        """
        from airflow_provider_workflows.core.submission.record import KEY, Record, read_record

        ti: Any = context["ti"]
        if TaskState(context).lasting or self.on_lost_answer != "ask":
            return None
        if self._answer is not None:
            kept = ti.xcom_pull(task_ids=self.task_id, key=KEY, map_indexes=ti.map_index)
            return Record(mark="", generation=0) if kept is None else read_record(kept)
        return Record(mark="", generation=0) if ti.try_number > 1 else None

    def ask_about(self, context: Context, submission: Submission, error: Exception) -> NoReturn:
        """
        Log what is particular about a doubt, and ask a person about it.

        :param error: the doubt, or why the last answer is not believed
        :raises OutcomeUnknown: nobody has answered in time, and ``on_ask_timeout`` cannot be followed
        """
        from airflow_provider_workflows.core.submission.record import AnswerRefused
        from airflow_provider_workflows.core.tasks.question import question_about, which_task

        effect, record = submission.engine.effect, submission.store.record or submission.engine.new
        answer = self._answer
        if isinstance(error, AnswerRefused) and answer is not None and answer.verdict and not answer.at:
            raise submission.engine.messages.given_up(record, answer)  # nobody gave it
        for line in submission.engine.messages.asking(record, error):
            self.log.warning("%s", line)
        with contextlib.suppress(Exception):  # the connection may have changed; only the link stays away
            self.log.warning("Look there: %s", self._place())
        asks_id = effect.own_id(record) is None
        question = question_about(effect.words, asks_id=asks_id, which=which_task(context))
        self.ask(context, question, record=record)

    def ask(self, context: Context, question: Question, *, record: Record | None = None) -> NoReturn:
        """
        Ask, and wait for the answer without a worker; :meth:`answered` then gets it.

        :param record: what the question is about, for Airflow before 3.3
        """
        from airflow.sdk.execution_time.hitl import upsert_hitl_detail

        from airflow_provider_workflows.core.submission.record import KEY
        from airflow_provider_workflows.core.tasks.question import VERDICTS

        ti: Any = context["ti"]
        if record is not None and not TaskState(context).lasting:
            ti.xcom_push(key=KEY, value=record.to_json())
        users = [{"id": str(user["id"]), "name": str(user["name"])} for user in self._users()]
        asked = {"ti_id": ti.id, "options": list(VERDICTS), "params": question.params}
        upsert_hitl_detail(
            **asked,
            subject=question.subject,
            body=question.body,
            assigned_users=users or None,  # type: ignore[arg-type]
        )
        self.link_to_list(context)
        self.log.warning("A person is asked, and the task waits: %s", question.subject)
        self._notify(context)
        limit = None
        if self.ask_timeout is not None:
            limit = timedelta(seconds=seconds_of(self.ask_timeout, "ask_timeout"))
        if hasattr(exceptions, "TaskAwaitingInput"):
            raise exceptions.TaskAwaitingInput(method_name="answered", timeout=limit)
        from airflow.providers.standard.triggers.hitl import HITLTrigger

        until = None if limit is None else datetime.now(tz=UTC) + limit
        asked["params"] = question.params  # the trigger takes it apart
        self.defer(  # type: ignore[attr-defined]
            trigger=HITLTrigger(**asked, timeout_datetime=until), method_name="answered"
        )
        raise AssertionError("deferring raises")

    def answered(self, context: Context, event: object = None) -> Any:
        """Go on with a person's answer; the time that the answer took does not count as waiting."""
        from airflow_provider_workflows.core.tasks.question import read_answer
        from airflow_provider_workflows.core.tasks.task import checking_ahead
        from airflow_provider_workflows.core.waiting.poller import KEY

        self._answer = read_answer(event, at_timeout=self.on_ask_timeout)
        TaskState(context).forget(KEY)
        # Unwrapped, because Airflow allows only its task runner to call the wrapper.
        execute = checking_ahead(inspect.unwrap(type(self).execute))  # type: ignore[attr-defined]
        return execute(self, context)

    def link_to_list(self, context: Context) -> None:
        """Let the task's link lead to where a person looks for what has no id yet."""
        if self._remote_id is None:
            with contextlib.suppress(Exception):  # the doubt must be heard of, with or without its link
                self.announce(context, "")  # type: ignore[attr-defined]

    def _place(self) -> str:
        """Return the vendor's page of what the task has announced, or its server."""
        hook: AnyHook = self.hook  # type: ignore[attr-defined]
        return hook.location(self._remote_id or "")

    def _notify(self, context: Context) -> None:
        notifiers = self.ask_notifiers if isinstance(self.ask_notifiers, Sequence) else [self.ask_notifiers]
        for notifier in notifiers:
            try:
                notifier(context)
            except Exception as error:
                self.log.warning("A notifier of ask_notifiers failed: %s", type(error).__name__)

    def _users(self) -> Sequence[Mapping[str, str]]:
        users = self.assigned_users
        return [users] if isinstance(users, Mapping) else list(users or ())
