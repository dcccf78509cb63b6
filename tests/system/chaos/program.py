"""What the programs have in common that run deployments and show what came of it."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from rich.console import Console

from dev.airflow_home import AirflowError
from dev.postgres import PostgresError
from dev.sandbox_process import SandboxError
from tests.system.chaos import runner
from tests.system.chaos.cell import CellResult
from tests.system.chaos.deployment import Deployment
from tests.system.chaos.progress_display import ProgressDisplay

Show = Callable[[list[CellResult], Console], None]


def parser(module: str, description: str) -> argparse.ArgumentParser:
    """
    Return a parser of the usual options.

    :param module: of the program
    :param description: what it does
    """
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--short", action="store_true", help="a few cells with a few submissions each")
    made.add_argument(
        "--only", default="", metavar="PATTERN", help="cells with all these words; a|b for either"
    )
    made.add_argument("--size", type=int, metavar="N", help="submissions a cell")
    return made


def run(deployments: Sequence[Deployment], only: str, *, size: int, show: Show) -> int:
    """
    Run deployments, show the rows, also of what was interrupted, and return the exit code.

    :param deployments: one after the other
    :param only: words of the cells to run; all if empty
    :param size: submissions a cell
    :param show: gets the rows, if there are any
    """
    console = Console() if sys.stdout.isatty() else Console(width=200)
    chosen = [deployment.only(only) for deployment in deployments]
    chosen = [deployment for deployment in chosen if deployment.lanes]
    total = sum(len(lane.cells) for deployment in chosen for lane in deployment.lanes)
    if not total:
        console.print(f"no cell matches {only!r}", markup=False)
        return 2
    results: list[CellResult] = []
    progress = ProgressDisplay(console, total=total)
    broken = False
    try:
        for deployment in chosen:
            try:
                runner.run(deployment, size=size, progress=progress, report=results.append)
            except (AirflowError, PostgresError, SandboxError) as error:
                broken = True
                console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
    finally:
        if results:
            show(results, console)
    return 0 if not broken and len(results) == total and all(one.passed for one in results) else 1
