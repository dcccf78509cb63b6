"""
What a callback wants to have happened once at a vendor: looked for, sent once, and never sent on doubt.

A callback has no memory from one run of it to the next, so the mark follows from what the callback is about,
and the vendor is asked for it before anything is sent. Everything here is one operation, so that a worker and
an event loop do the same.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from airflow_provider_workflows.base.decision import CannotKnow, Found, Trace
from airflow_provider_workflows.base.record import Record
from airflow_provider_workflows.base.wording import whereabouts
from airflow_provider_workflows.protocol.errors import LostTrack, OutcomeUnknown, WorkflowError
from airflow_provider_workflows.protocol.message import ExchangeFailed
from airflow_provider_workflows.protocol.operation import Operation, Sleep

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds from the beginning in which a refused or failed request may still be repeated. Airflow ends a
#: task's process 20 s after the task (``[core] task_success_overtime``), and a DAG file's after 50 s
#: (``[dag_processor] dag_file_processor_timeout``), in the midst of a callback or not.
REPEATS = 10.0
#: Seconds that one look at the vendor may take in all.
LONGEST_LOOK = 10.0
#: Seconds before each further look, before anything is sent, if the vendor promises to show more.
PAUSES_BEFORE = (1.0, 2.0)
#: Seconds before each look for what was sent and not answered.
PAUSES_AFTER = (1.0, 2.0, 4.0)


class Sendable(Protocol):
    """
    What a vendor's room supplies: words for it, the operation that sends it, and the one that looks for it.

    The attributes are those of :class:`~airflow_provider_workflows.base.effect.Effect`.
    """

    subject: str
    hint: str
    carries_mark: bool

    def sending(self, api: Any, record: Record) -> Operation[Any]:
        """
        Send the once-only request, and return what the vendor calls it; None if it says nothing.

        :raises OutcomeUnknown: it was sent and its answer is lost
        :raises WorkflowError: it was refused, or never sent
        """

    def searching(self, api: Any, record: Record) -> Operation[Trace]:
        """
        Look at the vendor, without an effect, for what carries the record's mark.

        :raises WorkflowError: the vendor did not answer
        """


@dataclass(frozen=True)
class Sent:
    """
    What became of a notice.

    :param id: what the vendor calls it; None if it does not say
    :param before: it was there already, and nothing was sent
    :param lost: it was sent, its answer was lost, and it was found
    """

    id: Any
    before: bool = False
    lost: bool = False


class Notice:
    """
    One thing to be sent, and how far it has come.

    :param thing: what is sent
    :param record: its mark
    :param about: what it is about, in words
    """

    def __init__(self, thing: Sendable, record: Record, *, about: str) -> None:
        self._thing = thing
        self._record = replace(record, subject=thing.subject, baseline={})
        self._about = about

    @property
    def title(self) -> str:
        """What it is and what about, for a person."""
        return f"{self._thing.subject}, for {self._about}"

    @property
    def begun(self) -> bool:
        """Whether it may have been sent."""
        return self._record.intended_at > 0

    @property
    def _marked(self) -> str:
        return f" (mark {self._record.mark})" if self._thing.carries_mark else ""

    @property
    def whereabouts(self) -> str:
        """What a person looks for at the vendor, in a sentence."""
        return whereabouts(self._thing.hint, self._record, marked=self._thing.carries_mark)

    def send(self, api: Any) -> Operation[Sent]:
        """
        Send it, unless the vendor shows its mark.

        :raises OutcomeUnknown: it may have been sent, and the vendor does not show it
        :raises WorkflowError: it was not sent
        """
        if self._thing.carries_mark and (found := (yield from self._sent_before(api))) is not None:
            return Sent(found.id, before=True)
        self._record = replace(self._record, intended_at=time.time())
        # Logged before it is sent: if the process is ended in the midst of it, a person knows what to look
        # for.
        log.info("Sending %s%s", self.title, self._marked)
        try:
            return Sent((yield from self._thing.sending(api, self._record)))
        except OutcomeUnknown as lost:
            log.warning("%s", lost)
            return Sent((yield from self._recover(api, lost)), lost=True)

    def _sent_before(self, api: Any) -> Operation[Found | None]:
        """
        Look for what an earlier run of the callback may have sent.

        :raises WorkflowError: the vendor did not answer
        """
        trace = yield from self._look_in_time(api)
        for pause in PAUSES_BEFORE:
            if not (isinstance(trace, CannotKnow) and trace.may_change):
                break
            yield Sleep(pause)
            trace = yield from self._look_in_time(api)
        if isinstance(trace, CannotKnow):
            # Callbacks seldom run twice. To send nothing whenever the vendor shows what may be somebody
            # else's, or so much that a callback cannot read it all, would nearly always be to notify nobody.
            log.warning("Whether an earlier run of this callback has sent it is not sure: %s", trace.why)
        return trace if isinstance(trace, Found) else None

    def _recover(self, api: Any, lost: OutcomeUnknown) -> Operation[Any]:
        """
        Look a few times for what was not answered, and return its id.

        What does not appear may still be under way, for longer than a callback may wait. So it stays a
        doubt, and a doubt is never sent again.

        :raises OutcomeUnknown: it has not appeared
        """
        why = ""
        # What has no mark cannot be found; one look then only tells more to a person.
        for pause in PAUSES_AFTER if self._thing.carries_mark else (0.0,):
            yield Sleep(pause)
            try:
                trace = yield from self._look(api)
            except WorkflowError as error:
                why = error.message
                continue
            if isinstance(trace, Found):
                return trace.id
            why = trace.why if isinstance(trace, CannotKnow) else "the vendor does not show it so far"
            if isinstance(trace, CannotKnow) and not trace.may_change:
                break
        raise lost.retold(f"{lost.message}, and {why}")

    def _look_in_time(self, api: Any) -> Operation[Trace]:
        """Look, and bear it if there is more to ask than a callback has time for."""
        until = time.monotonic() + LONGEST_LOOK
        try:
            return (yield from self._look(api, until=until))
        except LostTrack as late:
            if time.monotonic() <= until:
                raise
            return CannotKnow(late.message)

    def _look(self, api: Any, *, until: float | None = None) -> Operation[Trace]:
        operation = self._thing.searching(api, self._record)
        return (yield from hurried(operation, until=until or time.monotonic() + LONGEST_LOOK))


def hurried(operation: Operation[T], *, until: float) -> Operation[T]:
    """
    Run an operation that asks for nothing after a date.

    :param until: reading of :func:`time.monotonic`
    :returns: its result; that of what it had seen by then, if it makes one of it
    :raises LostTrack: it was not at its end by then
    """
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = operation.send(answer) if failure is None else operation.throw(failure)
        except StopIteration as end:
            result: T = end.value
            return result
        if time.monotonic() > until:
            return _cut_off(operation)
        answer = failure = None
        try:
            answer = yield step
        except (WorkflowError, ExchangeFailed) as raised:
            failure = raised


def _cut_off(operation: Operation[T]) -> T:
    late = LostTrack("The look for it takes longer than a callback may last")
    try:
        operation.throw(late)
    except StopIteration as end:
        result: T = end.value
        return result
    operation.close()
    raise late


class Account:
    """
    Tells the log what becomes of a notice, in words for the night shift, whatever way it ends.

    :param title: what to call it until it is known what is sent
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._notice: Notice | None = None

    def open(self, notice: Notice) -> Notice:
        """Begin the account of a notice."""
        self._notice, self._title = notice, notice.title
        return notice

    def close(self, sent: Sent) -> None:
        """Tell how it ended well."""
        id = "" if sent.id is None else f", id {sent.id}"
        if sent.before:
            log.info("Sent before: %s%s; nothing is sent now", self._title, id)
        elif sent.lost:
            log.warning("Sent: %s%s; its answer was lost, and it was found by its mark", self._title, id)
        else:
            log.info("Sent: %s%s", self._title, id)

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """
        Tell how it ended badly, and let the error go on.

        Airflow logs what a callback raises and goes on: it changes neither the task nor its error.

        :raises OutcomeUnknown: it may have been sent
        :raises WorkflowError: it was not sent
        """
        try:
            yield
        except WorkflowError as error:
            told = error.retold(self._told(error.message, doubt=isinstance(error, OutcomeUnknown)))
            log.error("%s", told)
            raise told from None
        except BaseException as error:
            # Not of ours, such as a connection that does not exist, or the end of the process.
            text = f"{type(error).__name__}: {error}"
            log.error("%s", self._told(text, doubt=self._notice is not None and self._notice.begun))
            raise

    def _told(self, what: str, *, doubt: bool) -> str:
        if not doubt or self._notice is None:
            return f"Not sent: {self._title}. {what}"
        return (
            f"May have been sent: {self._title}. {what}. It is not sent again. {self._notice.whereabouts} "
            "If it is not there, nobody was notified"
        )
