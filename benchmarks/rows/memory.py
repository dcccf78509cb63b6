"""Memory of one task, by the number of its records."""

from __future__ import annotations

from benchmarks.bench import RECORDS, Bench
from benchmarks.peers.client import Client, Measured, measure
from benchmarks.report import Row

MANY = 1_000_000
CONCURRENCY = 50
MEGA = 1e6


def memory(bench: Bench) -> list[Row]:
    """Upsert few and many records into the bare server, each in a new process."""
    few, many = (_measured(bench, count) for count in (RECORDS, MANY))
    unit = "MB"
    return [
        Row(
            what=f"most memory of the process, {MANY:,} MyBPM upserts",
            value=many.peak / MEGA,
            unit=unit,
            peer=f"{RECORDS:,} upserts",
            peer_value=few.peak / MEGA,
            most=1.2,
        ),
        Row(
            what=f"of that since the task began, {MANY:,} upserts",
            value=(many.peak - many.before) / MEGA,
            unit=unit,
            peer=f"{RECORDS:,} upserts",
            peer_value=(few.peak - few.before) / MEGA,
        ),
        Row(
            what=f"CPU a record, {MANY:,} upserts",
            value=many.cost,
            unit="µs",
            peer=f"{RECORDS:,} upserts",
            peer_value=few.cost,
        ),
    ]


def _measured(bench: Bench, count: int) -> Measured:
    bench.say(f"{count:,} records")
    bench.bare.forget()
    client = Client(
        kind="operator",
        work="mybpm",
        url=bench.bare.url,
        records=bench.records(count),
        concurrency=CONCURRENCY,
        results=bench.results(f"memory-{count}"),
    )
    found = measure(client)
    counts = bench.bare.counts()
    if (counts["records"], counts["repeated"]) != (count, 0):
        raise RuntimeError(f"the bare server has seen {counts}, not {count} records")
    return found
