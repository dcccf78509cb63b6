"""
Runs one client in a process of its own, and measures it.

usage: python -m benchmarks.peers.client JSON

Measured is from the first record's reading to the last one's answer: neither the interpreter's start nor
imports at module level count.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import resource
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any, Literal

from benchmarks.peers.work import WORKS, read_rows
from dev.layout import CACHE, ROOT, confined

#: Where a client's Airflow home is: nothing is read from it but the defaults.
HOME = CACHE / "bench" / "home"
PROFILES = CACHE / "bench" / "profiles"


@dataclass(frozen=True, kw_only=True)
class Client:
    """
    A client, and what it does.

    :param kind: what sends
    :param work: which of :data:`~benchmarks.peers.work.WORKS`
    :param url: of the server
    :param records: file of the records
    :param results: folder for our operator's results, which must not exist
    :param profile: name of the file for cProfile's findings, which make it slower; None for none
    """

    kind: Literal["requests", "aiohttp", "hook", "operator"]
    work: str
    url: str
    records: str
    concurrency: int
    results: str = ""
    profile: str | None = None


@dataclass(frozen=True, kw_only=True)
class Measured:
    """
    What a client took.

    :param sent: records that were taken
    :param seconds: from the first to the last
    :param cpu: seconds of processor time in the same span
    :param peak: most memory of the process ever, in bytes
    :param before: the same when the first record was about to be read
    """

    sent: int
    seconds: float
    cpu: float
    peak: int
    before: int

    @property
    def rate(self) -> float:
        """Records a second."""
        return self.sent / self.seconds

    @property
    def cost(self) -> float:
        """Microseconds of processor time a record."""
        return self.cpu / self.sent * 1e6


class ClientFailed(Exception):
    """A client ended without a measurement; the message has its last words."""


def measure(client: Client) -> Measured:
    """
    Run a client and return what it took.

    :raises ClientFailed: it failed
    """
    level = {"AIRFLOW__LOGGING__LOGGING_LEVEL": "INFO"}
    return Measured(**run_module("benchmarks.peers.client", json.dumps(asdict(client)), **level))


def run_module(module: str, *arguments: str, **variables: str) -> Any:
    """
    Run a module in a process of its own, and return the JSON in the last line that it prints.

    :param variables: of the process's environment
    :raises ClientFailed: it failed
    """
    run = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", module, *arguments],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
        env={**confined(), "AIRFLOW_HOME": str(HOME), **variables},
    )
    if run.returncode:
        said = "\n".join(run.stderr.splitlines()[-25:])
        raise ClientFailed(f"{module} {' '.join(arguments)} failed:\n{said}")
    return json.loads(run.stdout.splitlines()[-1])


def best(clients: dict[str, Client], rounds: int) -> dict[str, Measured]:
    """
    Measure several clients in turns, so that a busy machine slows all alike; return the cheapest of each.

    :param clients: by name
    """
    found: dict[str, list[Measured]] = {name: [] for name in clients}
    for number in range(rounds):
        for name, client in clients.items():
            fresh = Client(**{**asdict(client), "results": client.results and f"{client.results}-{number}"})
            found[name].append(measure(fresh))
    return {name: min(several, key=lambda one: one.cpu) for name, several in found.items()}


def _send(client: Client) -> int:
    # Each imports what it measures, and nothing else.
    work = WORKS[client.work]
    if client.kind == "operator":
        from benchmarks.peers.ours import by_operator

        return by_operator(
            work,
            client.url,
            records=client.records,
            results=client.results,
            concurrency=client.concurrency,
        )
    rows = read_rows(client.records)
    if client.kind == "hook":
        from benchmarks.peers.ours import by_hook

        return by_hook(work, client.url, rows, concurrency=client.concurrency)
    from benchmarks.peers import raw

    if client.kind == "requests":
        return raw.by_requests(work, client.url, rows, concurrency=client.concurrency)
    return asyncio.run(raw.by_aiohttp(work, client.url, rows, concurrency=client.concurrency))


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def _peak() -> int:
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _import(kind: str) -> None:
    """Import all that a client needs, since a hand-written one has that behind it as well."""
    modules = ["benchmarks.peers.raw"]
    if kind in ("hook", "operator"):
        core = "airflow_provider_workflows.core"
        transport = [f"{core}.transport.{name}_adapter" for name in ("aiohttp", "requests")]
        modules = ["airflow.sdk", f"{core}.bulk.runner", *transport, "benchmarks.peers.ours"]
    for name in modules:
        importlib.import_module(name)


def main() -> None:
    client = Client(**json.loads(sys.argv[1]))
    _import(client.kind)
    before, began, cpu = _peak(), time.monotonic(), _cpu()
    if client.profile is None:
        sent = _send(client)
    else:
        import cProfile

        PROFILES.mkdir(parents=True, exist_ok=True)
        profiler = cProfile.Profile()
        sent = profiler.runcall(_send, client)
        profiler.dump_stats(os.fspath(PROFILES / f"{client.profile}.prof"))
    taken = Measured(
        sent=sent, seconds=time.monotonic() - began, cpu=_cpu() - cpu, peak=_peak(), before=before
    )
    print(json.dumps(asdict(taken)), flush=True)


if __name__ == "__main__":
    main()
