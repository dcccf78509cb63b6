"""The groups of measurements, in the order in which they are made."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from benchmarks.bench import Bench
from benchmarks.report import Row
from benchmarks.rows.limits import limits
from benchmarks.rows.memory import memory
from benchmarks.rows.redis import redis
from benchmarks.rows.resume import resume
from benchmarks.rows.tasks import tasks
from benchmarks.rows.vendors import starts, upserts

GROUPS: Mapping[str, Callable[[Bench], list[Row]]] = {
    "tasks": tasks,
    "upserts": upserts,
    "starts": starts,
    "limits": limits,
    "redis": redis,
    "memory": memory,
    "resume": resume,
}
