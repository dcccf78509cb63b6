"""Finding out at the vendor what a request whose answer is lost has come to."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.record import KEY, Record, fingerprint, read_record
from airflow_provider_workflows.base.state import TaskState
from airflow_provider_workflows.base.wording import ADVICE, doubt, lost_track, moment, search
from airflow_provider_workflows.protocol.errors import (
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
#: Seconds for which more looks follow, and between them, if the vendor promises to show more.
LINGER = 30.0
LINGER_PAUSE = 3.0


class Inquiry:
    """
    Looks for what an intent may have come to.

    :param effect: knows how to look
    :param settle: seconds after the last moment at which a request may have been under way until what the
        vendor does not show counts as never arrived
    :param deadline: Unix time at which the vendor is asked for the last time
    :param lost_track: makes the error for what only a later look can tell, of what is to be said
    :param advice: how a person goes on after a doubt
    """

    def __init__(
        self,
        effect: Effect,
        *,
        settle: float,
        deadline: float,
        lost_track: Callable[[str], WorkflowError] = lost_track,
        advice: str = ADVICE,
    ) -> None:
        self._effect = effect
        self._settle = settle
        self._deadline = deadline
        self._lost_track = lost_track
        self._advice = advice

    def trace(self, record: Record) -> Trace:
        """
        Look at least twice, until the vendor shows it or ``settle`` is over.

        :raises LostTrack: the vendor did not answer at the end
        """
        settled = self.settles_at(record)
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
        return self._linger(record, trace)

    def settles_at(self, record: Record) -> float:
        """Return the Unix time from which on what the vendor does not show has never arrived."""
        # An attempt that was killed may have been sending up to the moment in which this one began; and a
        # date that is still to come was written by a machine whose clock differs.
        now = time.time()
        return min(record.lost_at or now, now) + self._settle

    def _linger(self, record: Record, trace: Trace) -> Trace:
        """
        Look a few times more as long as the vendor promises to show more.

        What hides it at one moment is often another task's run that has just begun; it shows itself soon.
        """
        until = min(time.time() + LINGER, self._deadline)
        while isinstance(trace, CannotKnow) and trace.may_change and time.time() < until:
            time.sleep(min(LINGER_PAUSE, until - time.time()))
            trace = self.look(record)
        return trace

    def look(self, record: Record, *, bearing: bool = False) -> Trace:
        """
        Look once.

        :param bearing: bear it if the vendor does not answer, or refuses to: a gateway does so, too, while
            the vendor behind it is away
        :raises LostTrack: the vendor did not answer
        """
        try:
            trace = self._effect.look_up(record)
            # Whoever looks where the mark was not put misses what is there.
            if isinstance(trace, Absent) and not self._looks_in_place(record):
                why = "what was sent did not carry its mark where it is looked for now"
                return CannotKnow(why, may_change=True)
            return trace
        except TemporaryError as error:
            if bearing:
                log.warning(
                    "No answer yet about what became of %s, asking again: %s", self._effect.subject, error
                )
                return CannotKnow(error.message, may_change=True)
            raise self._lost_track(
                f"{self._effect.subject}: the answer is lost, and the vendor does not answer when asked what "
                f"became of it. Nothing is sent. {search(self._effect, record)} Last failure: {error.message}"
            ) from None
        except PermanentError as error:
            return CannotKnow(error.message, may_change=bearing)

    def _looks_in_place(self, record: Record) -> bool:
        place = place_of(self._effect, record.mark)
        return not place or record.place == place

    def doubt(self, record: Record, trace: Trace, lost: OutcomeUnknown | None) -> WorkflowError:
        """
        Return the error that leaves the doubt to a person.

        :param lost: how this attempt lost the answer, if it was this one
        """
        why = trace.why if isinstance(trace, CannotKnow) else "what the vendor shows proves neither"
        return doubt(self._effect, record, lost, why=why, advice=self._advice)


def open_doubt(context: Mapping[str, Any]) -> str | None:
    """Return what an earlier attempt has left open, in words; None if nothing, or if it cannot be read."""
    try:
        found = TaskState(context).load(KEY)
        record = None if found is None else read_record(found)
    except Exception:
        return None  # the submission itself says so where it matters
    if record is None or record.id is not None:
        return None
    when = moment(record)
    subject = record.subject or "a request"
    return (
        f"Open since an earlier attempt: {subject} {when}, mark {record.mark!r}. Before anything is sent, "
        "the vendor is asked what became of it"
    )


def place_of(effect: Effect, mark: str) -> str:
    """Return a fingerprint of where an effect puts its mark, and so looks for it; empty if it has none."""
    return fingerprint([effect.subject, effect.hint], mark=mark) if effect.carries_mark else ""


def _is_settled(trace: Trace) -> bool:
    """Whether no later look can show anything else."""
    return isinstance(trace, Found) or (isinstance(trace, CannotKnow) and not trace.may_change)
