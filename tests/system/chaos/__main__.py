"""
The chaos matrix: faults of every kind on a real Airflow, with the effects counted at the vendor.

usage: python -m tests.system.chaos [--short] [--only PATTERN]

Exit code: 0 if no submission was duplicated, lost, or sent again in silence, every fault really struck, and
the controls show duplicates; 1 if not; 2 if there is nothing to run; 130 after Ctrl-C.
"""

from __future__ import annotations

import sys

from rich.console import Console

from dev.layout import AIRFLOW_HOMES
from dev.process import interruptible
from tests.system.chaos import report
from tests.system.chaos.cell import CellResult
from tests.system.chaos.matrix import deployments
from tests.system.chaos.program import parser, run

FILE = AIRFLOW_HOMES / "chaos" / "matrix.md"
SIZE, SHORT_SIZE = 20, 5


def main() -> int:
    options = parser("tests.system.chaos", "The chaos matrix on a real Airflow.").parse_args()
    size = options.size or (SHORT_SIZE if options.short else SIZE)
    return run(deployments(short=options.short), options.only, size=size, show=_show)


def _show(results: list[CellResult], console: Console) -> None:
    console.print(report.table(results))
    for line in (*report.definitions(), "", *report.summary(results)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    report.write_markdown(results, FILE)
    console.print(f"The same as Markdown: {FILE}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
