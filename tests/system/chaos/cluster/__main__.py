"""
Faults of an Airflow on more than one machine, all of which are on this one.

usage: REDIS=/path/to/redis-server python -m tests.system.chaos.cluster [--short] [--only PATTERN] [--size N]

A run of all cells writes its table into the documentation. Exit codes: as of :mod:`tests.system.chaos`.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from functools import partial

from rich.console import Console

from dev.ports import LOOPBACK
from dev.process import interruptible
from dev.redis_server import redis_server
from tests.system.chaos import report
from tests.system.chaos.cell import CellResult
from tests.system.chaos.cluster.deployments import deployment
from tests.system.chaos.cluster.network import Network, NoNetwork, network
from tests.system.chaos.cluster.results import FILE, FOLDER, write_json, write_page
from tests.system.chaos.program import parser, run

SIZE, SHORT_SIZE = 12, 6


def main() -> int:
    options = parser("tests.system.chaos.cluster", __doc__.split("\n")[1]).parse_args()
    size = options.size or (SHORT_SIZE if options.short else SIZE)
    with contextlib.ExitStack() as stack:
        made = _network(stack)
        hosts = [made.addresses["Redis"], LOOPBACK] if made else [LOOPBACK]
        program = os.environ.get("REDIS", "redis-server")
        redis = stack.enter_context(redis_server(program, FOLDER, hosts=hosts))
        all_cells = deployment(redis, made, short=options.short)
        whole = made is not None and not (options.only or options.short)
        show = partial(_show, began=time.monotonic(), whole=whole)
        return run([all_cells], options.only, size=size, show=show)


def _network(stack: contextlib.ExitStack) -> Network | None:
    try:
        return stack.enter_context(network(FOLDER))
    except NoNetwork as error:
        print(f"left out: what cuts a worker off from the network, since {error}", flush=True)
        return None


def _show(results: list[CellResult], console: Console, *, began: float, whole: bool) -> None:
    console.print(report.table(results))
    notes = [f"{result.fault}: {result.note}" for result in results if result.note]
    for line in (*notes, *report.summary(results)):
        console.print(line, markup=False, highlight=False, soft_wrap=True)
    write_json(results, time.monotonic() - began)
    console.print(f"The same as JSON: {FILE}", soft_wrap=True, highlight=False)
    if whole:
        console.print(f"and in the documentation: {write_page()}", soft_wrap=True, highlight=False)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
