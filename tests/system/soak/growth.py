"""Whether processes have grown: a comparison of the first and the last third; pure functions."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tests.system.soak.samples import Sample

What = Literal["memory", "files", "sockets"]
WHATS: tuple[What, ...] = ("memory", "files", "sockets")
#: Part of the time in which everything is used for the first time, and caches fill.
WARM_UP = 0.25
#: Its open files are counted without one for each task that waits.
LOGS = "triggerer's supervisor"
#: What our code runs in for long. The other processes are Airflow's own: they are shown, not judged.
JUDGED = ("triggers' process", LOGS, "executor's workers")
#: Roles whose processes come and go: of them the middle one counts, of the others their sum.
PASSING = ("tasks",)
#: By how much the last third may be above the first: a part of it, or this.
PART = 0.05
LEAST: dict[What, float] = {"memory": 16e6, "files": 20, "sockets": 10}


@dataclass(frozen=True, kw_only=True)
class Growth:
    """
    What the processes of a role held.

    :param role: theirs
    :param what: memory in bytes, or a number of files or sockets
    :param first: median of the first third after the warm-up
    :param last: median of the last third
    :param slope: of the least squares' line, an hour
    """

    role: str
    what: What
    first: float
    last: float
    slope: float

    @property
    def allowed(self) -> float:
        """By how much it may have grown."""
        return max(PART * self.first, LEAST[self.what])

    @property
    def holds(self) -> bool | None:
        """Whether it has not grown; None if it is not judged."""
        return None if self.role not in JUDGED else self.last - self.first <= self.allowed


def growths(samples: Sequence[Sample]) -> list[Growth]:
    """
    Compare the first and the last third of what follows the warm-up.

    Of a role whose processes stay, only those count that are there in all these samples: an executor starts
    workers as it needs them.

    :param samples: in order, at least nine
    """
    begin, end = samples[0].at, samples[-1].at
    after = [sample for sample in samples if sample.at >= begin + WARM_UP * (end - begin)]
    third = len(after) // 3
    if third < 1:
        raise ValueError("too few samples; let it run longer")
    found = []
    for role in dict.fromkeys(role for sample in after for role, _ in sample.held):
        for what in WHATS:
            series = _series(after, role, what)
            if len(series) < 3:
                continue
            times, values = zip(*series, strict=True)
            found.append(
                Growth(
                    role=role,
                    what=what,
                    first=statistics.median(values[:third]),
                    last=statistics.median(values[-third:]),
                    slope=statistics.linear_regression(times, values).slope * 3600,
                )
            )
    return found


def _series(samples: Sequence[Sample], role: str, what: What) -> list[tuple[float, float]]:
    if role in PASSING:
        each = [
            (one.at, [getattr(held, what) for key, held in one.held.items() if key[0] == role])
            for one in samples
        ]
        return [(at, statistics.median(values)) for at, values in each if values]
    stayed = set.intersection(*({key for key in one.held if key[0] == role} for one in samples))
    # Airflow's supervisor holds a log file open for each trigger, and how many there are is chance.
    each_wait = role == LOGS and what == "files"
    return [
        (one.at, sum(getattr(one.held[key], what) for key in stayed) - one.waits * each_wait)
        for one in (samples if stayed else ())
    ]
