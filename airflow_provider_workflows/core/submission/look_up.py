"""Looking up at the vendor whether a request whose answer was lost had its effect."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.protocol.message import ExchangeFailed
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.submission.effect import (
    AnyEffect,
    Found,
    Look,
    LookupResult,
    NotSent,
    Steps,
    Unknown,
)
from airflow_provider_workflows.core.submission.record import Record, fingerprint
from airflow_provider_workflows.core.submission.terms import Clock, Gate, Terms
from airflow_provider_workflows.exceptions import (
    MESSAGE_LIMIT,
    LostTrack,
    PermanentError,
    TemporaryError,
    WorkflowError,
    printable,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.messages import Messages

#: Characters of one answer that a record keeps. Airflow warns of a record above 64 KB.
MOST_KEPT = 20_000
#: Seconds between the first two looks; doubles each time.
FIRST_PAUSE = 1.0
#: Seconds for which looking goes on, and between two looks, as long as a later look may show more.
LINGER = 30.0
LINGER_PAUSE = 3.0


class LookUp:
    """
    Looks up whether a request had its effect.

    :param effect: has the operation that looks
    :param gate: told of each look
    """

    def __init__(
        self, effect: AnyEffect, terms: Terms, messages: Messages, *, clock: Clock, gate: Gate
    ) -> None:
        self._gate = gate
        self._effect = effect
        self._terms = terms
        self._messages = messages
        self._clock = clock

    def before(self, record: Record) -> Steps[LookupResult]:
        """Look for what an earlier attempt without a record may have sent."""
        result = yield from self._look_at_first(record)
        for pause in self._terms.pauses_before:
            if not (isinstance(result, Unknown) and result.may_change):
                break
            yield Sleep(pause)
            result = yield from self._look_at_first(record)
        if isinstance(result, Unknown) and self._terms.hurried:
            self._messages.unsure(result.why)
        return result

    def _look_at_first(self, record: Record) -> Steps[LookupResult]:
        try:
            result = yield from self._look(record)
        except PermanentError as error:
            if self._terms.hurried:
                raise
            self._messages.unsure(error.message)
            return Unknown(error.message)
        return result

    def _look(self, record: Record) -> Steps[LookupResult]:
        self._gate.look()
        result: LookupResult = yield Look(record)
        match result:
            case Found(id):
                return Found(hand_over(id, f"The id of {self._effect.subject}", most=MOST_KEPT))
            case NotSent(why):
                return NotSent(printable(why[:MESSAGE_LIMIT]))
            case Unknown(why):
                return replace(result, why=printable(why[:MESSAGE_LIMIT]))

    def after(self, record: Record, *, settled: float) -> Steps[LookupResult]:
        """
        Look at least twice, until the vendor shows the effect or the request has settled.

        :param settled: monotonic time after which a request that the vendor does not show has never arrived
        :raises LostTrack: the vendor did not answer the last look
        """
        if self._terms.hurried:
            return (yield from self._in_a_hurry(record))
        end = min(settled, self._clock.monotonic() + self._time_left())
        result, pause = (yield from self.once(record, tolerant=True)), FIRST_PAUSE
        while not _is_final(result):
            left = end - self._clock.monotonic()
            last = pause >= left
            yield Sleep(max(0.0, left) if last else pause)
            result, pause = (yield from self.once(record, tolerant=not last)), 2 * pause
            if last:
                break
        if end < settled and not _is_final(result):
            return Unknown(
                f"the request may still arrive within {self._terms.settle:.0f} s, and the task's timeout "
                "passes sooner"
            )
        return (yield from self._linger(record, result))

    def _linger(self, record: Record, result: LookupResult) -> Steps[LookupResult]:
        """
        Look a few more times as long as a later look may show more.

        Often another task's run that has just begun hides the effect for a short time.
        """
        until = self._clock.monotonic() + min(LINGER, self._time_left())
        while isinstance(result, Unknown) and result.may_change and self._clock.monotonic() < until:
            yield Sleep(min(LINGER_PAUSE, until - self._clock.monotonic()))
            result = yield from self.once(record)
        return result

    def _in_a_hurry(self, record: Record) -> Steps[LookupResult]:
        """
        Look a few times; if the effect does not appear, the request may still be under way.

        Without a mark nothing can be found; then one look is enough to tell a person more.
        """
        result: LookupResult = Unknown("")
        for pause in self._terms.pauses_after if self._effect.carries_mark else (0.0,):
            yield Sleep(pause)
            try:
                result = yield from self._look(record)
            except WorkflowError as error:
                result = Unknown(error.message, may_change=True)
            if isinstance(result, NotSent):
                result = Unknown("the vendor does not show it yet", may_change=True)
            if _is_final(result):
                break
        return result

    def once(self, record: Record, *, tolerant: bool = False) -> Steps[LookupResult]:
        """
        Look once.

        :param tolerant: go on if the vendor does not answer, or refuses to; a gateway may refuse, too, while
            the vendor behind it is down
        :raises LostTrack: the vendor did not answer
        """
        try:
            result = yield from self._look(record)
        except TemporaryError as error:
            if not tolerant:
                raise self._messages.silent(record, error) from None
            self._messages.unanswered(error)
            return Unknown(error.message, may_change=True)
        except PermanentError as error:
            return Unknown(error.message, may_change=tolerant)
        # A look at another place than that of the mark misses the effect.
        if isinstance(result, NotSent) and not self._is_in_place(record):
            why = "this task looks for the mark in another place than where the earlier request put it"
            return Unknown(why, may_change=True)
        return result

    def _is_in_place(self, record: Record) -> bool:
        effect = self._effect
        return not effect.carries_mark or record.mark_place == fingerprint(
            [effect.subject, effect.mark_place], mark=record.mark
        )

    def _time_left(self) -> float:
        return self._terms.deadline - self._clock.time()


def _is_final(result: LookupResult) -> bool:
    """Return whether no later look can show anything else."""
    return isinstance(result, Found) or (isinstance(result, Unknown) and not result.may_change)


def in_time(operation: Operation[LookupResult], *, seconds: float, clock: Clock) -> Operation[LookupResult]:
    """
    Run a look-up that asks for nothing after a time.

    :returns: its result; that of what it had seen by then, if it makes one of it
    """
    until = clock.monotonic() + seconds
    answer: object = None
    failure: Exception | None = None
    while True:
        try:
            step = operation.send(answer) if failure is None else operation.throw(failure)
        except StopIteration as end:
            result: LookupResult = end.value
            return result
        if clock.monotonic() > until:
            return _cut_off(operation)
        answer = failure = None
        try:
            answer = yield step
        except (WorkflowError, ExchangeFailed) as raised:
            failure = raised


def _cut_off(operation: Operation[LookupResult]) -> LookupResult:
    late = LostTrack("the look-up takes longer than a callback may last")
    try:
        operation.throw(late)
    except StopIteration as end:
        result: LookupResult = end.value
        return result
    except LostTrack:
        return Unknown(late.message)
    operation.close()
    return Unknown(late.message)
