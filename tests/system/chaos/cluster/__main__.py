"""
Faults of an Airflow on more than one machine, all of which are on this one.

usage: REDIS=/path/to/redis-server python -m tests.system.chaos.cluster [--short] [--only PATTERN] [--size N]

Exit codes: as of :mod:`tests.system.chaos`.
"""

from __future__ import annotations

import contextlib
import os
import sys

from rich.console import Console

from dev.layout import CACHE
from dev.ports import LOOPBACK
from dev.process import interruptible
from dev.redis_server import redis_server
from tests.system.chaos import report
from tests.system.chaos.cell import CellResult
from tests.system.chaos.cluster.deployments import deployment
from tests.system.chaos.cluster.network import Network, NoNetwork, network
from tests.system.chaos.program import parser, run

FOLDER = CACHE / "cluster"
SIZE, SHORT_SIZE = 12, 6


def main() -> int:
    options = parser("tests.system.chaos.cluster", __doc__.split("\n")[1]).parse_args()
    size = options.size or (SHORT_SIZE if options.short else SIZE)
    with contextlib.ExitStack() as stack:
        made = _network(stack)
        hosts = [made.addresses["Redis"], LOOPBACK] if made else [LOOPBACK]
        program = os.environ.get("REDIS", "redis-server")
        redis = stack.enter_context(redis_server(program, FOLDER, hosts=hosts))
        return run([deployment(redis, made, short=options.short)], options.only, size=size, show=_show)


def _network(stack: contextlib.ExitStack) -> Network | None:
    try:
        return stack.enter_context(network(FOLDER))
    except NoNetwork as error:
        print(f"left out: what cuts a worker off from the network, since {error}", flush=True)
        return None


def _show(results: list[CellResult], console: Console) -> None:
    console.print(report.table(results))
    for line in report.summary(results):
        console.print(line, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
