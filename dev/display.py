"""What the demo shows: the course of a run, and two tables at its end."""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from rich.live import Live
from rich.table import Table
from rich.text import Text

from dev.airflow_client import TaskInstance
from dev.outcome import TaskRow, VendorRow

if TYPE_CHECKING:
    from rich.console import Console

STYLES = {
    "success": "green",
    "finished": "green",
    "failed": "red",
    "upstream_failed": "red",
    "running": "cyan",
    "deferred": "magenta",
    "up_for_retry": "yellow",
}


# Cells are Text, since rich reads brackets in a plain string as its markup.


def tasks_table(rows: Sequence[TaskRow]) -> Table:
    table = Table("Task", "State", "Vendor", title="Tasks in Airflow", title_justify="left")
    table.add_column("Remote id", overflow="fold")
    table.add_column("Duration", justify="right")
    for row in rows:
        seconds = "" if row.seconds is None else f"{row.seconds:.1f} s"
        table.add_row(Text(row.task), _state(row.state), Text(row.vendor), Text(row.remote_id), seconds)
    return table


def vendors_table(rows: Sequence[VendorRow]) -> Table:
    table = Table(
        "Vendor", "Record", "Stops passed", "State", title="Held by the vendors", title_justify="left"
    )
    for row in rows:
        table.add_row(Text(row.vendor), Text(row.order), Text(" > ".join(row.stops)), _state(row.state))
    return table


def _state(state: str) -> Text:
    return Text(state, style=STYLES.get(state, ""))


@contextlib.contextmanager
def step(console: Console, label: str) -> Iterator[None]:
    """
    Show a sign of life while something takes its time.

    :param console: where to show it
    :param label: what is going on
    """
    if not console.is_terminal:
        console.print(f"{label} ...", markup=False)
        yield
        return
    with console.status(label):
        yield


class RunProgress:
    """
    Shows the tasks of a run as they move on: in place on a terminal, a line for each change elsewhere.

    A context manager.

    :param console: where to show them
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._live = Live(console=console, transient=True) if console.is_terminal else None
        self._shown: dict[str, str] = {}

    def __enter__(self) -> RunProgress:
        if self._live:
            self._live.start()
        return self

    def __exit__(self, *details: object) -> None:
        if self._live:
            self._live.stop()

    def show(self, tasks: Sequence[TaskInstance], *, seconds: float) -> None:
        """
        Show where the tasks are.

        :param tasks: the tasks of the run
        :param seconds: since the run began
        """
        states = {task.label: task.state or "none" for task in tasks}
        if self._live:
            self._live.update(_course(states, seconds=seconds))
        else:
            for label, state in states.items():
                if state not in ("none", self._shown.get(label)):
                    self._console.print(f"{seconds:6.1f} s  {label}: {state}", markup=False, highlight=False)
        self._shown = states


def _course(states: dict[str, str], *, seconds: float) -> Table:
    counts = ", ".join(f"{number} {state}" for state, number in Counter(states.values()).items())
    table = Table("Task", "State", title=f"{seconds:.0f} s: {counts}", title_justify="left")
    for label, state in states.items():
        table.add_row(Text(label), _state(state))
    return table
