"""Cells in which a task that sends a table is struck in the middle."""

from __future__ import annotations

import abc
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from airflow_provider_workflows.core.tasks.question import NOT_THERE
from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import CellContext, row
from tests.system.chaos.faults import RequestFault
from tests.system.chaos.lifecycle.coordination import SharedRestart
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.tables.settings import CONCURRENCY
from tests.system.chaos.tables.table_run import TableRun
from tests.system.chaos.tally import Tally
from tests.system.chaos.vendor import Variant

#: Records for each submission of another cell, and at the least.
TIMES, LEAST = 6, 60
#: Seconds for which nobody listens at the vendor's address, or at the API server's.
AWAY = 20.0
#: Requests that a vendor that has come back does not take yet.
NOT_YET = 8


@dataclass
class Blows:
    """What struck a run: how many blows there were to be, how many there were, and what else is wrong."""

    ordered: int = 0
    confirmed: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class TableCell(Cell):
    """
    A cell on one task that sends a table.

    :param variant: what each record submits
    """

    variant: Variant
    mode: str = "table"
    #: Whether the vendor refuses some records.
    bad: ClassVar[bool] = True

    @classmethod
    def on(cls, variant: Variant, *, fault: str, **more: object) -> TableCell:
        """A cell for a variant."""
        return cls(fault=f"table: {fault}", vendor=f"{variant.title}, many", variant=variant, **more)  # type: ignore[arg-type]

    def run(self, context: CellContext) -> CellResult:
        """Send the table, strike, and count record by record."""
        began = time.monotonic()
        run_id = context.fresh(f"{self.variant.name}-{type(self).__name__}")
        run = TableRun(context, self.variant, run_id, size=self.size(context), bad=self.bad)
        blows = Blows()
        self.lead(run, blows)
        problems = run.problems(unknown=self.unknown(blows))
        return row(
            self,
            self.count(run, blows),
            began=began,
            ordered=blows.ordered,
            confirmed=blows.confirmed,
            problems=[*blows.problems, *problems],
        )

    def count(self, run: TableRun, blows: Blows) -> Tally:
        """Count what both sides say of the records."""
        return run.count()

    def size(self, context: CellContext) -> int:
        """How many records."""
        return max(LEAST, TIMES * context.size)

    def unknown(self, blows: Blows) -> Collection[int]:
        """How many records may be in doubt: none where the vendor can be asked, else what was under way."""
        most = 0 if self.variant.found == "always" else self.under_way(blows)
        return range(most + 1)

    def under_way(self, blows: Blows) -> int:
        """How many requests a blow may have struck."""
        return 2 * CONCURRENCY * blows.ordered

    @abc.abstractmethod
    def lead(self, run: TableRun, blows: Blows) -> None:
        """Start the run, strike it, and lead it to its end."""


@dataclass(frozen=True, kw_only=True)
class RequestsStruck(TableCell):
    """
    Every third request of a record is struck, each record's at most once.

    :param how: the fault
    """

    how: RequestFault

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Order the fault, and wait."""
        third = len(run.records) // 3
        ids = [
            run.fault(strike.kind, times=times, every=3, per_tag=self.variant.is_tagged, **strike.settings)
            for strike, times in self.how.shares(third)
        ]
        run.begin()
        self.meanwhile(run)
        run.finish()
        blows.ordered, blows.confirmed = third, sum(map(run.context.control.hits, ids))

    def meanwhile(self, run: TableRun) -> None:
        """Do what a person does before the run ends."""

    def unknown(self, blows: Blows) -> Collection[int]:
        """All that were struck where nothing can be found."""
        if self.variant.found == "never":
            return (blows.ordered,)
        return super().unknown(blows)

    def under_way(self, blows: Blows) -> int:
        return blows.ordered


@dataclass(frozen=True, kw_only=True)
class AskedAboutAll(RequestsStruck):
    """
    Every third request of a record is struck, and a person is asked once about all in doubt.

    The vendor refuses none of these records, so that one answer is right for all.

    :param option: the answer
    """

    bad: ClassVar[bool] = False
    option: str

    def meanwhile(self, run: TableRun) -> None:
        """Wait for the question, and answer it."""
        run.answer(self.option)

    def unknown(self, blows: Blows) -> Collection[int]:
        """None is left in doubt."""
        return (0,)

    def count(self, run: TableRun, blows: Blows) -> Tally:
        """Count, where what is not there is sent again; and every record must be done."""
        again = blows.ordered if self.option == NOT_THERE else 0
        counted = run.count(settle=0.0 if again else None, excused=again, there=not again)
        size = len(run.records)
        found = (counted.succeeded, counted.effects, counted.resubmissions)
        if found != (size, size, again):
            blows.problems.append(f"done, effects, sent again: {found}, not {(size, size, again)}")
        return counted


@dataclass(frozen=True, kw_only=True)
class Killed(TableCell):
    """
    The task's process is killed while requests are under way, and its retries continue.

    :param kills: for each attempt to be killed, whether its supervisor is killed as well
    """

    kills: Sequence[bool] = (False, True)

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Kill one attempt after the other, and let the next one end."""
        blows.ordered = len(self.kills)
        hold = run.hold()
        run.begin()
        for with_supervisor in self.kills:
            run.await_hits(hold)
            blows.confirmed += run.kill(with_supervisor=with_supervisor)
            run.release()
            hold = run.hold()
        run.release()
        run.finish()


@dataclass(frozen=True, kw_only=True)
class Cleared(TableCell):
    """Cleared while requests are under way, and again after the end: then there is nothing left to send."""

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Clear, let all end, clear again, let all end."""
        blows.ordered = 2
        hold = run.hold()
        run.begin()
        run.await_hits(hold)
        run.clear()
        blows.confirmed += 1
        run.release()
        run.finish()
        before = self._state(run)
        run.clear()
        blows.confirmed += 1
        run.finish()
        changed = [name for name, was in before.items() if self._state(run)[name] != was]
        blows.problems += [f"a Clear after the end changed the {name}" for name in changed]

    def _state(self, run: TableRun) -> dict[str, object]:
        return {
            "results": run.results(),
            "summary": run.summary(),
            "requests": run.context.control.effects(self.variant.mount)["requests"].get(
                self.variant.endpoint
            ),
        }


@dataclass(frozen=True, kw_only=True)
class VendorAway(TableCell):
    """First nobody listens, which cuts what is under way; then a proxy says 503 to some requests."""

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Close the vendor's address for a while, and open it."""
        lane = run.context.lane
        assert isinstance(lane, ProxiedLane)
        hold = run.hold()
        run.begin()
        run.await_hits(hold)
        lane.proxy.close()
        run.release()
        not_yet = run.fault("unavailable", times=NOT_YET)
        run.context.show("refused")
        time.sleep(AWAY)
        lane.proxy.open()
        run.finish()
        blows.ordered, blows.confirmed = 1 + NOT_YET, 1 + run.context.control.hits(not_yet)


API_SERVER = SharedRestart("api-server", away=AWAY)


@dataclass(frozen=True, kw_only=True)
class ApiServerAway(TableCell):
    """All lanes at once: the API server is killed, and with it the state store refuses every write."""

    def size(self, context: CellContext) -> int:
        """Enough to be under way still when all lanes are."""
        return 2 * super().size(context)

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Wait until all are in the middle, kill the API server, and start it again."""
        blows.ordered = 1
        hold = run.hold()
        with API_SERVER.taking_part():
            run.begin()
            run.await_hits(hold)
            API_SERVER.restart(run.context.instance)
            blows.confirmed += run.task().state not in ("success", "failed")
        run.release()
        run.finish()
