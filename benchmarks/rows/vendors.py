"""Our operators in one process, next to clients that are written by hand, in two rows of measurements."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import asdict
from typing import Literal

from benchmarks.bench import RECORDS, Bench
from benchmarks.peers.client import Client, Measured, measure
from benchmarks.peers.server import BareServer
from benchmarks.report import Row

CONCURRENCY = 20
#: Each client runs so often, in turns with the others, and its best run counts; and where nothing is wanted.
ROUNDS, ROUNDS_UNJUDGED = 2, 1
#: Records of a loop that sends one after the other.
LOOP = 1_000
TITLES = {
    "mybpm": "MyBPM upserts",
    "omflow": "OMFlow opens",
    "kiban": "Kiban starts",
    "blizwork": "BlizWork inits",
}
_names = itertools.count(1)


def upserts(bench: Bench) -> list[Row]:
    """Measure upserts, whose connections are pooled."""
    return _rows(bench, "mybpm", is_target=True)


def starts(bench: Bench) -> list[Row]:
    """Measure what is sent once, each on a connection of its own."""
    return [
        *_rows(bench, "omflow", is_target=True),
        *_rows(bench, "kiban", is_target=False),
        *_rows(bench, "blizwork", is_target=False),
    ]


def _rows(bench: Bench, work: str, *, is_target: bool) -> list[Row]:
    bench.say(f"{TITLES[work]}, the bare server")
    rounds = ROUNDS if is_target else ROUNDS_UNJUDGED
    bare = _measured(bench, bench.bare, work, rounds)
    bench.say(f"{TITLES[work]}, the server that takes 20 ms")
    slow = _measured(bench, bench.slow, work, rounds)
    fresh = "" if work == "mybpm" else ", a new connection each"
    clients = {
        "raw": f"aiohttp{fresh}",
        "threads": f"requests in threads{fresh}",
        "loop": f"requests in a loop{fresh}",
    }
    rows = []
    for name, peer in clients.items():
        bound = is_target and name == "threads"
        each = "one at a time" if name == "loop" else f"{CONCURRENCY} at a time"
        rows.append(
            Row(
                what=f"CPU a record of {RECORDS:,} {TITLES[work]}; the bare server, {CONCURRENCY} at a time",
                value=min(one.cost for one in bare["ours"]),
                unit="µs",
                peer=f"{peer}, {each}",
                peer_value=min(one.cost for one in bare[name]),
                most=3 if bound else None,
            )
        )
        rows.append(
            Row(
                what=f"{RECORDS:,} {TITLES[work]}; a server that takes 20 ms, {CONCURRENCY} at a time",
                value=max(one.rate for one in slow["ours"]),
                unit="records/s",
                peer=f"{peer}, {each}",
                peer_value=max(one.rate for one in slow[name]),
                least=0.8 if bound else None,
            )
        )
    return rows


def _measured(bench: Bench, server: BareServer, work: str, rounds: int) -> Mapping[str, list[Measured]]:
    """Measure all clients in turns, so that a busy machine slows all alike."""

    def client(kind: Literal["requests", "aiohttp", "operator"], concurrency: int, count: int) -> Client:
        return Client(
            kind=kind,
            work=work,
            url=server.url,
            records=bench.records(count),
            concurrency=concurrency,
        )

    clients = {
        "ours": client("operator", CONCURRENCY, RECORDS),
        "raw": client("aiohttp", CONCURRENCY, RECORDS),
        "threads": client("requests", CONCURRENCY, RECORDS),
        "loop": client("requests", 1, LOOP),
    }
    found: dict[str, list[Measured]] = {name: [] for name in clients}
    for _ in range(rounds):
        for name, one in clients.items():
            new = Client(**{**asdict(one), "results": bench.results(f"{work}-{next(_names)}")})
            found[name].append(measure(new))
    return found
