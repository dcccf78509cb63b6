"""Thousands of waits in one event loop, as in a triggerer, beside as many of Airflow's http provider."""

from __future__ import annotations

from dataclasses import dataclass

from airflow_provider_workflows.provider import get_provider_info
from benchmarks.bench import Bench
from benchmarks.peers.waiter import INTERVAL, Cost, Waiting, hold
from benchmarks.report import Row

#: The http provider's 20,000 waits need three cores at least.
COUNTS, HTTP_COUNTS = (1_000, 5_000, 20_000), (1_000, 5_000)
#: The targets for so many waits: part of a core, and milliseconds.
JUDGED, MOST_CPU, MOST_LAG = 5_000, 12.0, 5.0
#: Percent of the time for which others may have had the processors, so that the lag tells of the waits.
MOST_STALLED = 5.0
#: By how much the cost may grow when the waits grow twentyfold.
GROWTH = 20 * 1.1
PEER = "HttpSensorTrigger"


@dataclass(frozen=True)
class Measured:
    """
    What waits took, and what the vendor saw of them.

    :param requests: in the time that was measured
    """

    cost: Cost
    requests: int

    @property
    def rate(self) -> float:
        """Requests in an interval between two looks."""
        return self.requests / self.cost.seconds * INTERVAL


def waits(bench: Bench) -> list[Row]:
    """Hold so many waits for OMFlow orders, Kiban executions and MyBPM fields, a third each."""
    http = {
        count: _held(bench, Waiting(kind="http", count=count, url=bench.bare.url)) for count in HTTP_COUNTS
    }
    rows: list[Row] = []
    for together in _ways():
        ours = {
            count: _held(bench, Waiting(kind="ours", count=count, url=bench.bare.url, together=together))
            for count in COUNTS
        }
        way = "asked together" if together else "each asked singly"
        for count, found in ours.items():
            rows += _rows(count, way, found, http.get(count))
        rows += _grown(way, ours[COUNTS[0]], ours[COUNTS[-1]])
    return rows


def _ways() -> tuple[bool, ...]:
    """Whether waits are asked together: both, if the package can do it."""
    options = get_provider_info()["config"]["workflows"]["options"]
    return (False, True) if "ask_together" in options else (False,)


def _held(bench: Bench, waiting: Waiting) -> Measured:
    how = "" if waiting.kind == "http" else ", together" if waiting.together else ", singly"
    bench.say(f"{waiting.count:,} waits, {waiting.kind}{how}")
    seen: list[int] = []

    def count() -> None:
        seen.append(sum(bench.bare.counts()["paths"].values()))

    bench.bare.forget()
    cost = hold(waiting, count, count)
    if cost.over:
        raise RuntimeError(f"{cost.over} of {waiting.count} waits have ended, though nothing had")
    return Measured(cost, seen[1] - seen[0])


def _rows(count: int, way: str, ours: Measured, http: Measured | None) -> list[Row]:
    what = f"{count:,} waits, a look each {INTERVAL:.0f} s, {way}"
    judged = count == JUDGED
    peer = PEER if http else ""

    def row(name: str, unit: str, scale: float, read: str, most: float | None = None) -> list[Row]:
        value = getattr(ours.cost, read) * scale
        beside = Row(
            what=f"{name}: {what}",
            value=value,
            unit=unit,
            peer=peer,
            peer_value=(getattr(http.cost, read) * scale or None) if http else None,
        )
        target = Row(what=f"{name} of ours: {what}", value=value, unit=unit, most=most)
        return [beside] if most is None else [beside, target]

    return [
        *row("CPU", "% of a core", 100, "cpu", MOST_CPU if judged else None),
        *row("lag of the loop, p99", "ms", 1000, "lag", MOST_LAG if judged else None),
        *row(
            "time in which others had the processors", "%", 100, "stalled", MOST_STALLED if judged else None
        ),
        *row("memory a wait", "KiB", 1 / 1024, "memory"),
        *row("open files", "", 1, "files"),
        Row(
            what=f"requests that the vendors see in {INTERVAL:.0f} s: {what}",
            value=ours.rate,
            unit="",
            peer=peer,
            peer_value=http.rate if http else None,
        ),
    ]


def _grown(way: str, few: Measured, many: Measured) -> list[Row]:
    """Of each cost, the growth from the fewest waits to the most."""
    costs = {
        "CPU": (few.cost.cpu, many.cost.cpu),
        "memory": (few.cost.memory * COUNTS[0], many.cost.memory * COUNTS[-1]),
        "open files": (few.cost.files, many.cost.files),
        "requests": (few.rate, many.rate),
    }
    return [
        Row(
            what=f"{name}, {way}: {COUNTS[-1]:,} waits, as a multiple of {COUNTS[0]:,}",
            value=after / max(before, 1e-9),
            unit="x",
            most=GROWTH,
        )
        for name, (before, after) in costs.items()
    ]
