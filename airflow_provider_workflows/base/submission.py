"""
Doing something once: the intent is written before the request, the vendor's id after it.

A process may die between any two lines here. What the next attempt finds then, and what it does about it, is
the table of :mod:`~airflow_provider_workflows.base.decision`; nothing else decides to send.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.base.decision import (
    Absent,
    Action,
    CannotKnow,
    Found,
    Memory,
    Policy,
    Run,
    RunState,
    Trace,
    decide,
)
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.inquiry import ADVICE, Inquiry
from airflow_provider_workflows.base.record import (
    KEY,
    STEP_KEY,
    Record,
    derive_mark,
    fingerprint,
    make_mark,
)
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    InvalidConnection,
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    RunFailed,
    RunTimedOut,
    TemporaryError,
    WorkflowError,
)

log = logging.getLogger(__name__)

#: How often one attempt sends, each time after the one before has surely come to nothing.
SENDS = 3
#: How often the id is offered to the state store before the attempt fails naming it.
STORE_ATTEMPTS = 4


class Submission:
    """
    One task instance's single effect at a vendor.

    :param context: the task's context
    :param effect: what is to happen
    :param policy: what the user wants where there is a choice
    :param settle: seconds after the last moment at which a request may have been under way until what the
        vendor does not show counts as never arrived
    :param deadline: Unix time after which nothing is sent any more
    :param namespace: of the connection; for the mark before Airflow 3.3
    """

    def __init__(
        self,
        context: Mapping[str, Any],
        effect: Effect,
        *,
        policy: Policy,
        settle: float,
        deadline: float = float("inf"),
        namespace: str = "",
    ) -> None:
        self._context = context
        self._effect = effect
        self._policy = policy
        self._inquiry = Inquiry(effect, settle=settle, deadline=deadline)
        self._settle = settle
        self._deadline = deadline
        self._namespace = namespace
        self._state = TaskState(context)
        #: What is known so far; for the last words of a task that is killed.
        self.record: Record | None = None

    def run(self) -> Any:
        """
        Make it happen, unless it has, and return the vendor's id for it.

        :raises InvalidInput: the record in the state store cannot be read; nothing was sent
        :raises RunFailed: what an earlier attempt began has ended badly
        :raises RunTimedOut: the deadline had passed before anything was sent
        :raises OutcomeUnknown: it may have happened, and the vendor does not tell
        :raises LostTrack: it may have happened, and the vendor does not answer; a retry asks again
        :raises WorkflowError: the vendor refused, or nothing could be sent
        """
        if not self._state.lasting:
            return self._without_store()
        self.record = record = self._load()
        if record is None:
            return self._send(self._new())
        self._compare(record)
        if record.id is None:
            return self._resolve(record)
        return self._attach_or_restart(record)

    def last_words(self) -> str:
        """Return what goes on at the vendor, for the log of a task that is killed."""
        if (record := self.record) is None:
            return f"Nothing was sent: {self._effect.subject}"
        if record.id is None:
            return (
                f"A request may be under way: {self._effect.subject}. {self._inquiry.search(record)} A new "
                "attempt looks for it before it sends anything"
            )
        return (
            f"{self._effect.subject}, id {record.id}, goes on at the vendor: it cannot be cancelled from "
            f"here, and nothing is sent. Look at the vendor for {self._effect.hint or record.id}"
        )

    # What a new attempt finds.

    def _load(self) -> Record | None:
        found = self._state.load(KEY)
        if found is None:
            found = self._state.load(STEP_KEY)
        if found is None:
            return None
        try:
            # A person who writes nothing but the id means the same as one who writes it into the record.
            record = Record.from_json(found if isinstance(found, dict) else {"id": found})
        except (TypeError, ValueError) as error:
            raise InvalidInput(
                f"The record {KEY!r} in this task's state store cannot be read: {error}. Nothing is sent"
            ) from None
        return replace(record, id=self._effect.adopt(record.id)) if record.handed_over else record

    def _attach_or_restart(self, record: Record) -> Any:
        ours = record.handed_over or record.generation == self._state.generation
        state = self._state_of(record.id, forgiving=ours)
        action = decide(Memory.OURS if ours else Memory.EARLIER, run=state.run, policy=self._policy)
        if action is Action.STOP_AT_FAILURE:
            raise RunFailed(
                f"{record.id} ({self._effect.subject}), which an earlier attempt began, has ended badly: "
                f"{state.detail}. Nothing is sent. {RERUN_ADVICE}"
            )
        if action is Action.START:
            log.info("%s, begun earlier, is over (%s); beginning anew", record.id, state.run.value)
            return self._send(self._new(), again=True)
        if state.run is Run.UNKNOWN:
            log.warning("How %s stands is not known; it counts as alive", record.id)
        log.info(
            "Going on with %s, which %s; nothing is sent. To have another one, delete the key %r from this "
            "task's state store and clear the task",
            record.id,
            "a person handed over" if record.handed_over else "an earlier attempt began",
            KEY,
        )
        kept = replace(
            record, accepted_at=record.accepted_at or time.time(), generation=self._state.generation
        )
        return record.id if kept == record else self._keep(kept).id

    def _state_of(self, id: Any, *, forgiving: bool) -> RunState:
        """
        Ask how a run stands.

        :param forgiving: the answer can only lead to attaching or failing, so none is needed
        """
        try:
            return self._effect.state(id)
        except WorkflowError as error:
            if not forgiving and isinstance(error, (TemporaryError, AuthenticationFailed, InvalidConnection)):
                raise
            return RunState(Run.UNKNOWN, error.message)

    def _resolve(self, record: Record, lost: OutcomeUnknown | None = None, *, sends: int = 0) -> Any:
        """
        Find out what an intent came to, and act on it.

        :param lost: how this attempt lost the answer, if it was this one
        :param sends: how often this attempt has sent
        """
        trace = self._inquiry.trace(record)
        match decide(Memory.INTENT, trace=trace, policy=self._policy):
            case Action.ATTACH:
                assert isinstance(trace, Found)
                log.warning("Found %s, of which the answer was lost; nothing is sent again", trace.id)
                return self._accept(record, trace.id)
            case Action.START if sends < SENDS:
                return self._send_again(record, trace, sends=sends)
        if isinstance(trace, Absent):
            raise LostTrack(
                f"{self._effect.subject}: sent {sends} times, and none has arrived. A retry goes on"
            ) from lost
        raise self._inquiry.doubt(record, trace, lost)

    def _send_again(self, record: Record, trace: Trace, *, sends: int) -> Any:
        if isinstance(trace, Absent):
            why = f"nothing of it has arrived within {self._settle:.0f} s"
        else:
            why = "on_lost_answer is 'resubmit'; it may be there twice then"
            # A vendor that has just lost an answer may be down; to send at once would only double the doubt.
            time.sleep(max(0.0, (record.lost_at or time.time()) + self._settle - time.time()))
        log.warning("Sending %s again: %s", self._effect.subject, why)
        return self._send(record, again=True, sends=sends)

    # Sending.

    def _new(self) -> Record:
        mark = make_mark(self._context)
        return Record(
            mark=mark,
            generation=self._state.generation,
            subject=self._effect.subject,
            payload=fingerprint(self._effect.payload, mark=mark),
        )

    def _send(self, record: Record, *, again: bool = False, sends: int = 0) -> Any:
        """
        Write the intent down and send.

        :param again: something of the kind may be at the vendor already, sent by this task
        :param sends: how often this attempt has sent before
        """
        doubted = self._in_doubt
        if time.time() >= self._deadline:
            raise RunTimedOut(f"{self._effect.subject}: the task's time is over; nothing is sent")
        if record.intended_at == 0:
            record = replace(record, baseline=self._effect.baseline())
        record = self._intend(replace(record, intended_at=time.time(), lost_at=None))
        log.info("Sending %s (mark %s)", self._effect.subject, record.mark)
        try:
            id = self._effect.submit(record, again=again)
        except OutcomeUnknown as lost:
            log.warning("%s", lost)
            record = self._intend(replace(record, lost_at=time.time()))
            return self._resolve(record, lost, sends=sends + 1)
        except WorkflowError as error:
            return self._refused(record, error, doubted=doubted)
        return self._accept(record, id)

    @property
    def _in_doubt(self) -> bool:
        """Whether something may have been sent before; without a store every retry has to think so."""
        if not self._state.lasting:
            return self._state.attempt > 1
        return self.record is not None and self.record.id is None

    def _refused(self, record: Record, error: WorkflowError, *, doubted: bool) -> Any:
        """
        Bear a refusal, or that nothing was sent.

        If an earlier sending is in doubt, the intent stays: the refusal may even come of its success.
        """
        if not doubted:
            self._forget()
            raise error
        if isinstance(error, PermanentError):
            trace = self._inquiry.look(record)
            if isinstance(trace, Found):
                log.warning("Refused, because it was done before: %s", error)
                return self._accept(record, trace.id)
        raise error

    # Writing down.

    def _intend(self, record: Record) -> Record:
        self.record = record = replace(record, generation=self._state.generation)
        self._state.save(KEY, record.to_json())
        return record

    def _forget(self) -> None:
        self.record = None
        self._state.forget(KEY)
        self._state.forget(STEP_KEY)

    def _accept(self, record: Record, id: Any) -> Any:
        # Logged before it is stored: if the process dies in between, a person still finds the id.
        log.info("Done: %s, id %s", self._effect.subject, id)
        return self._keep(replace(record, id=id, accepted_at=time.time())).id

    def _keep(self, record: Record) -> Record:
        self.record = record = replace(record, generation=self._state.generation)
        for attempt in range(1, STORE_ATTEMPTS + 1):
            try:
                self._state.save(KEY, record.to_json())
                break
            except Exception as error:
                if attempt == STORE_ATTEMPTS:
                    raise OutcomeUnknown(
                        f"Done: {self._effect.subject}, id {record.id}, but Airflow's state store did not "
                        f"take it ({type(error).__name__}), so that no retry would know of it. {ADVICE}"
                    ) from error
                time.sleep(attempt)
        return record

    def _compare(self, record: Record) -> None:
        now = fingerprint(self._effect.payload, mark=record.mark)
        if record.payload and record.payload != now and record.generation == self._state.generation:
            log.warning(
                "%s: the values have changed since an earlier attempt; what that one sent, or was about to "
                "send, is what counts",
                self._effect.subject,
            )

    # Before Airflow 3.3.

    def _without_store(self) -> Any:
        first = self._state.attempt <= 1
        if not self._effect.carries_mark:
            _warn_of_gap(self._effect.subject)
            return self._send(self._new(), again=not first)
        mark = derive_mark(self._context, namespace=self._namespace)
        record = replace(self._new(), mark=mark)
        # Nothing of a first attempt's can be under way, so one look is enough.
        trace = self._effect.look_up(record) if first else self._inquiry.trace(record)
        match trace:
            case Found(id):
                log.info("Found %s by its mark %s; nothing is sent", id, mark)
                return self._accept(record, id)
            case CannotKnow() if not first:
                raise self._inquiry.doubt(record, trace, None)
        return self._send(record, again=not first)


#: How a person goes on after a run that ended badly.
RERUN_ADVICE = (
    "With on_failed_run='rerun' the task's next attempt begins another one; to have another one now, clear "
    "the task"
)

_warned_of_gap = False


def _warn_of_gap(subject: str) -> None:
    """Say once a process what Airflow before 3.3 cannot do."""
    global _warned_of_gap
    if not _warned_of_gap:
        _warned_of_gap = True
        log.warning(
            "%s: before Airflow 3.3 nothing outlives an attempt, so a retry after a crash sends it again. "
            "Set retries=0, or give the operator a place for its mark where it has one",
            subject,
        )
