"""End to end on a real Airflow: many records in one task, and a mapped HTTP task for each."""

from __future__ import annotations

from benchmarks.bench import RECORDS, Bench
from benchmarks.report import Row

#: As in the DAG file.
MAPPED = 200


def tasks(bench: Bench) -> list[Row]:
    """Upsert records into the sandbox's MyBPM, and count them there."""
    bench.say(f"{MAPPED} upserts as mapped tasks")
    bench.airflow.wait_for_dag("bench_mapped")
    bench.control.reset()
    mapped = bench.run_dag("bench_mapped").seconds
    _check(bench, MAPPED)
    bench.say(f"{RECORDS:,} upserts in one task")
    bench.control.reset()
    many = bench.run_dag("bench_many").seconds
    _check(bench, RECORDS)
    each = mapped / MAPPED
    peer = f"HttpOperator mapped, {MAPPED} tasks"
    where = "a DAG run, Airflow on PostgreSQL, parallelism 4, the sandbox's MyBPM"
    return [
        Row(
            what=f"{RECORDS:,} MyBPM upserts end to end: {where}",
            value=RECORDS / many,
            unit="records/s",
            peer=peer,
            peer_value=MAPPED / mapped,
            least=100,
        ),
        Row(
            what=f"the same run's time; the peer's is scaled from {MAPPED} tasks to {RECORDS:,}",
            value=many,
            unit="s",
            peer=peer,
            peer_value=each * RECORDS,
        ),
    ]


def _check(bench: Bench, expected: int) -> None:
    created = bench.control.effects("mybpm")["created"]
    if created != expected:
        raise RuntimeError(f"the sandbox's MyBPM has {created} instances, not {expected}")
