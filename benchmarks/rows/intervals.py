"""
When waits look: how often, and how late they see the end, next to fixed intervals.

It is a simulation of the package's pure step, on a clock that only counts: nothing is sent, and a look takes
no time. A wait does as one that is deferred: it looks for ten seconds in the worker, which knows of no other
wait, and then in the triggerer, which has learnt from those before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, quantiles

from airflow_provider_workflows.core.waiting.condition import Pending
from airflow_provider_workflows.core.waiting.history import Lengths
from airflow_provider_workflows.core.waiting.schedule import Wait, WaitState, advance
from benchmarks.bench import Bench
from benchmarks.report import Row

#: Runs of each kind; from the first ones, it is only learnt.
RUNS, FIRST = 2_000, 50
#: Seconds: of most runs, of ``prepoll`` and ``poke_interval`` by default, and of fixed intervals.
LENGTH, PREPOLL, CAP, FIXED = 600.0, 10.0, 60.0, (10.0, 30.0, 60.0)
#: How late an end may be seen: a part of its run's length, or some seconds, whichever is longer.
PART, LEAST = 0.1, 5.0

#: The length of a run, by kind; the number says which of all it is.
KINDS: Mapping[str, Callable[[random.Random, int], float]] = {
    "10 minutes ± 3 %": lambda dice, number: LENGTH * dice.uniform(0.97, 1.03),
    "2 or 10 minutes ± 3 %": lambda dice, number: LENGTH * dice.choice((0.2, 1)) * dice.uniform(0.97, 1.03),
    "10 minutes ± 3 %, 1 of 100 stuck for ten times as long": lambda dice, number: (
        LENGTH * (10 if dice.random() < 0.01 else 1) * dice.uniform(0.97, 1.03)
    ),
    "10 minutes at first, 20 at last, ± 3 %": lambda dice, number: (
        LENGTH * (1 + number / RUNS) * dice.uniform(0.97, 1.03)
    ),
    "median 10 minutes, lognormal with sigma 0.5": lambda dice, number: LENGTH * dice.lognormvariate(0, 0.5),
}
#: Of such runs, one is so unlike another that there is little to learn.
UNLIKE = "lognormal"


@dataclass(frozen=True)
class Seen:
    """How often waits looked, and how late they saw the ends, in seconds."""

    looks: float
    late: Sequence[float]


def intervals(bench: Bench) -> list[Row]:
    """Let waits for several kinds of runs look as the package does, with memory and without; or regularly."""
    rows: list[Row] = []
    for kind, length in KINDS.items():
        bench.say(f"runs of {kind}")
        dice = random.Random(1)
        rows += _rows(kind, [length(dice, number) for number in range(RUNS)])
    return rows


def _rows(kind: str, ends: Sequence[float]) -> list[Row]:
    learnt, unknown, counted = _simulated(ends, memory=True), _simulated(ends, memory=False), ends[FIRST:]
    how = f"simulated runs of {kind}, {learnt.looks:.0f} looks a wait"
    early = _regular(counted, 2 * mean(learnt.late))
    most = None if UNLIKE in kind else 1.0
    peers = {
        f"without memory, {unknown.looks:.0f} looks": unknown,
        **{f"every {every:g} s, {(one := _regular(counted, every)).looks:.0f} looks": one for every in FIXED},
    }
    promised = [late / max(PART * end, LEAST) for late, end in zip(learnt.late, counted, strict=True)]
    return [
        *(
            Row(
                what=f"an end is seen late on average: {how}",
                value=mean(learnt.late),
                unit="s",
                peer=peer,
                peer_value=mean(seen.late),
                most=1 if seen is unknown else None,
            )
            for peer, seen in peers.items()
        ),
        Row(
            what=f"the same of 95 in 100: {how}",
            value=_percentile_95(learnt.late),
            unit="s",
            peer="without memory",
            peer_value=_percentile_95(unknown.late),
            most=1,
        ),
        Row(
            what=f"an end is seen late on average: {how}",
            value=mean(learnt.late),
            unit="s",
            peer="regularly with as many looks",
            peer_value=mean(_as_many_looks(counted, learnt.looks).late),
            most=most,
        ),
        Row(
            what=f"looks a wait: simulated runs of {kind}",
            value=learnt.looks,
            unit="looks",
            peer="regularly, ends seen as early",
            peer_value=early.looks,
            most=most,
        ),
        Row(
            what=f"the latest, as part of a tenth of the run's length or of 5 s: {how}",
            value=100 * max(promised),
            unit="%",
            most=100,
        ),
    ]


def _simulated(ends: Sequence[float], *, memory: bool) -> Seen:
    """Look by the package's pure step; with memory, each wait learns from those before."""
    lengths, dice, looks, late = Lengths(), random.Random(2), 0, []
    for number, end in enumerate(ends):
        state = WaitState.begin(now=0, timeout=math.inf, cap=CAP, tolerance=None)
        now, pending, asked = 0.0, 0.0, 1
        while now < end:
            known = lengths.seconds if memory and now > PREPOLL else ()
            verdict = advance(state, Pending(), now=now, subject="", draw=dice.random(), expected=known)
            if not isinstance(verdict, Wait):
                raise RuntimeError(f"the wait is over after {now} s: {verdict}")
            state, pending, now, asked = verdict.state, now, verdict.state.next_look, asked + 1
        lengths.learn(pending=pending, length=now)
        if number >= FIRST:
            looks += asked
            late.append(now - end)
    return Seen(looks / len(late), late)


def _regular(ends: Sequence[float], every: float) -> Seen:
    """Look at the start, and then regularly."""
    looks = [math.ceil(end / every) for end in ends]
    late = [number * every - end for number, end in zip(looks, ends, strict=True)]
    return Seen(1 + mean(looks), late)


def _as_many_looks(ends: Sequence[float], looks: float) -> Seen:
    """Look regularly, so often that it comes to so many looks a wait."""
    short, long = 0.1, max(ends)
    for _ in range(50):
        middle = (short + long) / 2
        short, long = (middle, long) if _regular(ends, middle).looks > looks else (short, middle)
    return _regular(ends, long)


def _percentile_95(values: Sequence[float]) -> float:
    return quantiles(values, n=20)[-1]
