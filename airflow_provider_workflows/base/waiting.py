"""The pure step of waiting: what to do after a look, whoever looked."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields, replace
from typing import Any, TypeAlias

from airflow_provider_workflows.base.condition import Done, Pending
from airflow_provider_workflows.protocol.errors import (
    LostTrack,
    NotFound,
    RunTimedOut,
    TemporaryError,
    WorkflowError,
)

#: Seconds between the first looks.
FIRST_INTERVAL = 1.0
#: Part of the time waited so far that the next interval may take: the end is seen at most a tenth late.
GROWTH = 0.1
#: Part of an interval by which it is shortened or lengthened, so that waits that began together spread out.
JITTER = 0.1
#: Seconds for which a look is put off at the most if the vendor asks for it: a look has no effect, and who
#: mends what is wrong there should not have to restart anything here.
LONGEST_ASKED = 3600.0
#: How often, about, a wait looks in a silence before track is lost; less often if the vendor asks for pauses.
LOST_AFTER = 5


@dataclass(frozen=True, kw_only=True)
class WaitState:
    """
    How far a wait has come; JSON, kept in the state store between reschedules and in the trigger's row.

    :param started: Unix time of the first look
    :param deadline: Unix time after which the wait fails
    :param heard: Unix time of the last answer, or of the beginning
    :param silent_since: Unix time of the first look since then that had no answer
    :param known: whether the vendor has shown what is waited for before, or has accepted it
    :param next_look: Unix time before which there is nothing to do
    :param cap: seconds between two looks at the most
    :param tolerance: seconds without an answer after which track is lost; None to bear it until the deadline
    :param detail: where things stood at the last answer
    """

    started: float
    deadline: float
    heard: float
    next_look: float
    cap: float = 60.0
    tolerance: float | None = 600.0
    detail: str = ""
    silent_since: float | None = None
    known: bool = False

    @classmethod
    def begin(cls, *, now: float, timeout: float, cap: float, tolerance: float | None) -> WaitState:
        """Begin a wait of at most ``timeout`` seconds."""
        return cls(
            started=now, deadline=now + timeout, heard=now, next_look=now, cap=cap, tolerance=tolerance
        )

    def anew(self, *, now: float) -> WaitState:
        """Return the state of one who has not listened for a while, which is no silence of the vendor's."""
        return replace(self, heard=now, silent_since=None)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> WaitState:
        """Rebuild a state; what a newer version added is left out."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True)
class Wait:
    """Look again at ``state.next_look``."""

    state: WaitState


@dataclass(frozen=True)
class Failed:
    """The wait is over without what was waited for."""

    error: WorkflowError


Verdict: TypeAlias = Wait | Done | Failed


def advance(
    state: WaitState, outcome: Pending | Done | WorkflowError, *, now: float, subject: str, draw: float = 0.5
) -> Verdict:
    """
    Decide what follows from a look.

    :param now: Unix time
    :param subject: what is waited for, for messages
    :param draw: a number in [0, 1), for the jitter
    """
    match outcome:
        case Done():
            return outcome
        case Pending():
            state = replace(state, heard=now, silent_since=None, known=True, detail=outcome.detail)
            wish = None
        # A gateway, too, says that there is nothing, while the vendor behind it is away.
        case TemporaryError() | NotFound() if state.known or isinstance(outcome, TemporaryError):
            state = replace(state, silent_since=now if state.silent_since is None else state.silent_since)
            if _is_lost(state, now=now):
                return Failed(_lost(state, outcome, now=now, subject=subject))
            wish = outcome.retry_after
        case _:
            return Failed(outcome)
    if now >= state.deadline:
        return Failed(_timed_out(state, now=now, subject=subject))
    # The last look is at the deadline itself: the vendor is asked once more before the wait is given up.
    wish = min(wish or 0.0, LONGEST_ASKED)
    next_look = min(state.deadline, now + max(interval(state, now=now, draw=draw), wish))
    return Wait(replace(state, next_look=next_look))


def interval(state: WaitState, *, now: float, draw: float = 0.5) -> float:
    """
    Return the seconds until the next look: short at first, a tenth of the time waited later, up to the cap.

    In a silence a wait that looks seldom looks more often, lest two looks in a bad moment lose track.
    """
    wait = min(state.cap, max(FIRST_INTERVAL, GROWTH * (now - state.started)))
    if state.silent_since is not None and state.tolerance is not None:
        wait = min(wait, max(FIRST_INTERVAL, state.tolerance / LOST_AFTER))
    return wait * (1 + JITTER * (2 * draw - 1))


def _is_lost(state: WaitState, *, now: float) -> bool:
    if state.silent_since is None or state.tolerance is None:
        return False
    return now - state.silent_since > state.tolerance


def _lost(state: WaitState, error: WorkflowError, *, now: float, subject: str) -> WorkflowError:
    return error.retold(
        f"Lost track of {subject}: no answer for {now - (state.silent_since or now):.0f} s{_last(state)}; it "
        f"may go on at the vendor. Last failure: {error.message}",
        LostTrack,
    )


def _timed_out(state: WaitState, *, now: float, subject: str) -> RunTimedOut:
    return RunTimedOut(
        f"Timed out after {now - state.started:.0f} s waiting for {subject}{_last(state)}; it may go on at "
        "the vendor"
    )


def _last(state: WaitState) -> str:
    return f"; last seen: {state.detail}" if state.detail else ""
