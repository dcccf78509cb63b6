"""Cells in which a fault strikes the once-only request, and how they are judged."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import SETTLE, CellContext, row
from tests.system.chaos.faults import RequestFault
from tests.system.chaos.tally import Tally, TaskOutcome
from tests.system.chaos.targets import make
from tests.system.chaos.vendor import Variant


@dataclass(frozen=True, kw_only=True)
class RequestCell(Cell):
    """
    One run of a mapped task, whose requests are struck.

    :param variant: what is submitted
    :param dag_id: the DAG that does
    :param how: the fault; None for a run without one
    :param every: 1 strikes the first request of each submission, 2 every second request
    :param size: submissions; the context's by default
    """

    variant: Variant
    dag_id: str
    how: RequestFault | None
    every: int = 1
    size: int | None = None

    def run(self, context: CellContext) -> CellResult:
        """Strike, wait for the run's end, and count."""
        began = time.monotonic()
        size = self.size or context.size
        run_id = context.fresh(self.dag_id)
        targets = make(self.variant, context.lane.name, size=size)
        strikes = order(context, self.variant, self.how, size=size, every=self.every)
        context.begin(self.dag_id, run_id, targets=targets)
        context.finish(self.dag_id, run_id)
        tagged = {target: f"{run_id}.{index}" for index, target in enumerate(targets)}
        tasks = context.outcomes(self.dag_id, run_id)
        return judge(self, context, tasks, strikes, began=began, targets=tagged)


@dataclass(frozen=True, kw_only=True)
class Strikes:
    """
    What was ordered of the sandbox.

    :param how: the fault
    :param ids: the sandbox's names of it -> how many requests each is to strike
    """

    how: RequestFault | None
    ids: Mapping[str, int]

    @property
    def ordered(self) -> int:
        return sum(self.ids.values())


def order(
    context: CellContext, variant: Variant, how: RequestFault | None, *, size: int, every: int = 1
) -> Strikes:
    """
    Order a fault for a cell to come.

    :param context: the cell's
    :param variant: what it submits
    :param how: the fault, if there is to be one
    :param size: how many submissions it has
    :param every: 1 strikes the first request of each of them, 2 every second request
    """
    shares = how.shares(size // every) if how else []
    per_tag = variant.is_tagged and every == 1
    ids = {
        context.control.fault(
            variant.mount,
            variant.endpoint,
            strike.kind,
            times=times,
            every=every,
            per_tag=per_tag,
            **strike.settings,
        ): times
        for strike, times in shares
        if times
    }
    return Strikes(how=how, ids=ids)


def judge(
    cell: RequestCell,
    context: CellContext,
    tasks: Sequence[TaskOutcome],
    strikes: Strikes,
    *,
    began: float,
    targets: Mapping[str, str] | None = None,
) -> CellResult:
    """
    Count, once nothing can happen any more, and say what is not as it should be.

    :param cell: the cell
    :param context: its context
    :param tasks: how its tasks ended
    :param strikes: what was ordered
    :param began: when the cell did
    :param targets: of moves, see :meth:`Variant.effects`
    """
    how, variant = strikes.how, cell.variant
    if how and how.late:
        _await_late_effects(context, how)
    hits = sum(context.control.hits(name) for name in strikes.ids)
    tally = context.count(
        variant,
        tasks,
        settle=pause(variant, how),
        excused=hits if how and how.refused else 0,
        targets=targets,
    )
    problems = [] if cell.control else unexpected(variant, how, tally, tasks, struck=strikes.ordered)
    return row(cell, tally, began=began, ordered=strikes.ordered, confirmed=hits, problems=problems)


def _await_late_effects(context: CellContext, how: RequestFault) -> None:
    """Wait until the vendor has acted on the last request that it was sent."""
    last = max((request["at"] for request in context.control.sent(context.lane.mount)), default=time.time())
    context.show("waiting for late effects")
    time.sleep(max(0.0, last + how.late + 1 - time.time()))


def pause(variant: Variant, how: RequestFault | None) -> float | None:
    """Seconds that must lie between two requests of a submission; None if there may be only one."""
    if how and how.refused:
        return 0.0
    given_up = min(strike.given_up for strike in how.strikes) if how else 0.0
    return None if variant.found == "never" else SETTLE + given_up


def unexpected(
    variant: Variant, how: RequestFault | None, tally: Tally, tasks: Sequence[TaskOutcome], *, struck: int
) -> list[str]:
    """
    Say in what a cell ended otherwise than it should.

    :param variant: what was submitted
    :param how: the fault
    :param tally: what was counted
    :param tasks: how the tasks ended
    :param struck: how many submissions were struck
    """
    whole = variant.found == "always" or how is None or how.refused
    doubts = 0 if whole else struck
    effects = tally.submissions if whole or (how and how.effect) else tally.submissions - struck
    found = []
    if variant.found == "alone" and not whole:
        # Each of them saw the others' executions, or did not: both is right.
        if tally.succeeded + tally.doubting != tally.submissions:
            found.append(f"{tally.submissions - tally.succeeded - tally.doubting} tasks in another state")
    else:
        wanted = {"succeeded": tally.submissions - doubts, "are in doubt": doubts}
        ended = {"succeeded": tally.succeeded, "are in doubt": tally.doubting}
        found += [
            f"{ended[word]} tasks {word}, not {number}"
            for word, number in wanted.items()
            if ended[word] != number
        ]
        found += [f"{tally.effects} effects, not {effects}"] if tally.effects != effects else []
    return [*found, *_example(tasks)] if found else []


def _example(tasks: Sequence[TaskOutcome]) -> list[str]:
    """How a task ended that neither succeeded nor named its doubt; if there is none, what a doubt says."""
    others = [task for task in tasks if task.state != "success" and not task.doubt]
    doubts = [task for task in tasks if task.doubt]
    return [f"e.g. {(task.error or f'state {task.state}')[:160]}" for task in [*others, *doubts][:1]]
