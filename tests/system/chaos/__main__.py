"""
The chaos matrix: faults of every kind on a real Airflow, with the effects counted at the vendor.

usage: python -m tests.system.chaos [--short] [--only PATTERN]

Exit code: 0 if no submission was duplicated, lost, or sent again in silence, every fault really struck, and
the controls show duplicates; 1 if not; 2 if there is nothing to run; 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import sys

from rich.console import Console

from dev.airflow_home import AirflowError
from dev.layout import AIRFLOW_HOMES
from dev.postgres import PostgresError
from dev.process import interruptible
from dev.sandbox_process import SandboxError
from tests.system.chaos import report, runner
from tests.system.chaos.cell import CellResult
from tests.system.chaos.matrix import deployments
from tests.system.chaos.progress_display import ProgressDisplay

FILE = AIRFLOW_HOMES / "chaos" / "matrix.md"
SIZE, SHORT_SIZE = 20, 5


def main() -> int:
    options = _parser().parse_args()
    console = Console() if sys.stdout.isatty() else Console(width=200)
    chosen = [deployment.only(options.only) for deployment in deployments(short=options.short)]
    chosen = [deployment for deployment in chosen if deployment.lanes]
    total = sum(len(lane.cells) for deployment in chosen for lane in deployment.lanes)
    if not total:
        console.print(f"no cell matches {options.only!r}", markup=False)
        return 2
    results: list[CellResult] = []
    progress = ProgressDisplay(console, total=total)
    size = options.size or (SHORT_SIZE if options.short else SIZE)
    broken = False
    try:
        for deployment in chosen:
            try:
                runner.run(deployment, size=size, progress=progress, report=results.append)
            except (AirflowError, PostgresError, SandboxError) as error:
                broken = True
                console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
    finally:
        _show(results, console)
    return 0 if not broken and len(results) == total and all(one.passed for one in results) else 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m tests.system.chaos", description="The chaos matrix on a real Airflow."
    )
    parser.add_argument("--short", action="store_true", help="a few cells with a few submissions each")
    parser.add_argument(
        "--only", default="", metavar="PATTERN", help="cells with all these words; a|b for either"
    )
    parser.add_argument(
        "--size", type=int, metavar="N", help="submissions a cell instead of 20, or 5 if short"
    )
    return parser


def _show(results: list[CellResult], console: Console) -> None:
    if not results:
        return
    console.print(report.table(results))
    for line in (*report.definitions(), "", *report.summary(results)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    report.write_markdown(results, FILE)
    console.print(f"The same as Markdown: {FILE}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
