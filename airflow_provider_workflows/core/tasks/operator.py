"""What every vendor's operator has in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Unpack

from airflow.sdk import BaseOperator

from airflow_provider_workflows.core.runtime.durations import seconds_of
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.versions import default_deferrable, exceptions
from airflow_provider_workflows.core.tasks.asking import AskingMixin
from airflow_provider_workflows.core.tasks.task import WorkflowTaskMixin, checking_ahead
from airflow_provider_workflows.exceptions import (
    OutcomeUnknown,
    PermanentError,
    RetryWouldRepeat,
    RunFailed,
    RunMayRerun,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.runtime.durations import Duration
    from airflow_provider_workflows.core.submission.effect import AnyEffect, Start
    from airflow_provider_workflows.core.submission.runner import Submission
    from airflow_provider_workflows.core.submission.terms import (
        OnAskTimeout,
        OnClear,
        OnFailedRun,
        OnLostAnswer,
    )
    from airflow_provider_workflows.core.tasks.lineage import Role
    from airflow_provider_workflows.core.tasks.parameters import (
        BaseParameters,
        Notifiers,
        OnceParameters,
        OperatorParameters,
        Users,
    )
    from airflow_provider_workflows.core.waiting.condition import Condition
    from airflow_provider_workflows.core.waiting.poller import Waiter


class WorkflowOperator(WorkflowTaskMixin, BaseOperator):
    """An operator that calls a vendor."""

    ui_color = "#dfe8f5"

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "execute" in vars(cls):
            cls.execute = checking_ahead(cls.execute)  # type: ignore[method-assign]

    def __init__(self, *, multiple_outputs: bool | None = None, **kwargs: Unpack[BaseParameters]) -> None:
        super().__init__(
            multiple_outputs=self.returns_mapping if multiple_outputs is None else multiple_outputs, **kwargs
        )


class OnceOperator(AskingMixin, WorkflowOperator):
    """
    An operator whose effect at the vendor happens exactly once.

    :param settle: seconds from a lost answer until a request that the vendor does not show counts as never
        arrived, and is sent again; at least 15 s more than the connection's ``timeout``
    :param on_lost_answer: what to do if it is unknown whether a request took effect: ``fail`` and say what to
        check at the vendor; ``ask`` a person, under Required Actions in Airflow; or ``resubmit``: send it
        again, up to three times in one attempt, which may do it more than once
    :param ask_timeout: maximum seconds for the person's answer; None for no limit
    :param on_ask_timeout: what to do if nobody answers in time: ``fail``, ``accept`` that the request took
        effect, if the task knows the id, or ``resubmit``: send it again
    :param ask_notifiers: notifiers or other callables to call when a person is asked
    :param assigned_users: who may answer: ``{"id": ..., "name": ...}`` or a list of them; by default everyone
        whom Airflow lets edit the DAG's required actions
    """

    durations: ClassVar[tuple[str, ...]] = ("settle",)
    optional_durations: ClassVar[tuple[str, ...]] = ("ask_timeout",)
    on_failed_run: OnFailedRun = "fail"
    on_clear: OnClear = "attach"

    def __init__(
        self,
        *,
        settle: Duration = 60,
        on_lost_answer: OnLostAnswer = "fail",
        ask_timeout: Duration | None = None,
        on_ask_timeout: OnAskTimeout = "fail",
        ask_notifiers: Notifiers = (),
        assigned_users: Users = None,
        **kwargs: Unpack[OperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.settle = settle
        self.on_lost_answer = on_lost_answer
        self.ask_timeout = ask_timeout
        self.on_ask_timeout = on_ask_timeout
        self.ask_notifiers = ask_notifiers
        self.assigned_users = assigned_users
        self._submission: Submission | None = None

    def effect(self, context: Context) -> AnyEffect:
        """
        Return what must happen once, from the operator's fields.

        :raises InvalidInput: an argument is invalid; nothing was sent
        """
        raise NotImplementedError

    def once(self, context: Context, effect: AnyEffect, *, deadline: float = float("inf")) -> Any:
        """
        Make an effect happen once, whatever earlier attempts did, and return the vendor's id for it.

        :param deadline: Unix time after which nothing is sent
        :raises InvalidInput: a parameter is not one of its choices
        :raises OutcomeUnknown: it may or may not have happened
        :raises TaskAwaitingInput: it may or may not have happened, and a person is asked
        """
        from airflow_provider_workflows.core import metrics
        from airflow_provider_workflows.core.submission.record import AnswerRefused
        from airflow_provider_workflows.core.submission.runner import Submission
        from airflow_provider_workflows.core.submission.terms import SETTLE_MARGIN, Policy, current

        policy = Policy(
            on_lost_answer=self.on_lost_answer, on_failed_run=self.on_failed_run, on_clear=self.on_clear
        )
        settle = max(seconds_of(self.settle, "settle"), self.hook.timeout + SETTLE_MARGIN)
        if current.settle is not None:
            settle = current.settle
        how: dict[str, Any] = {"policy": policy, "settle": settle, "deadline": deadline}
        if self.on_lost_answer == "ask":
            self.check_asking()
            how |= {"answer": self._answer, "asked": self.asked(context)}
        self._submission = Submission(context, effect, self.hook, **how)
        try:
            return self._submission.run().id
        except AnswerRefused as refused:
            self.ask_about(context, self._submission, refused)
        except WorkflowError as error:
            if self._submission.asks(error):
                self.ask_about(context, self._submission, error)
            if isinstance(error, OutcomeUnknown):
                metrics.DOUBTS.record(vendor=self.hook.conn_type)
                self.link_to_list(context)
            self.log_failure(error)
            raise

    @property
    def in_doubt(self) -> bool:
        """Whether the outcome of a request is unknown."""
        return self._submission is not None and self._submission.in_doubt

    @contextlib.contextmanager
    def after_effect(self, context: Context) -> Iterator[None]:
        """
        Prevent a retry after the effect if the retry would repeat the effect.

        :raises RetryWouldRepeat: before Airflow 3.3, instead of every error that allows a retry; not if a
            retry would find the effect, or may repeat it
        """
        try:
            yield
        except PermanentError:
            raise
        except (Exception, exceptions.AirflowTaskTimeout) as error:
            if TaskState(context).lasting or self._retry_is_safe(context):
                raise
            known = error if isinstance(error, WorkflowError) else WorkflowError(_told(error))
            message = (
                f"{known.message}\nAirflow will not retry: before 3.3, a retry would send the request again"
            )
            raise known.with_message(message, RetryWouldRepeat) from None

    def _retry_is_safe(self, context: Context) -> bool:
        """Whether a retry does not repeat the effect, even without a state store."""
        if self._submission is not None:
            return self._submission.engine.effect.retry_is_safe
        try:
            return self.effect(context).retry_is_safe  # of a task that was resumed
        except Exception:
            return False

    def announce(self, context: Context, remote_id: str) -> None:
        """Push the remote id to XCom; for a move, before the request."""
        with self.after_effect(context) if self._submission is not None else contextlib.nullcontext():
            super().announce(context, remote_id)

    def on_kill(self) -> None:
        """Log what continues at the vendor. No vendor can cancel it by API, so nothing is sent."""
        if self._submission is not None:
            self.log_warning(f"Killed. {self._submission.stop()}")

    def pre_execute(self, context: Context) -> None:
        """Log an earlier request in doubt, before another failure can hide it."""
        from airflow_provider_workflows.core.submission.runner import open_doubt

        super().pre_execute(context)
        if (doubt := open_doubt(context)) is not None:
            self.log_warning(doubt)


class WaitingOperator(OnceOperator):
    """
    An operator that starts a run and can wait for its end.

    :param wait_for_completion: return only when the run has ended
    :param deferrable: wait in the triggerer; by default ``[operators] default_deferrable``
    :param timeout: maximum seconds for the start and the wait together, over all retries; without
        ``wait_for_completion``, and before Airflow 3.3, for each attempt
    :param poke_interval: maximum seconds between two looks; the first looks come sooner
    :param tolerance: seconds without an answer from the vendor after which the task fails
    :param prepoll: seconds to look in the worker before the task defers
    :param on_failed_run: what to do if the run fails: ``fail`` without a retry, or ``rerun``: fail, and let
        the task's next attempt start another run
    :param on_clear: what to do if the task is cleared while its run is alive: ``attach`` to it, or ``rerun``:
        start another run beside it. If the run has ended, a cleared task always starts another
    """

    template_fields: Sequence[str] = ()
    lineage_role: ClassVar[Role] = "begins"
    durations: ClassVar[tuple[str, ...]] = (
        *OnceOperator.durations,
        "timeout",
        "poke_interval",
        "tolerance",
        "prepoll",
    )

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        deferrable: bool | None = None,
        timeout: Duration = 7 * 24 * 3600,
        poke_interval: Duration = 60,
        tolerance: Duration = 600,
        prepoll: Duration = 10,
        on_failed_run: OnFailedRun = "fail",
        on_clear: OnClear = "attach",
        **kwargs: Unpack[OnceParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = default_deferrable() if deferrable is None else deferrable
        self.timeout = timeout
        self.poke_interval = poke_interval
        self.tolerance = tolerance
        self.prepoll = prepoll
        self.on_failed_run = on_failed_run
        self.on_clear = on_clear

    def start(self, context: Context, effect: Start[Any]) -> Any:
        """
        Start a run once, and return its id; the time for :meth:`wait_for` counts from here.

        :raises OutcomeUnknown: it may or may not have started
        :raises RunFailed: the run that an earlier attempt started has failed
        """
        from airflow_provider_workflows.core.submission.terms import current

        if not self.wait_for_completion:
            deadline = current.clock.time() + seconds_of(self.timeout, "timeout")
            return self.once(context, effect, deadline=deadline)
        waiter = self._waiter(context)
        waiter.begin()
        return self.once(context, effect, deadline=waiter.deadline)

    def wait_for(self, context: Context, condition: Condition) -> Any:
        """
        Wait for a condition on the run that this task started, and return its result.

        :raises TaskDeferred: when deferrable; ``execute_complete`` then gets the result
        """
        with self.after_start(context):
            return self._waiter(context).wait(condition)

    def execute_complete(self, context: Context, event: object) -> Any:
        """Return the result after a deferral."""
        from airflow_provider_workflows.core.waiting.poller import result_of

        with self.after_start(context):
            return result_of(event)

    @contextlib.contextmanager
    def after_start(self, context: Context) -> Iterator[None]:
        """
        Decide whether a retry may follow a failure after the start.

        :raises RunMayRerun: instead of a :class:`RunFailed`, with ``on_failed_run="rerun"``; before Airflow
            3.3 not if the run carries a mark, because a retry would find the same run by it
        :raises RetryWouldRepeat: as :meth:`after_effect`
        """
        try:
            with self.after_effect(context):
                yield
        except WorkflowError as error:
            failure = self._ended_badly(error, context) if isinstance(error, RunFailed) else error
            self.log_failure(failure)
            if failure is error:
                raise
            raise failure from None

    def _ended_badly(self, error: RunFailed, context: Context) -> WorkflowError:
        from airflow_provider_workflows.core.submission.messages import (
            RERUN_ADVICE,
            RERUN_ADVICE_WITHOUT_STORE,
        )

        if self.on_failed_run != "rerun":
            return error.with_message(f"{error.message}\n{RERUN_ADVICE}")
        if not TaskState(context).lasting and self._retry_is_safe(context):
            return error.with_message(f"{error.message}\n{RERUN_ADVICE_WITHOUT_STORE}")
        return error.with_message(f"{error.message}\n{RERUN_ADVICE}", RunMayRerun)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume from a deferral. A broken trigger is a failure after the start, too."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except exceptions.TaskDeferralError:
            with self.after_start(context):
                raise

    def _waiter(self, context: Context) -> Waiter:
        from airflow_provider_workflows.core.waiting.poller import Waiter

        return Waiter(
            self,
            self.hook,
            context,
            mode="defer" if self.deferrable else "poke",
            known=True,
            timeout=seconds_of(self.timeout, "timeout"),
            poke_interval=seconds_of(self.poke_interval, "poke_interval"),
            tolerance=seconds_of(self.tolerance, "tolerance"),
            prepoll=seconds_of(self.prepoll, "prepoll"),
        )


def _told(error: BaseException) -> str:
    """Describe what ended a wait. Only the text of Airflow's own errors is safe: others may quote a URL."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, exceptions.AirflowTaskTimeout) else name
