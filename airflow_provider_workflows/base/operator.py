"""What every vendor's operator has in common."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, get_args

from airflow.sdk import BaseOperator

from airflow_provider_workflows.base import metrics
from airflow_provider_workflows.base.compat import default_deferrable, exceptions
from airflow_provider_workflows.base.condition import Condition
from airflow_provider_workflows.base.decision import OnClear, OnFailedRun, OnLostAnswer, Policy
from airflow_provider_workflows.base.inquiry import open_doubt
from airflow_provider_workflows.base.lineage import Role
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.storeless import make_submission
from airflow_provider_workflows.base.task import TouchesVendor
from airflow_provider_workflows.base.waiter import Waiter, result_of
from airflow_provider_workflows.base.wording import RERUN_ADVICE, RERUN_ADVICE_WITHOUT_STORE
from airflow_provider_workflows.protocol.errors import (
    InvalidInput,
    OutcomeUnknown,
    PermanentError,
    RetryWouldRepeat,
    RunFailed,
    RunMayRerun,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.delivery import Delivery
    from airflow_provider_workflows.base.effect import Effect, Start

#: Seconds beyond the connection's timeout in which a request that was given up may still reach the vendor.
SETTLE_MARGIN = 15.0


class WorkflowOperator(TouchesVendor, BaseOperator):
    """An operator that calls a vendor."""

    ui_color = "#dfe8f5"

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("multiple_outputs", self.returns_mapping)
        super().__init__(**kwargs)


class OnceOperator(WorkflowOperator):
    """
    An operator whose effect at the vendor happens exactly once.

    :param settle: seconds after a lost answer until what the vendor does not show counts as never arrived,
        and is sent again; never less than the connection's ``timeout`` and 15 s more
    :param on_lost_answer: what to do when it cannot be known whether a request took effect: ``fail``, and say
        what to look for at the vendor, or ``resubmit``: send it again, which may do it again, up to three
        times an attempt
    """

    def __init__(self, *, settle: float = 60, on_lost_answer: OnLostAnswer = "fail", **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.settle = settle
        self.on_lost_answer = on_lost_answer
        self._submission: Delivery | None = None

    def once(self, context: Context, effect: Effect, *, deadline: float = float("inf")) -> Any:
        """
        Make an effect happen once, whatever became of the attempts before, and return the vendor's id for it.

        :param deadline: Unix time after which nothing is sent any more
        :raises OutcomeUnknown: it may have happened, and the vendor does not tell
        """
        self._submission = make_submission(
            context,
            effect,
            policy=self.policy,
            settle=self.settles_after(),
            deadline=deadline,
            where=self.hook.where,
            vendor=self.hook.conn_type,
            namespace=self.hook.namespace,
        )
        try:
            with self.hook.permitting(self._submission.permit):
                return self._submission.run()
        except OutcomeUnknown:
            metrics.DOUBTS.count(vendor=self.hook.conn_type)
            raise

    def settles_after(self) -> float:
        """Return the seconds from a lost answer to when what the vendor does not show has never arrived."""
        return max(_seconds(self, "settle"), self.hook.timeout + SETTLE_MARGIN)

    @property
    def policy(self) -> Policy:
        """
        What the user wants where there is a choice.

        :raises InvalidInput: it is no choice
        """
        return Policy(on_lost_answer=_choice(self, "on_lost_answer", OnLostAnswer))

    @property
    def in_doubt(self) -> bool:
        """Whether something was sent of which nobody knows what became."""
        return self._submission is not None and self._submission.in_doubt

    @contextlib.contextmanager
    def after_effect(self, context: Context) -> Iterator[None]:
        """
        Let no retry follow a failure after the effect if it would have the effect again.

        :raises RetryWouldRepeat: for any failure that a retry might follow, before Airflow 3.3; not if a
            retry finds what was done, or its repetition does no harm
        """
        try:
            yield
        except PermanentError:
            raise
        except (Exception, exceptions.AirflowTaskTimeout) as error:
            if TaskState(context).lasting or self.retry_is_safe:
                raise
            known = error if isinstance(error, WorkflowError) else WorkflowError(_told(error))
            message = f"{known.message}. Before Airflow 3.3 a retry would do it again, so there is none"
            raise known.retold(message, RetryWouldRepeat) from None

    @property
    def retry_is_safe(self) -> bool:
        """Whether a retry does not have the effect again even without a state store."""
        return self._submission is not None and self._submission.retry_is_safe

    def announce(self, context: Context, remote_id: str) -> None:
        """Leave the remote id in XCom; a move's before it is made."""
        with self.after_effect(context) if self._submission is not None else contextlib.nullcontext():
            super().announce(context, remote_id)

    def on_kill(self) -> None:
        """Say what goes on at the vendor: no vendor offers to cancel it, so nothing is sent."""
        if self._submission is not None:
            self.log.warning("Killed. %s", self._submission.stop())

    def pre_execute(self, context: Any) -> None:
        """Name an open doubt before anything else can fail and hide it."""
        super().pre_execute(context)
        if (doubt := open_doubt(context)) is not None:
            self.log.warning("%s", doubt)


class WaitingOperator(OnceOperator):
    """
    An operator that starts a run and can wait for its end.

    :param wait_for_completion: return only when the remote run has ended
    :param deferrable: wait in the triggerer; by default ``[operators] default_deferrable``
    :param timeout: seconds for the start and the wait, over all retries; without ``wait_for_completion``, and
        before Airflow 3.3, over one attempt
    :param poke_interval: seconds between two looks at the most; looks come sooner at first
    :param tolerance: seconds that the vendor may give no answer before track is lost
    :param prepoll: seconds of looking in the worker before a deferral
    :param on_failed_run: what to do when the run ends badly: ``fail`` without a retry, or ``rerun``: fail,
        and let the task's next attempt start another
    :param on_clear: what to do when the task is cleared while its run is alive: ``attach`` to it, or
        ``rerun``: start another beside it. A run that has ended is followed by another in any case
    """

    template_fields: Sequence[str] = ()
    lineage_role: ClassVar[Role] = "begins"

    def __init__(
        self,
        *,
        wait_for_completion: bool = False,
        deferrable: bool | None = None,
        timeout: float = 7 * 24 * 3600,
        poke_interval: float = 60,
        tolerance: float = 600,
        prepoll: float = 10,
        on_failed_run: OnFailedRun = "fail",
        on_clear: OnClear = "attach",
        **kwargs: Any,
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

    @property
    def policy(self) -> Policy:
        """What the user wants where there is a choice."""
        return replace(
            super().policy,
            on_failed_run=_choice(self, "on_failed_run", OnFailedRun),
            on_clear=_choice(self, "on_clear", OnClear),
        )

    def start(self, context: Context, effect: Start) -> Any:
        """
        Start a run once, and return its id; the time for :meth:`wait_for` counts from here.

        :raises OutcomeUnknown: it may have been started, and the vendor does not tell
        :raises RunFailed: the run that an earlier attempt started has ended badly
        """
        waiter = self._waiter(context)
        if self.wait_for_completion:
            waiter.begin()
        return self.once(context, effect, deadline=waiter.deadline)

    def wait_for(self, context: Context, condition: Condition) -> Any:
        """
        Wait for a condition on what this task started, here or in the triggerer, and return its result.

        :raises TaskDeferred: when deferrable; ``execute_complete`` then gets the result
        """
        with self.after_start(context):
            return self._waiter(context).wait(condition)

    def execute_complete(self, context: Context, event: Any) -> Any:
        """Return, on resuming from a deferral, what :meth:`execute` would have."""
        with self.after_start(context):
            return result_of(event)

    @contextlib.contextmanager
    def after_start(self, context: Context) -> Iterator[None]:
        """
        Give failures after the start their meaning for a retry.

        :raises RunMayRerun: for a :class:`RunFailed`, with ``on_failed_run="rerun"``; before Airflow 3.3 not
            if the run carries a mark, by which a retry would find the same run again
        :raises RetryWouldRepeat: as :meth:`after_effect`
        """
        try:
            with self.after_effect(context):
                yield
        except RunFailed as error:
            raise self._ended_badly(error, context) from None

    def _ended_badly(self, error: RunFailed, context: Context) -> WorkflowError:
        if self.policy.on_failed_run != "rerun":
            return error.retold(f"{error.message}. {RERUN_ADVICE}")
        if self.retry_is_safe and not TaskState(context).lasting:
            return error.retold(f"{error.message}. {RERUN_ADVICE_WITHOUT_STORE}")
        return error.retold(f"{error.message}. {RERUN_ADVICE}", RunMayRerun)

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume from a deferral; if the trigger broke, that is a failure after the start, too."""
        try:
            return super().resume_execution(next_method, next_kwargs, context)
        except exceptions.TaskDeferralError:
            with self.after_start(context):
                raise

    def _waiter(self, context: Context) -> Waiter:
        return Waiter(
            self,
            self.hook,
            context,
            mode="defer" if self.deferrable else "poke",
            timeout=_seconds(self, "timeout"),
            poke_interval=_seconds(self, "poke_interval"),
            tolerance=_seconds(self, "tolerance"),
            prepoll=_seconds(self, "prepoll"),
            known=True,
        )


def _choice(task: BaseOperator, name: str, choices: Any) -> Any:
    value, known = getattr(task, name), get_args(choices)
    if value not in known:
        raise InvalidInput(f"{name} must be {' or '.join(map(repr, known))}, not {value!r}; nothing was sent")
    return value


def _told(error: BaseException) -> str:
    """Return what broke off a wait; Airflow's own errors say what, others may quote a URL."""
    name = type(error).__name__
    return f"{name}: {error}" if isinstance(error, exceptions.AirflowTaskTimeout) else name


def _seconds(task: BaseOperator, name: str) -> float:
    value = getattr(task, name)
    with contextlib.suppress(TypeError, ValueError):
        if 0 <= (seconds := float(value)) < float("inf"):
            return seconds
    raise InvalidInput(f"{name} must be a number of seconds, not {value!r}; nothing was sent")
