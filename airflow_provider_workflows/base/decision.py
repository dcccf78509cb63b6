"""What a new attempt does about what the attempts before it have left: one pure function."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, TypeAlias

OnLostAnswer = Literal["fail", "resubmit"]
OnFailedRun = Literal["fail", "rerun"]
OnClear = Literal["attach", "rerun"]


class Memory(Enum):
    """What the state store holds."""

    NOTHING = "nothing"
    #: Something was about to be sent, by an attempt of whatever generation.
    INTENT = "an intent without id"
    #: What was sent is known, and no Clear has come since.
    OURS = "an id of this generation"
    #: What was sent is known, and the user has cleared the task since.
    EARLIER = "an id of an earlier generation"


class Run(Enum):
    """How a run stands at the vendor."""

    ALIVE = "alive"
    SUCCEEDED = "ended well"
    FAILED = "ended badly"
    #: The vendor, or who answers for it, knows no such run.
    GONE = "gone"
    #: The vendor does not say.
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class RunState:
    """
    How a run stands.

    :param detail: the vendor's words for it
    """

    run: Run
    detail: str = ""


@dataclass(frozen=True)
class Found:
    """
    The vendor shows what was sent.

    :param id: what the vendor calls it, or what the move returns; never None
    """

    id: Any


@dataclass(frozen=True)
class Absent:
    """
    The vendor shows none of it, and would show it if it had arrived; or a second one does no harm.

    :param why: in words, why it may be sent again
    """

    why: str = "nothing of it has arrived"


@dataclass(frozen=True)
class CannotKnow:
    """
    The vendor cannot be asked, or what it shows proves neither.

    :param why: in words, to follow "because"
    :param may_change: a later look may show more
    """

    why: str
    may_change: bool = False


Trace: TypeAlias = Found | Absent | CannotKnow


class Action(Enum):
    """What to do."""

    START = "send"
    ATTACH = "go on with what is there; send nothing"
    STOP_AT_FAILURE = "fail, naming the run that ended badly"
    STOP_AT_GAP = "fail, naming the run that the vendor does not know; a retry asks again"
    STOP_IN_DOUBT = "fail, naming the doubt"


@dataclass(frozen=True, kw_only=True)
class Policy:
    """
    What the user wants where there is a choice.

    :param on_lost_answer: when it cannot be known whether something was sent: ``fail`` or ``resubmit``
    :param on_failed_run: when the run ended badly: ``fail``, or ``rerun`` by the next attempt
    :param on_clear: when the task is cleared while its run is alive: ``attach`` or ``rerun``
    """

    on_lost_answer: OnLostAnswer = "fail"
    on_failed_run: OnFailedRun = "fail"
    on_clear: OnClear = "attach"


def decide(memory: Memory, *, run: Run = Run.UNKNOWN, trace: Trace | None = None, policy: Policy) -> Action:
    """
    Decide what a new attempt does.

    A run of which nothing is known counts as alive: to attach to what has ended is seen, to start a second
    one beside what is alive is not. Nor has a run ended of which the vendor says that there is none: a
    gateway says so, too, while the vendor is away.

    :param run: how the run stands, if the memory holds an id
    :param trace: what was found at the vendor, if the memory holds an intent; None counts as cannot know
    """
    match memory:
        case Memory.NOTHING:
            return Action.START
        case Memory.INTENT:
            return _in_doubt(trace, policy)
        case Memory.OURS if run is Run.FAILED:
            return Action.START if policy.on_failed_run == "rerun" else Action.STOP_AT_FAILURE
        case Memory.OURS:
            return Action.STOP_AT_GAP if run is Run.GONE else Action.ATTACH
        case Memory.EARLIER if run in (Run.SUCCEEDED, Run.FAILED) or policy.on_clear == "rerun":
            return Action.START
        case Memory.EARLIER:
            return Action.STOP_AT_GAP if run is Run.GONE else Action.ATTACH


def _in_doubt(trace: Trace | None, policy: Policy) -> Action:
    match trace:
        case Found():
            return Action.ATTACH
        case Absent():
            return Action.START
        case _:
            return Action.START if policy.on_lost_answer == "resubmit" else Action.STOP_IN_DOUBT
