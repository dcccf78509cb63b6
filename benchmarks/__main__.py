"""
Measures the package against what one would use without it, side by side in one run.

usage: python -m benchmarks [ROW …]

A ROW is a group of measurements; all by default, which takes about an hour. Figures go to
``.cache/bench/results.json`` and into ``docs/benchmarks.md``, where those of other groups stay.

Exit code: 0 if all targets hold, 1 if one does not or could not be measured, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Mapping

from rich.console import Console

from benchmarks import report
from benchmarks.bench import Bench
from benchmarks.report import Row
from benchmarks.rows.end_to_start import end_to_start
from benchmarks.rows.intervals import intervals
from benchmarks.rows.limits import limits
from benchmarks.rows.looks import looks
from benchmarks.rows.memory import memory
from benchmarks.rows.redis import redis
from benchmarks.rows.resume import resume
from benchmarks.rows.tasks import tasks
from benchmarks.rows.together import together
from benchmarks.rows.vendors import starts, upserts
from benchmarks.rows.waits import waits
from dev.process import interruptible

#: In the order in which they are measured.
GROUPS: Mapping[str, Callable[[Bench], list[Row]]] = {
    "tasks": tasks,
    "upserts": upserts,
    "starts": starts,
    "looks": looks,
    "limits": limits,
    "redis": redis,
    "together": together,
    "memory": memory,
    "resume": resume,
    "intervals": intervals,
    "end_to_start": end_to_start,
    "waits": waits,
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="Measure the package.")
    parser.add_argument(
        "rows", nargs="*", metavar="ROW", help=f"of {', '.join(GROUPS)}; separated by spaces or commas"
    )
    words = " ".join(parser.parse_args().rows).replace(",", " ").split()
    if unknown := [word for word in words if word not in GROUPS]:
        parser.error(f"unknown: {', '.join(unknown)}. Rows: {', '.join(GROUPS)}")
    console = Console() if sys.stdout.isatty() else Console(width=160)
    found, failed = _measure(words or list(GROUPS), console)
    report.show(found, console)
    console.print(f"Written: {report.write_json(found)}", highlight=False, soft_wrap=True)
    for name in failed:
        console.print(f"{name} could not be measured", style="red")
    console.print(f"Written: {report.write_page(list(GROUPS))}", highlight=False, soft_wrap=True)
    return 0 if not failed and all(row.holds is not False for rows in found.values() for row in rows) else 1


def _measure(names: list[str], console: Console) -> tuple[dict[str, list[Row]], list[str]]:
    found: dict[str, list[Row]] = {}
    failed: list[str] = []
    with contextlib.ExitStack() as stack:
        bench = Bench(console, stack)
        for name in names:
            began = time.monotonic()
            console.print(f"[bold]{name}[/bold]")
            try:
                found[name] = GROUPS[name](bench)
            except Exception:
                # What the others have measured must not be lost.
                console.print_exception()
                failed.append(name)
            console.print(f"  {time.monotonic() - began:.0f} s", highlight=False)
    return found, failed


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
