"""Finding out at the vendor what a request whose answer is lost has come to."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from airflow_provider_workflows.base.decision import CannotKnow, Found, Trace
from airflow_provider_workflows.base.record import KEY, Record
from airflow_provider_workflows.protocol.errors import (
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    TemporaryError,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.base.effect import Effect

log = logging.getLogger(__name__)

#: Seconds between the first two looks; doubles each time.
FIRST_PAUSE = 1.0
#: How a person goes on after a doubt.
ADVICE = (
    f'If it is there, write its id as "id" into the record {KEY!r} of this task\'s state store and clear the '
    "task, or mark it as a success; if it is not, delete the record and clear the task. With "
    "on_lost_answer='resubmit' a task sends again by itself"
)


class Inquiry:
    """
    Looks for what an intent may have come to.

    :param effect: knows how to look
    :param settle: seconds after the last moment at which a request may have been under way until what the
        vendor does not show counts as never arrived
    :param deadline: Unix time at which the vendor is asked for the last time
    """

    def __init__(self, effect: Effect, *, settle: float, deadline: float) -> None:
        self._effect = effect
        self._settle = settle
        self._deadline = deadline

    def trace(self, record: Record) -> Trace:
        """
        Look at least twice, until the vendor shows it or ``settle`` is over.

        :raises LostTrack: the vendor did not answer at the end
        """
        # An attempt that was killed may have been sending up to the moment in which this one began.
        settled = (record.lost_at or time.time()) + self._settle
        last = min(settled, self._deadline)
        trace, pause = self.look(record, bearing=True), FIRST_PAUSE
        while not _is_settled(trace):
            final = time.time() + pause >= last
            time.sleep(max(0.0, last - time.time() if final else pause))
            trace, pause = self.look(record, bearing=not final), 2 * pause
            if final:
                break
        if last < settled and not _is_settled(trace):
            return CannotKnow(
                f"the task's time is over before the {self._settle:.0f} s that it takes to be sure"
            )
        return trace

    def look(self, record: Record, *, bearing: bool = False) -> Trace:
        """
        Look once.

        :param bearing: bear it if the vendor does not answer
        :raises LostTrack: the vendor did not answer
        """
        try:
            return self._effect.look_up(record)
        except TemporaryError as error:
            if bearing:
                log.warning("No answer yet about what became of %s: %s", self._effect.subject, error)
                return CannotKnow(error.message, may_change=True)
            raise LostTrack(
                f"{self._effect.subject}: the answer is lost, and the vendor does not answer when asked what "
                f"became of it. Nothing is sent; a retry asks again. {self.search(record)} "
                f"Last failure: {error.message}"
            ) from None
        except PermanentError as error:
            return CannotKnow(error.message)

    def doubt(self, record: Record, trace: Trace, lost: OutcomeUnknown | None) -> OutcomeUnknown:
        """
        Return the error that leaves the doubt to a person.

        :param lost: how this attempt lost the answer, if it was this one
        """
        why = trace.why if isinstance(trace, CannotKnow) else "what the vendor shows proves neither"
        facts = {} if lost is None else {name: getattr(lost, name) for name in WorkflowError.facts}
        cause = "an earlier attempt broke off" if lost is None else lost.message
        return OutcomeUnknown(
            f"{self._effect.subject}: whether it happened is not known ({cause}), because {why}. Nothing is "
            f"sent again. {self.search(record)} {ADVICE}",
            **facts,
        )

    def search(self, record: Record) -> str:
        """Return what a person looks for at the vendor, in a sentence."""
        date = datetime.fromtimestamp(record.intended_at, tz=UTC)
        when = f"of about {date:%Y-%m-%d %H:%M:%S} UTC" if record.intended_at else "of an earlier attempt"
        mark = f" with the mark {record.mark!r}" if self._effect.carries_mark else ""
        return f"Look at the vendor for {self._effect.hint or 'it'} {when}{mark}."


def _is_settled(trace: Trace) -> bool:
    """Whether no later look can show anything else."""
    return isinstance(trace, Found) or (isinstance(trace, CannotKnow) and not trace.may_change)
