"""What both sides say about the submissions of a cell, and what follows from it; pure functions."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

#: Seconds by which two clocks, or a sleep, may differ from what was asked for.
SLACK = 0.5


def bare(remote_id: str) -> str:
    """The id alone where it is written behind its process, as in ``short/7``."""
    return remote_id.rpartition("/")[2]


@dataclass(frozen=True)
class Effect:
    """One thing done at the vendor: for which submission, if the vendor says so, and its bare id."""

    tag: str | None
    id: str


@dataclass(frozen=True)
class Send:
    """One request that arrived at the vendor: of which submission, and when, in epoch seconds."""

    tag: str
    at: float


@dataclass(frozen=True, kw_only=True)
class TaskOutcome:
    """
    How a submission's task ended.

    :param tag: of its submission
    :param state: Airflow's word for it
    :param named: the remote ids that it named in XCom or in its record
    :param doubt: the text in which it failed naming its doubt; empty if it did not
    :param error: the last line of its log that tells of an error
    """

    tag: str
    state: str | None
    named: frozenset[str] = frozenset()
    doubt: str = ""
    error: str = ""
    try_number: int = 1


@dataclass(frozen=True, kw_only=True)
class Tally:
    """The figures of a cell; see :data:`DEFINITIONS`."""

    submissions: int
    effects: int
    duplicates: int
    lost: int
    resubmissions: int
    silent: int
    succeeded: int
    doubting: int
    strangers: int


DEFINITIONS = (
    ("duplicate", "an effect at the vendor beyond the first for one submission"),
    (
        "lost",
        "a task that succeeded without an effect, or an effect that no task names (XCom or record) and that "
        "no failed task's message (OutcomeUnknown) puts in doubt",
    ),
    ("resubmission", "a request beyond the first for one submission"),
    (
        "silent",
        "a resubmission although the request before it might have taken effect: any of what cannot be looked "
        "up; else one sooner than `settle` after the request before it was given up",
    ),
    (
        "in doubt",
        "a task that failed with OutcomeUnknown, so that a person looks before anything is sent again",
    ),
)


def tally(
    tasks: Sequence[TaskOutcome],
    effects: Sequence[Effect],
    sends: Sequence[Send],
    *,
    settle: float | None,
) -> Tally:
    """
    Count submissions one by one, by their tags.

    :param tasks: one for each submission
    :param effects: all at the vendor
    :param sends: all requests that carried a tag, in order
    :param settle: seconds from a request's arrival until another of the same submission may follow; None if
        none may
    """
    had = Counter(effect.tag for effect in effects)
    times = _times(sends)
    return Tally(
        submissions=len(tasks),
        effects=len(effects),
        duplicates=sum(number - 1 for number in had.values() if number > 1),
        lost=_without_effect(tasks, had) + _nobodys(tasks, effects),
        resubmissions=sum(len(at) - 1 for at in times.values()),
        silent=sum(_silent(at, settle) for at in times.values()),
        succeeded=_succeeded(tasks),
        doubting=_doubting(tasks),
        strangers=_strangers(tasks, effects),
    )


def tally_untold(
    tasks: Sequence[TaskOutcome], effects: Sequence[Effect], *, sends: int, excused: int = 0
) -> Tally:
    """
    Count what carries no tag, for the cell as a whole.

    :param tasks: one for each submission
    :param effects: all at the vendor
    :param sends: how many requests arrived
    :param excused: how many of them the vendor refused, so that another might follow
    """
    named = {name for task in tasks for name in task.named}
    nobodys = sum(effect.id not in named for effect in effects)
    held = Counter(effect.id for effect in effects)
    missing = sum(not (task.named & held.keys()) for task in tasks if task.state == "success")
    again = max(0, sends - len(tasks))
    return Tally(
        submissions=len(tasks),
        effects=len(effects),
        duplicates=max(0, len(effects) - len(tasks)),
        lost=missing + max(0, nobodys - _doubting(tasks)),
        resubmissions=again,
        silent=max(0, again - excused),
        succeeded=_succeeded(tasks),
        doubting=_doubting(tasks),
        strangers=len(_shared(tasks)),
    )


def _times(sends: Iterable[Send]) -> Mapping[str, list[float]]:
    times: dict[str, list[float]] = {}
    for send in sends:
        times.setdefault(send.tag, []).append(send.at)
    return times


def _silent(at: Sequence[float], settle: float | None) -> int:
    if settle is None:
        return len(at) - 1
    return sum(later - earlier < settle - SLACK for earlier, later in itertools.pairwise(at))


def _without_effect(tasks: Iterable[TaskOutcome], had: Mapping[str | None, int]) -> int:
    return sum(task.state == "success" and not had.get(task.tag) for task in tasks)


def _nobodys(tasks: Iterable[TaskOutcome], effects: Iterable[Effect]) -> int:
    """Effects that neither a task names nor a message puts in doubt."""
    named = {name for task in tasks for name in task.named}
    doubted = {task.tag for task in tasks if task.doubt}
    return sum(effect.id not in named and effect.tag not in doubted for effect in effects)


def _strangers(tasks: Iterable[TaskOutcome], effects: Iterable[Effect]) -> int:
    """Tasks that hold the run of another submission for theirs."""
    owner = {effect.id: effect.tag for effect in effects}
    return sum(any(owner.get(name, task.tag) != task.tag for name in task.named) for task in tasks)


def _shared(tasks: Iterable[TaskOutcome]) -> Collection[str]:
    """Ids that more than one task names."""
    names = Counter(name for task in tasks for name in task.named)
    return {name for name, number in names.items() if number > 1}


def _succeeded(tasks: Iterable[TaskOutcome]) -> int:
    return sum(task.state == "success" for task in tasks)


def _doubting(tasks: Iterable[TaskOutcome]) -> int:
    return sum(task.state == "failed" and bool(task.doubt) for task in tasks)
