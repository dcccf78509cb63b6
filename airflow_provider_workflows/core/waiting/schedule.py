"""
A look at a condition, and when the next one comes.

:func:`advance` is the pure step of waiting: what to do after a look, wherever it ran. Below it are the look
itself, in a worker or on an event loop, and what is counted and logged of it.
"""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.runtime.apart import run_apart
from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.waiting.condition import (
    Condition,
    Done,
    GroupedCondition,
    Outcome,
    Pending,
)
from airflow_provider_workflows.core.waiting.history import until_due
from airflow_provider_workflows.exceptions import (
    LostTrack,
    NoSlot,
    NotFound,
    RunTimedOut,
    TemporaryError,
    WorkflowError,
    one_line,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.connection.limit import Ahead

#: Seconds between the first checks.
FIRST_INTERVAL = 1.0
#: Length of the next interval as part of the time waited so far: the end is seen at most a tenth late.
GROWTH = 0.1
#: Maximum seconds between the first checks, if it is known how long such waits take. It leaves one of five
#: seconds for Airflow to start the next task, should this wait end earlier than any other.
FIRST_INTERVAL_IF_KNOWN = 4.0
#: Part of an interval by which it varies at random, so that waits that started together spread out.
JITTER = 0.1
#: Maximum seconds for which a Retry-After delays a check: a check has no effect, and once the vendor is
#: repaired nobody should have to restart anything in Airflow.
LONGEST_ASKED = 3600.0
#: Characters of a status, which every wait keeps.
LONGEST_DETAIL = 500
#: What happened, and what to do, if a wait loses track: the vendor does not answer, or no longer knows it.
_SILENT = "no answer", "Check that the vendor is up and reachable"
_MISSING = (
    "the vendor has not known it",
    "Check whether it was deleted there, or whether the vendor is down and a gateway answers in its place",
)
#: Seconds after which a look that found no slot is tried again, unless its slot is further away.
POSTPONED = 5.0
#: Approximate number of unanswered checks before the wait loses track; fewer if the vendor asks for pauses.
LOST_AFTER = 5


@dataclass(frozen=True, kw_only=True)
class WaitState:
    """
    The state of a wait, as JSON values; stored between reschedules and in the trigger's row.

    :param started: Unix time of the first check
    :param deadline: Unix time after which the wait fails
    :param heard: Unix time of the last answer, or of the start
    :param silent_since: Unix time of the first check after that without an answer
    :param known: whether the vendor has shown the record before, or has accepted it
    :param next_look: Unix time of the next check
    :param cap: maximum seconds between two checks
    :param tolerance: seconds without an answer after which the wait loses track; None to wait until the
        deadline
    :param detail: status at the last answer
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
        """Start a wait of at most ``timeout`` seconds."""
        return cls(
            started=now, deadline=now + timeout, heard=now, next_look=now, cap=cap, tolerance=tolerance
        )

    def anew(self, *, now: float) -> WaitState:
        """Return the state after a pause without checks, which does not count as silence of the vendor."""
        return replace(self, heard=now, silent_since=None)

    def to_json(self) -> dict[str, Any]:
        """Return the state as JSON values."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> WaitState:
        """Rebuild a state from :meth:`to_json`; fields that a newer version added are ignored."""
        known = {one.name for one in fields(cls)}
        return cls(**{name: value for name, value in data.items() if name in known})


@dataclass(frozen=True)
class Wait:
    """Check again at ``state.next_look``."""

    state: WaitState


@dataclass(frozen=True)
class Failed:
    """The wait has ended without the condition being met."""

    error: WorkflowError


Verdict: TypeAlias = Wait | Done | Failed


def advance(
    state: WaitState,
    outcome: Outcome | WorkflowError,
    *,
    now: float,
    subject: str,
    draw: float = 0.5,
    expected: Sequence[float] = (),
) -> Verdict:
    """
    Decide what to do after a check. A result and a status leave it as Airflow's channels can carry them.

    :param now: Unix time
    :param subject: the condition's description, for messages
    :param draw: a number in [0, 1), for the jitter
    :param expected: seconds that earlier waits of the same kind took, the shortest first
    """
    match outcome:
        case Done(result):
            return Done(hand_over(result, f"The result of {subject}"))
        case Pending(detail):
            detail = one_line(detail, LONGEST_DETAIL)
            state = replace(state, heard=now, silent_since=None, known=True, detail=detail)
            asked = None
        case NoSlot():
            return _postpone(state, outcome, now=now, subject=subject, draw=draw)
        case NotFound() if not state.known and now - state.started < outcome.late:
            asked = None
        # A gateway may answer 404 while the vendor behind it is down.
        case TemporaryError() | NotFound() if state.known or isinstance(outcome, TemporaryError):
            state = replace(state, silent_since=now if state.silent_since is None else state.silent_since)
            if _is_lost(state, now=now):
                return Failed(_lost(state, outcome, now=now, subject=subject))
            asked = outcome.retry_after
        case _:
            return Failed(outcome)
    if now >= state.deadline:
        return Failed(_timed_out(state, now=now, subject=subject))
    # The last check is at the deadline itself, so that the wait does not fail without a final check.
    asked = min(asked or 0.0, LONGEST_ASKED)
    pause = max(interval(state, now=now, draw=draw, expected=expected), asked)
    next_look = min(state.deadline, now + pause)
    return Wait(replace(state, next_look=next_look))


def _postpone(state: WaitState, error: NoSlot, *, now: float, subject: str, draw: float) -> Verdict:
    """Look again when there may be a slot. The vendor was not asked, so it has not been silent either."""
    if now >= state.deadline:
        return Failed(_timed_out(state, now=now, subject=subject))
    until_free = (error.retry_after or 0.0) * (1 + JITTER * draw)
    pause = max(until_free, min(POSTPONED, interval(state, now=now, draw=draw)))
    return Wait(replace(state, next_look=min(state.deadline, now + pause)))


def interval(state: WaitState, *, now: float, draw: float = 0.5, expected: Sequence[float] = ()) -> float:
    """
    Return the seconds until the next check: short at first, later a tenth of the time waited, up to the cap.

    If it is known how long such waits take, checks are fewer at first, and closest where most have ended. But
    whenever it ends, that is seen at most a tenth of the time waited later, or
    :data:`FIRST_INTERVAL_IF_KNOWN`.

    Without an answer, a wait with a long interval checks more often, so that two checks at a bad moment do
    not lose track.
    """
    waited = max(0.0, now - state.started)
    wait = min(state.cap, max(FIRST_INTERVAL, GROWTH * waited))
    longest = wait * (1 + JITTER)
    if expected:
        longest = min(state.cap, max(FIRST_INTERVAL_IF_KNOWN, GROWTH * waited))
        wait = min(longest, max(FIRST_INTERVAL, until_due(expected, waited)))
    if state.silent_since is not None and state.tolerance is not None:
        wait = min(wait, max(FIRST_INTERVAL, state.tolerance / LOST_AFTER))
    return min(longest, wait * (1 + JITTER * (2 * draw - 1)))


def patience(state: WaitState, *, now: float) -> float:
    """
    Return the seconds for which one check may repeat its requests.

    It ends with the wait: at the deadline, or when the vendor has been silent for as long as is tolerated.
    """
    end = state.deadline
    if state.tolerance is not None:
        silent_since = now if state.silent_since is None else state.silent_since
        end = min(end, silent_since + state.tolerance)
    return max(0.0, end - now)


def _is_lost(state: WaitState, *, now: float) -> bool:
    if state.silent_since is None or state.tolerance is None:
        return False
    return now - state.silent_since > state.tolerance


def _lost(state: WaitState, error: WorkflowError, *, now: float, subject: str) -> WorkflowError:
    what, advice = _MISSING if isinstance(error, NotFound) else _SILENT
    last = f"; last status: {state.detail}" if state.detail else ""
    return error.with_message(
        f"Lost track of {subject}: {what} for {now - (state.silent_since or now):.0f} s{last}\n"
        "What the task waited for may still happen at the vendor\n"
        f"{advice}\n"
        f"Last failure: {error.message}",
        LostTrack,
    )


def _timed_out(state: WaitState, *, now: float, subject: str) -> RunTimedOut:
    last = f"; last status: {state.detail}" if state.detail else ""
    return RunTimedOut(
        f"Timed out after {now - state.started:.0f} s waiting for {subject}{last}\n"
        "What the task waited for may still happen at the vendor\n"
        "Check there before you clear the task"
    )


def look(hook: AnyHook, condition: Condition, *, seconds: float | None = None) -> Outcome | WorkflowError:
    """
    Check a condition once; return its outcome, or the error that the check raised.

    :param seconds: from when on nothing is repeated, as :func:`patience` says; None for no limit. At 0 it is
        the wait's last check, which may wait longer for a slot of the account's plan
    """
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        ahead: Ahead = "near" if seconds != 0 else "timeout"
        if condition.is_many:
            return run_apart(lambda: condition.alook(hook, deadline=deadline, ahead=ahead))
        return hook.read(condition.check, deadline=deadline, ahead=ahead)
    except WorkflowError as error:
        return error


async def alook(
    hook: AnyHook, condition: Condition, *, seconds: float | None = None, seen: Any = None
) -> Outcome | WorkflowError:
    """
    Like :func:`look`, on an event loop.

    :param seen: the condition's record or an error, if a request for many waits has just brought it
    """
    if seen is not None:
        metrics.TOGETHER.record(vendor=hook.conn_type)
    if isinstance(seen, WorkflowError):
        return seen
    deadline = None if seconds is None else time.monotonic() + seconds
    try:
        ahead: Ahead = "near" if seconds != 0 else "timeout"
        if seen is not None and isinstance(condition, GroupedCondition):
            check = condition.check
            return await hook.aread(lambda api: check(api, seen), deadline=deadline, ahead=ahead)
        return await condition.alook(hook, deadline=deadline, ahead=ahead)
    except WorkflowError as error:
        return error


def judge(
    state: WaitState,
    outcome: Outcome | WorkflowError,
    condition: Condition,
    *,
    now: float,
    vendor: str,
    logger: Any,
    expected: Sequence[float] = (),
) -> Verdict:
    """
    Decide what to do after a check, as :func:`advance` does; count and log it.

    :param now: Unix time
    :param vendor: the connection's type, for metrics
    :param expected: as there
    """
    draw, subject = random.random(), str(condition)
    verdict = advance(state, outcome, now=now, subject=subject, draw=draw, expected=expected)
    report(logger, condition, outcome, before=state, verdict=verdict)
    if isinstance(verdict, Wait):
        silent = "no_answer" if isinstance(outcome, WorkflowError) else "pending"
        metrics.LOOKS.record(vendor=vendor, outcome="postponed" if isinstance(outcome, NoSlot) else silent)
        return verdict
    ending = "done" if isinstance(verdict, Done) else "failed"
    metrics.LOOKS.record(vendor=vendor, outcome=ending)
    metrics.WAIT_DURATION.record(now - state.started, vendor=vendor, outcome=ending)
    match verdict:
        case Failed(LostTrack()):
            metrics.LOST_TRACK.record(vendor=vendor)
        case Failed(RunTimedOut()):
            metrics.TIMED_OUT.record(vendor=vendor)
    return verdict


def report(
    logger: Any, condition: Condition, outcome: object, *, before: WaitState, verdict: Verdict
) -> None:
    """Log a check that failed or found a new status; repeated checks with the same status are not logged."""
    if isinstance(outcome, NoSlot) and isinstance(verdict, Wait):
        logger.debug("%s: the check is postponed. %s", condition, outcome)
    elif isinstance(outcome, WorkflowError) and isinstance(verdict, Wait):
        silent = not isinstance(outcome, NotFound)
        what = "No answer about %s" if silent else "Waiting for %s: the vendor has not known it"
        logger.warning(
            f"{what} since %s. Next check at %s. Last failure: %s",
            condition,
            _date(before.heard),
            _date(verdict.state.next_look),
            outcome,
        )
    elif isinstance(verdict, Wait) and verdict.state.detail != before.detail:
        level = logging.WARNING if isinstance(outcome, Pending) and outcome.warning else logging.INFO
        logger.log(level, "Waiting for %s: %s", condition, verdict.state.detail)


def _date(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, tz=UTC):%Y-%m-%d %H:%M:%S} UTC"
