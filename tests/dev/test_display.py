"""What the demo prints."""

from __future__ import annotations

import io

from rich.console import Console
from rich.table import Table

from dev.airflow_client import TaskInstance
from dev.display import RunProgress, tasks_table, vendors_table
from dev.outcome import TaskRow, VendorRow


def printed(table: Table) -> list[list[str]]:
    """Cells of the rows below the heading."""
    console = Console(file=io.StringIO(), width=120)
    with console.capture() as capture:
        console.print(table)
    return [
        [cell.strip() for cell in line.strip("│").split("│")]
        for line in capture.get().splitlines()
        if line.startswith("│")
    ]


def instance(task_id: str, state: str | None, map_index: int = -1) -> TaskInstance:
    return TaskInstance(
        task_id=task_id,
        map_index=map_index,
        state=state,
        try_number=1,
        max_tries=0,
        start_date=None,
        duration=None,
    )


def test_tasks() -> None:
    rows = [
        TaskRow(task="open[0]", state="success", vendor="OMFlow", remote_id="purchase/1", seconds=1.234),
        TaskRow(task="report", state="skipped", vendor="", remote_id="", seconds=None),
    ]
    assert printed(tasks_table(rows)) == [
        ["open[0]", "success", "OMFlow", "purchase/1", "1.2 s"],
        ["report", "skipped", "", "", ""],
    ]


def test_task_ids_are_not_read_as_markup() -> None:
    rows = [TaskRow(task="a[bold]b", state="success", vendor="", remote_id="[/]", seconds=None)]
    assert printed(tasks_table(rows)) == [["a[bold]b", "success", "", "[/]", ""]]


def test_vendors() -> None:
    row = VendorRow(vendor="OMFlow", order="purchase/1", stops=("review", "approve"), state="finished")
    assert printed(vendors_table([row])) == [["OMFlow", "purchase/1", "review > approve", "finished"]]


def test_progress_without_terminal_is_a_line_for_each_change() -> None:
    output = io.StringIO()
    with RunProgress(Console(file=output)) as progress:
        progress.show([instance("open", None, 0), instance("wait", None)], seconds=0.1)
        progress.show([instance("open", "running", 0), instance("wait", None)], seconds=1.0)
        progress.show([instance("open", "running", 0), instance("wait", None)], seconds=2.0)
        progress.show([instance("open", "success", 0), instance("wait", "deferred")], seconds=3.0)
    assert output.getvalue().splitlines() == [
        "   1.0 s  open[0]: running",
        "   3.0 s  open[0]: success",
        "   3.0 s  wait: deferred",
    ]
