"""What a person sees while the matrix runs: each lane on a terminal, each row that is there elsewhere."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tests.system.chaos.cell import Cell, CellResult

SIGN_OF_LIFE = 30.0


@dataclass
class LaneView:
    """What is shown of a lane."""

    cell: str = ""
    detail: str = ""
    done: int = 0
    failed: int = 0
    since: float = field(default_factory=time.monotonic)


class ProgressDisplay:
    """
    Shows deployments and lanes; a context manager around the time in which lanes run.

    :param console: where to show them
    :param total: cells that there are to run
    """

    def __init__(self, console: Console, *, total: int) -> None:
        self._console = console
        self._total = total
        self._ended = 0
        self._began = time.monotonic()
        self._printed_at = self._began
        self._lanes: dict[str, LaneView] = {}
        self._lock = threading.Lock()
        self._live: Live | None = None

    def __enter__(self) -> ProgressDisplay:
        if self._console.is_terminal:
            self._live = Live(console=self._console, transient=True, refresh_per_second=2)
            self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        if self._live:
            self._live.stop()
            self._live = None

    def deployment(self, name: str, text: str) -> None:
        """Say that a deployment begins; lanes of the one before are forgotten."""
        with self._lock:
            self._lanes.clear()
        self._print(f"{name}: {text}")

    def begin(self, lane: str, cell: Cell) -> None:
        """Say that a lane has come to a cell."""
        with self._lock:
            view = self._lanes.setdefault(lane, LaneView())
            view.cell, view.detail, view.since = cell.title, "", time.monotonic()

    def lane(self, lane: str, text: str) -> None:
        """Say what a lane's cell is at."""
        with self._lock:
            self._lanes.setdefault(lane, LaneView()).detail = text

    def end(self, lane: str, result: CellResult) -> None:
        """Say how a cell ended."""
        with self._lock:
            view = self._lanes.setdefault(lane, LaneView())
            view.done += 1
            view.failed += not result.passed
            view.detail = "done"
            self._ended += 1
        verdict = "ok" if result.passed else "; ".join(result.complaints)
        title = f"{result.fault}: {result.vendor}, {result.mode}"
        self._print(f"{self._ended}/{self._total}  {title}: {verdict} ({result.seconds:.0f} s)")

    def tick(self) -> None:
        """Refresh what is shown; called often."""
        if self._live:
            self._live.update(self._table())
        elif time.monotonic() - self._printed_at > SIGN_OF_LIFE:
            with self._lock:
                busy = [
                    f"{name} ({view.detail})" for name, view in self._lanes.items() if view.detail != "done"
                ]
            self._print(f"{self._ended}/{self._total}  still at: {'; '.join(busy)}")

    def _table(self) -> Table:
        seconds = time.monotonic() - self._began
        title = f"{self._ended} of {self._total} cells, {seconds / 60:.0f} min"
        table = Table("Lane", "Cell", "Tasks", "Done", "s", title=title, title_justify="left")
        with self._lock:
            for name, view in self._lanes.items():
                done = Text(f"{view.done}", style="red" if view.failed else "green")
                since = f"{time.monotonic() - view.since:.0f}"
                table.add_row(Text(name), Text(view.cell), Text(view.detail), done, since)
        return table

    def _print(self, text: str) -> None:
        self._printed_at = time.monotonic()
        clock = f"{self._printed_at - self._began:6.0f} s"
        self._console.print(f"{clock}  {text}", markup=False, highlight=False, soft_wrap=True)
