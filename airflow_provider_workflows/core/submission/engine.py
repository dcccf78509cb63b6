"""
Doing something exactly once: a generator that yields steps and receives their answers.

It saves the intent before the request and the vendor's id after it, because the process may die between any
two steps. The first steps of an attempt are in :mod:`~airflow_provider_workflows.core.submission.decision`.
The engine never sees a request. A runner carries out its steps with a hook and a store, in a worker or on an
event loop (:mod:`~airflow_provider_workflows.core.submission.runner`); a test does so by hand.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from airflow_provider_workflows.core.protocol.operation import Sleep
from airflow_provider_workflows.core.submission.effect import (
    AnyEffect,
    Found,
    NotSent,
    Read,
    Save,
    Send,
    Steps,
    Unknown,
)
from airflow_provider_workflows.core.submission.look_up import LookUp
from airflow_provider_workflows.core.submission.record import Answer, Record, StoreFailed, fingerprint
from airflow_provider_workflows.core.submission.terms import Clock, Gate, Terms
from airflow_provider_workflows.exceptions import OutcomeUnknown, PermanentError, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.messages import Messages

#: Seconds before each further try to save an id. After the last one, the attempt fails with the id.
STORE_PAUSES = (1.0, 2.0, 3.0)
#: How often an attempt saves its intent again if the request did not begin in time.
RENEWALS = 3


@dataclass(frozen=True)
class Outcome:
    """
    The result of an attempt.

    :param id: the vendor's id, or what the move returned
    :param how: ``sent``; or ``found`` after the answer was lost; or already ``there``, so that nothing was
        sent
    """

    id: object
    how: Literal["sent", "found", "there"]


class Engine:
    """
    One attempt at one effect.

    :param effect: what must happen
    :param terms: what the user wants, and how long the attempt may take
    :param messages: log lines and errors
    :param new: the record of a request that was never sent
    :param where: the vendor's server and account
    """

    def __init__(
        self,
        effect: AnyEffect,
        terms: Terms,
        messages: Messages,
        *,
        new: Record,
        clock: Clock,
        where: str = "",
    ) -> None:
        self.effect = effect
        self.terms = terms
        self.messages = messages
        self.clock = clock
        self._where = where
        self.new = new
        self.new = self.described(new)
        self.gate = Gate(terms, clock, subject=effect.subject)
        self.look_up = LookUp(effect, terms, messages, clock=clock, gate=self.gate)
        #: What the store contained before the intent.
        self._kept: Record | None = None
        #: Whether the outcome of an earlier request is unknown.
        self._doubted = False
        #: Whether this task may have sent such a request before.
        self._again = False
        #: How this attempt lost an answer, and how often.
        self._lost: OutcomeUnknown | None = None
        self._sends = 0
        self._renewals = 0
        #: What a person says of an earlier request in doubt.
        self.answer: Answer | None = None
        #: Whether a person may be asked about a doubt.
        self.may_ask = terms.policy.on_lost_answer == "ask"
        #: Monotonic time after which a request that the vendor does not show has never arrived.
        self._settled = 0.0

    def deliver(
        self,
        record: Record,
        *,
        kept: Record | None,
        doubted: bool = False,
        again: bool = False,
        look: bool = False,
    ) -> Steps[Outcome]:
        """
        Send, and send again as long as that is safe or the user wants it.

        :param kept: what the store contains
        :param doubted: whether the outcome of an earlier request is unknown
        :param again: whether this task may have sent such a request before
        :param look: whether to look up the earlier request first
        """
        self._kept, self._doubted, self._again = kept, doubted, again
        self._settled = self.clock.monotonic() + self.terms.settle
        while True:
            if look:
                result = yield from self.look_up.after(record, settled=self._settled)
                if isinstance(result, Found):
                    self.messages.found(result.id)
                    return (yield from self.accept(record, result.id, "found"))
                yield from self._allow_again(record, result)
            record = yield from self._intend(record)
            outcome = yield from self._send(record)
            if isinstance(outcome, Outcome):
                return outcome
            record, look = outcome, self._doubted

    def _intend(self, record: Record) -> Steps[Record]:
        """
        Save the intent.

        :raises LostTrack: the store did not save it, and the outcome of an earlier request is unknown
        """
        self.gate.check_time()
        if self.effect.reads_baseline and record.intended_at == 0 and record.baseline is None:
            record = replace(record, baseline=(yield Read()))
        self.gate.arm()
        record = replace(
            self.described(record),
            generation=self.new.generation,
            intended_at=record.intended_at or self.clock.time(),
            lost_at=None,
        )
        try:
            yield Save(record)
        except StoreFailed as failed:
            raise self._not_written(record, failed) from failed.error
        return record

    def _not_written(self, record: Record, failed: StoreFailed) -> Exception:
        """Return the error for an intent that the store did not save."""
        return self.messages.not_written(record, failed.error) if self._doubted else failed

    def described(self, record: Record) -> Record:
        """Return a record with the fingerprints of this effect and of the vendor's account."""
        effect, mark = self.effect, record.mark
        if record is self.new and record.payload:  # it has them; hashing takes time
            return record
        return replace(
            record,
            subject=effect.subject,
            payload=fingerprint(effect.payload, mark=mark),
            target=fingerprint([self._where, effect.subject], mark=mark),
            mark_place=fingerprint([effect.subject, effect.mark_place], mark=mark)
            if effect.carries_mark
            else "",
        )

    def _send(self, record: Record) -> Steps[Outcome | Record]:
        """Send once; return the outcome, or the record to go on with."""
        if self._renewals and (found := (yield from self._look_before_resending(record))) is not None:
            return found
        try:
            id = yield Send(record, self._again)
        except OutcomeUnknown as lost:
            return (yield from self._lose(record, lost))
        except StoreFailed as failed:
            raise self._not_written(record, failed) from failed.error
        except WorkflowError as error:
            return (yield from (self._renew(record) if self.gate.expired else self._refused(record, error)))
        return (yield from self.accept(record, id, "sent"))

    def _renew(self, record: Record) -> Steps[Outcome | Record]:
        """
        Go on with an intent that has become too old to send its request.

        If the store saves it again, no newer attempt has begun, and only an earlier doubt has to settle.
        Without such a store, a newer attempt may be about to send the request, too. So it is left to that one
        or to a retry, unless the vendor shows it. A callback has no attempts: it looks once more, and sends.
        """
        self._renewals += 1
        if self._renewals > RENEWALS or not (self.terms.fenced or self.terms.hurried):
            found = (yield from self._look_before_resending(record)) if self.effect.carries_mark else None
            return found or (yield from self._refused(record, self.messages.not_begun()))
        self.messages.expired()
        self._settled = self.clock.monotonic() + self.terms.settle
        return record

    def _look_before_resending(self, record: Record) -> Steps[Outcome | None]:
        """Look up once whether another attempt has sent the request since the intent was first saved."""
        result = yield from self.look_up.once(record, tolerant=True)
        if isinstance(result, Found):
            self.messages.found(result.id)
            return (yield from self.accept(record, result.id, "found"))
        if isinstance(result, Unknown) and result.forbids is not None:
            raise self.messages.refused_in_doubt(record, result.forbids)
        return None

    def _lose(self, record: Record, lost: OutcomeUnknown) -> Steps[Record]:
        """Save that the answer was lost, and what it did tell."""
        self.messages.lost(lost)
        self._lost, self._doubted = lost, True
        self._sends += 1
        self._settled = self.clock.monotonic() + self.terms.settle
        note = record.note if lost.note is None else lost.note
        record = replace(record, lost_at=self.clock.time(), note=note)
        try:
            yield Save(record)
        except StoreFailed as failed:
            self.messages.not_noted(failed.error)
        return record

    def _refused(self, record: Record, error: WorkflowError) -> Steps[Outcome]:
        """
        Handle a refusal, or that nothing was sent.

        While the outcome of an earlier request is unknown, the intent stays. The vendor may even refuse this
        request because the earlier one succeeded.
        """
        if not self._doubted:
            yield from self._take_back()
            raise error
        if isinstance(error, PermanentError):
            result = yield from self.look_up.once(record)
            if isinstance(result, Found):
                self.messages.found_refused(result.id, error)
                return (yield from self.accept(record, result.id, "found"))
        raise self.messages.refused_in_doubt(record, error) from None

    def _take_back(self) -> Steps[None]:
        """Restore what the store contained before an intent that certainly had no effect."""
        try:
            yield Save(self._kept)
        except StoreFailed as failed:
            # The vendor's error is more useful than the store's. The next attempt settles what stays open.
            self.messages.not_taken_back(failed.error)

    def accept(self, record: Record, id: object, how: Literal["sent", "found", "there"]) -> Steps[Outcome]:
        """
        Save an id that the vendor just returned.

        :raises OutcomeUnknown: the store does not save it; the message has the id
        """
        done = replace(record.accept(id, at=self.clock.time()), generation=self.new.generation)
        self.messages.done(id, how)
        for pause in (*STORE_PAUSES, None):
            try:
                yield Save(done)
                return Outcome(id, how)
            except StoreFailed as failed:
                if pause is None:
                    raise self.messages.not_kept(done, failed.error) from failed.error
            yield Sleep(pause)
        raise AssertionError("the last pass of the loop returns or raises")

    def _allow_again(self, record: Record, result: NotSent | Unknown) -> Steps[None]:
        """
        Check that a request may be sent again, and wait until it may.

        :raises OutcomeUnknown: sending again may not be safe, and the user does not want it
        :raises LostTrack: the request was sent often enough
        """
        wanted = self.terms.policy.allows_again(result) and self._sends < self.terms.sends
        if isinstance(result, NotSent):
            if not wanted:
                raise self.messages.sent_in_vain(self._sends, result.why) from self._lost
        elif not wanted or not self._settles_in_time():
            if self.may_ask:
                yield from self._settle()
            raise self._doubt(record, result)
        else:
            # The vendor may be down after a lost answer; a request sent at once could get lost as well.
            yield Sleep(max(0.0, self._settled - self.clock.monotonic()))
            self.gate.look()  # what it rests on is that wait, not a look-up
        self.messages.sending_again(result)
        self._again = True

    def _doubt(self, record: Record, result: Unknown) -> WorkflowError:
        if result.forbids is not None and self.terms.policy.on_lost_answer == "resubmit":
            return self.messages.refused_in_doubt(record, result.forbids)
        return self.messages.doubt(record, result.why, self._lost)

    def _settle(self) -> Steps[None]:
        """Wait until what a person then does not see at the vendor has never arrived."""
        left = min(self._settled - self.clock.monotonic(), self.terms.deadline - self.clock.time())
        if left > 0:
            self.messages.settling(left)
            yield Sleep(left)

    def _settles_in_time(self) -> bool:
        """Whether the request settles before the deadline."""
        to_wait = max(0.0, self._settled - self.clock.monotonic())
        return to_wait < self.terms.deadline - self.clock.time()
