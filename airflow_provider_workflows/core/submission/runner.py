"""Answers the engine's steps by a hook and a store: in a worker, or on an event loop."""

from __future__ import annotations

import functools
import logging
import uuid
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.runtime.versions import exceptions
from airflow_provider_workflows.core.submission import messages, terms
from airflow_provider_workflows.core.submission.decision import open_record
from airflow_provider_workflows.core.submission.effect import (
    AnyEffect,
    Call,
    Check,
    CheckId,
    Found,
    Look,
    NotSent,
    Read,
    RunState,
    Save,
    Send,
    Step,
    Unknown,
)
from airflow_provider_workflows.core.submission.engine import Engine, Outcome
from airflow_provider_workflows.core.submission.look_up import MOST_KEPT, in_time
from airflow_provider_workflows.core.submission.messages import Messages, goes_on
from airflow_provider_workflows.core.submission.record import (
    Answer,
    DerivedMarkStore,
    Record,
    Store,
    StoreFailed,
    TaskStateStore,
    derive_mark,
)
from airflow_provider_workflows.core.submission.terms import Policy, Terms
from airflow_provider_workflows.exceptions import MESSAGE_LIMIT, OutcomeUnknown, WorkflowError, printable

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook

log = logging.getLogger(__name__)

#: How the answer was lost, and why nobody looks for it.
TIME_OVER = "the task's execution_timeout passed before an answer came"
NO_TIME_LEFT = "the task had no time left, and without a record a retry would send the request again"
#: What the engine is told of; anything else, such as the end of the process, ends it too.
_TOLD = (WorkflowError, StoreFailed)


class Runner:
    """
    Runs one engine.

    :param store: what is remembered
    :param hook: the vendor's
    :param repeats_until: reading of :func:`time.monotonic` after which no request is repeated any more; None
        for no limit
    """

    def __init__(
        self, engine: Engine, store: Store, hook: AnyHook, *, repeats_until: float | None = None
    ) -> None:
        self.engine = engine
        self.store = store
        self._hook = hook
        self._repeats_until = repeats_until
        if engine.terms.fenced:
            engine.gate.save_again = lambda: store.save(store.record)

    def run(self) -> Outcome:
        """
        Run it to its end, in a worker.

        :raises Exception: what the store raised, if nothing was sent that it does not know
        :raises WorkflowError: as the engine does
        """
        steps, answer, failure = open_record(self.engine, self.store.load()), None, None
        while True:
            try:
                step = steps.send(answer) if failure is None else steps.throw(failure)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            except StoreFailed as failed:
                raise failed.error from None
            answer = failure = None
            try:
                answer = self._answer(step)
            except _TOLD as told:
                failure = told

    async def arun(self) -> Outcome:
        """Run it to its end on the running event loop; as :meth:`run`. Its store must not block."""
        steps, answer, failure = open_record(self.engine, self.store.load()), None, None
        while True:
            try:
                step = steps.send(answer) if failure is None else steps.throw(failure)
            except StopIteration as end:
                outcome: Outcome = end.value
                return outcome
            except StoreFailed as failed:
                raise failed.error from None
            answer = failure = None
            try:
                answer = await self._aanswer(step)
            except _TOLD as told:
                failure = told

    def _answer(self, step: Step) -> Any:
        gate = self.engine.gate
        match step:
            case Sleep(seconds):
                return self.engine.clock.sleep(seconds)
            case Save(record):
                return self.store.save(record)
            case Send(record):
                gate.check()
                gate.announce = lambda: self.engine.messages.sending(record)
            case _ if self._repeats_until is None:
                return self._hook.read(functools.partial(self._operation, step), permit=gate)
        call = functools.partial(self._operation, step)
        return self._hook.run(call, deadline=self._repeats_until, permit=gate)

    async def _aanswer(self, step: Step) -> Any:
        gate = self.engine.gate
        match step:
            case Sleep(seconds):
                return await self.engine.clock.asleep(seconds)
            case Save(record):
                return await self._asave(record)
            case Send(record):
                gate.check()
                gate.announce = lambda: self.engine.messages.sending(record)
        call = functools.partial(self._operation, step)
        return await self._hook.arun(call, deadline=self._repeats_until, permit=gate)

    async def _asave(self, record: Record | None) -> None:
        self.store.save(record)

    def _operation(self, call: Call, api: Any) -> Operation[object]:
        """Carry a call out; its answer is one that logs, the state store and XCom can carry."""
        effect, terms = self.engine.effect, self.engine.terms
        match call:
            case Send(record, again):
                answering: Operation[object] = effect.submit(api, record, again=again)
            case Look(record) if terms.hurried:
                look_up = effect.look_up(api, record)
                answering = in_time(look_up, seconds=terms.longest_look, clock=self.engine.clock)
            case Look(record):
                answering = effect.look_up(api, record)
            case Check(id):
                answering = effect.state(api, id)
            case CheckId(id):
                answering = effect.check_id(api, id)
            case Read():
                answering = effect.baseline(api)
        try:
            answer = yield from answering
        except OutcomeUnknown as lost:
            lost.note = hand_over(lost.note, f"What is known of {effect.subject}", most=MOST_KEPT)
            raise
        match answer:
            case Found() | NotSent() | Unknown():
                return answer
            case RunState(_, detail):
                return replace(answer, detail=printable(detail[:MESSAGE_LIMIT]))
        return hand_over(answer, f"The answer about {effect.subject}", most=MOST_KEPT)


class Submission(Runner):
    """
    What a task does once at a vendor, by the store that this Airflow has.

    Before Airflow 3.3 nothing is remembered, but the mark is derived and the vendor asked for it before it is
    sent. What carries no mark is sent once an attempt; a retry after a crash sends it again, which is said
    once unless it does no harm. A mark is that of the DAG run's id: of a run that was deleted and made again
    under its id it finds what the first one sent.

    :param context: the task's context
    :param effect: what is to happen
    :param hook: the vendor's
    :param policy: what the user wants where there is a choice
    :param settle: seconds after a request was given up until what the vendor does not show counts as never
        arrived
    :param deadline: Unix time after which nothing is sent any more
    :param answer: of a person who was asked about a doubt
    :param asked: what the person was asked about, if no store remembers it; without a mark if that is lost
    """

    def __init__(
        self,
        context: Mapping[str, object],
        effect: AnyEffect,
        hook: AnyHook,
        *,
        policy: Policy,
        settle: float,
        deadline: float = float("inf"),
        answer: Answer | None = None,
        asked: Record | None = None,
    ) -> None:
        state = TaskState(context)
        is_retry = state.attempt > 1
        # Random where it can be kept; else one that each attempt derives anew.
        usual = messages.ADVICE if state.lasting else messages.ADVICE_WITHOUT_STORE
        mark = derive_mark(context, namespace=uuid.uuid4().hex if state.lasting else hook.namespace)
        engine = Engine(
            effect,
            Terms(
                policy=policy,
                settle=settle,
                deadline=deadline,
                window=max(terms.SETTLE_MARGIN, settle - hook.timeout),
                fenced=state.lasting,
                look_first=not state.lasting and effect.carries_mark,
                doubted=not state.lasting and is_retry,
            ),
            Messages(
                effect,
                advice=messages.ADVICE_TO_ASK if policy.on_lost_answer == "ask" else usual,
                is_remembered=state.lasting or effect.retry_is_safe,
                vendor=hook.conn_type,
            ),
            new=Record(mark=mark, generation=state.generation),
            clock=terms.current.clock,
            where=hook.where,
        )
        engine.answer = answer
        if asked is not None and not asked.mark:
            asked = None if effect.retry_is_safe and answer is None else engine.new
        doubted = asked or (engine.new if is_retry and effect.carries_mark else None)
        super().__init__(engine, TaskStateStore(state) if state.lasting else DerivedMarkStore(doubted), hook)

    def run(self) -> Outcome:
        """
        Make it happen, unless it has; as :func:`~.decision.open_record`.

        :raises OutcomeUnknown: also for an ``execution_timeout`` while it is sent, if a retry would send it
            again
        """
        is_safe = self.store.lasting or self.engine.effect.retry_is_safe
        if not is_safe:
            warn_of_gap()
        try:
            return super().run()
        except exceptions.AirflowTaskTimeout:
            if is_safe or self.store.record is None:
                raise
            raise self.engine.messages.doubt(
                self.store.record, NO_TIME_LEFT, OutcomeUnknown(TIME_OVER)
            ) from None

    def asks(self, error: WorkflowError) -> bool:
        """Whether a person is to be asked, rather than that the task fails with an error."""
        return self.engine.may_ask and self.in_doubt and isinstance(error, OutcomeUnknown)

    def stop(self) -> str:
        """
        Refuse to send anything more, and return what goes on at the vendor.

        For a task that is being killed; Airflow lets it run for some seconds more.
        """
        self.engine.gate.close()
        return goes_on(self.engine.effect, self.store.record)

    @property
    def in_doubt(self) -> bool:
        """Whether the outcome of a request is unknown."""
        record = self.store.record
        return self.engine.terms.doubted if record is None else record.id is None


@functools.cache
def warn_of_gap() -> None:
    """Log once per process what Airflow before 3.3 cannot do."""
    log.warning("Before Airflow 3.3, a retry after a crash may send a request again")
    log.warning("Set retries=0, or run_key_field if the operator has it")


def open_doubt(context: Mapping[str, object]) -> str | None:
    """Return a warning about an earlier request in doubt; None if there is none or it cannot be read."""
    try:
        record = TaskStateStore(TaskState(context)).load()
    except Exception:
        return None  # the submission itself says so where it matters
    if record is None or record.id is not None:
        return None
    subject = record.subject or "a request"
    return (
        f"The outcome of an earlier request is unknown: {subject} {record.moment}\n"
        f"Its mark is {record.mark!r}. Airflow checks with the vendor before it sends anything"
    )
