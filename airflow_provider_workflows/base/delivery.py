"""
Doing something once: the intent is written before the request, the vendor's id after it.

A process may die between any two lines here. What the next attempt begins with is in
:mod:`~airflow_provider_workflows.base.submission`; when something may be sent is the table of
:mod:`~airflow_provider_workflows.base.decision`, and nothing else decides it.
"""

from __future__ import annotations

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar

from airflow_provider_workflows.base import metrics, wording
from airflow_provider_workflows.base.decision import Absent, Action, Found, Memory, Policy, Trace, decide
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.inquiry import Inquiry, place_of
from airflow_provider_workflows.base.ledger import Ledger
from airflow_provider_workflows.base.record import Record, fingerprint, make_mark
from airflow_provider_workflows.protocol.errors import (
    OutcomeUnknown,
    PermanentError,
    RunTimedOut,
    TemporaryError,
    WorkflowError,
)

log = logging.getLogger(__name__)

#: How often one attempt sends, each time after the one before has surely come to nothing.
SENDS = 3


class Delivery(ABC):
    """
    One attempt's sending of one effect, and its finding out what a lost answer came to.

    What the attempt begins with is the subclass's: what it remembers of attempts before it.

    :param context: the task's context
    :param effect: what is to happen
    :param policy: what the user wants where there is a choice
    :param settle: seconds after the last moment at which a request may have been under way until what the
        vendor does not show counts as never arrived
    :param deadline: Unix time after which nothing is sent any more
    :param where: the vendor's server and account
    :param vendor: the connection's type, for metrics
    """

    #: How a person goes on after a doubt.
    advice: ClassVar[str] = wording.ADVICE

    def __init__(
        self,
        context: Mapping[str, Any],
        effect: Effect,
        *,
        policy: Policy,
        settle: float,
        deadline: float = float("inf"),
        where: str = "",
        vendor: str = "",
    ) -> None:
        self._where = where
        self._vendor = vendor
        self._killed = False
        self._context = context
        self._effect = effect
        self._policy = policy
        self._deadline = deadline
        self._ledger = Ledger(context)
        self._inquiry = Inquiry(
            effect, settle=settle, deadline=deadline, advice=self.advice, lost_track=self._lost_track
        )

    @abstractmethod
    def run(self) -> Any:
        """
        Make it happen, unless it has, and return the vendor's id for it.

        :raises OutcomeUnknown: it may have happened, and the vendor does not tell
        :raises LostTrack: it may have happened, and the vendor does not answer, or does not know of it; a
            retry asks again
        :raises WorkflowError: the vendor refused, or nothing could be sent
        """

    def permit(self) -> None:
        """
        Let a request that is sent once go out; also asked when its sending is repeated.

        :raises RunTimedOut: the task's time is over
        :raises TemporaryError: the task was killed
        """
        if self._killed:
            raise TemporaryError(f"{self._effect.subject}: the task was killed before it was sent")
        if time.time() >= self._deadline:
            raise RunTimedOut(f"{self._effect.subject}: the task's time is over; nothing is sent")

    def stop(self) -> str:
        """
        Send nothing any more, and return what goes on at the vendor.

        For a task that is killed, which Airflow lets run on for some seconds.
        """
        self._killed = True
        return wording.goes_on(self._effect, self._ledger.record)

    @property
    def in_doubt(self) -> bool:
        """Whether something may have been sent before."""
        return self._ledger.record is not None and self._ledger.record.id is None

    @property
    def retry_is_safe(self) -> bool:
        """Whether a retry that remembers nothing does not do it again."""
        return self._effect.carries_mark or self._effect.repeatable

    def _lost_track(self, message: str) -> WorkflowError:
        """Return the error for what the task's next attempt is to find out."""
        return wording.lost_track(message)

    def _new(self) -> Record:
        """Return the record of something that was never sent."""
        return Record(
            mark=make_mark(self._context),
            generation=self._ledger.generation,
            subject=self._effect.subject,
        )

    def _send(self, record: Record, *, again: bool = False, sends: int = 0) -> Any:
        """
        Write the intent down and send.

        :param again: something of the kind may be at the vendor already, sent by this task
        :param sends: how often this attempt has sent before
        """
        doubted, before = self.in_doubt, self._ledger.record
        self.permit()
        if record.intended_at == 0 and record.baseline is None:
            record = replace(record, baseline=self._effect.baseline())
            self.permit()
        record = self._intend_to_send(record, doubted=doubted)
        log.info("Sending %s (mark %s)", self._effect.subject, record.mark)
        try:
            self.permit()
            id = self._effect.submit(record, again=again)
        except OutcomeUnknown as lost:
            metrics.LOST_ANSWERS.count(vendor=self._vendor)
            log.warning("%s: %s. Finding out what became of it", self._effect.subject, lost)
            return self._resolve(self._ledger.lose(record), lost, sends=sends + 1)
        except WorkflowError as error:
            if not doubted:
                self._ledger.take_back(before)
                raise
            return self._refused(record, error)
        metrics.SUBMITTED.count(vendor=self._vendor)
        return self._accept(record, id)

    def _intend_to_send(self, record: Record, *, doubted: bool) -> Record:
        """
        Write down what is about to be sent.

        :raises LostTrack: the store did not take it, and an earlier sending is in doubt
        """
        try:
            return self._ledger.write(self._as_sent(record))
        except Exception as error:
            if not doubted:
                raise
            raise self._lost_track(
                f"{self._effect.subject}: Airflow's state store did not answer ({type(error).__name__}), so "
                f"that nothing is sent. {wording.search(self._effect, record)}"
            ) from error

    def _as_sent(self, record: Record) -> Record:
        """Return the intent to send what is wanted now."""
        return replace(
            record,
            subject=self._effect.subject,
            payload=fingerprint(self._effect.payload, mark=record.mark),
            target=self._target(record.mark),
            place=place_of(self._effect, record.mark),
            intended_at=record.intended_at or time.time(),
            lost_at=None,
        )

    def _refused(self, record: Record, error: WorkflowError) -> Any:
        """
        Bear a refusal, or that nothing was sent, while an earlier sending is in doubt.

        The intent stays, and the refusal may even come of its success.
        """
        if isinstance(error, PermanentError):
            trace = self._inquiry.look(record)
            if isinstance(trace, Found):
                metrics.FOUND.count(vendor=self._vendor)
                log.warning(
                    "%s, id %s, was done before, and so refused: %s", self._effect.subject, trace.id, error
                )
                return self._accept(record, trace.id)
        doubt = f"An earlier request for it may have taken effect. {wording.search(self._effect, record)}"
        raise error.retold(f"{error.message}. {doubt}") from None

    def _accept(self, record: Record, id: Any) -> Any:
        # Logged before it is stored: if the process dies in between, a person still finds the id.
        log.info("Done: %s, id %s", self._effect.subject, id)
        return self._ledger.keep(record.accept(id, at=time.time())).id

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
                metrics.FOUND.count(vendor=self._vendor)
                log.warning(
                    "Found %s, id %s, whose answer was lost; nothing is sent again",
                    self._effect.subject,
                    trace.id,
                )
                return self._accept(record, trace.id)
            case Action.START if sends < SENDS and self._has_time(record, trace):
                return self._send_again(record, trace, sends=sends)
        if isinstance(trace, Absent):
            raise self._lost_track(f"{self._effect.subject}: sent {sends} times, and {trace.why}") from lost
        raise self._inquiry.doubt(record, trace, lost)

    def _has_time(self, record: Record, trace: Trace) -> bool:
        """Whether a doubt may still be sent again; of what is absent there is none."""
        return isinstance(trace, Absent) or self._inquiry.settles_at(record) < self._deadline

    def _send_again(self, record: Record, trace: Trace, *, sends: int) -> Any:
        if isinstance(trace, Absent):
            why = trace.why
        else:
            why = "on_lost_answer is 'resubmit'; it may be there twice then"
            # A vendor that has just lost an answer may be down; to send at once would only double the doubt.
            time.sleep(max(0.0, self._inquiry.settles_at(record) - time.time()))
        reason = "absent" if isinstance(trace, Absent) else "resubmit"
        metrics.SENT_AGAIN.count(vendor=self._vendor, reason=reason)
        log.warning("Sending %s again: %s", self._effect.subject, why)
        return self._send(record, again=True, sends=sends)

    def _target(self, mark: str) -> str:
        """Return a fingerprint of what is wanted where; what a record of another one names is not this."""
        return fingerprint([self._where, self._effect.subject], mark=mark)
