"""Our operators in a process without Airflow's components, as a worker's task process runs them."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_workflows.core.runtime.serialization import import_string
from benchmarks.peers.work import Row, Work

CONNECTION = "bench"


@dataclass
class TaskInstance:
    """What the package asks of Airflow's ``ti``."""

    task_id: str = "task"
    dag_id: str = "bench"
    run_id: str = "run"
    try_number: int = 1
    max_tries: int = 0
    map_index: int = -1
    start_date: datetime = field(default_factory=lambda: datetime.now(UTC))
    xcoms: dict[str, Any] = field(default_factory=dict)

    def xcom_push(self, key: str, value: Any) -> None:
        self.xcoms[key] = value

    def xcom_pull(self, *tasks: object, **how: object) -> None:
        return None


class StateStore:
    """Airflow's task state store, in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str, default: Any = None) -> Any:
        return json.loads(self.values[key]) if key in self.values else default

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.values[key] = json.dumps(value)

    def delete(self, key: str) -> None:
        self.values.pop(key, None)


def connect(work: Work, url: str, **extra: Any) -> None:
    """Define the connection of a vendor's hook."""
    known = dict(work.connection)
    known["extra"] = {"proxies": {}, **known.get("extra", {}), **extra}
    os.environ[f"AIRFLOW_CONN_{CONNECTION.upper()}"] = json.dumps({**known, "host": url})


def arguments(work: Work, *, concurrency: int, **more: Any) -> Mapping[str, Any]:
    """Return the arguments of a vendor's operator, but for its records."""
    conn_id = f"{work.connection['conn_type']}_conn_id"
    return {
        "task_id": "task",
        "key": "key",
        "concurrency": concurrency,
        conn_id: CONNECTION,
        **work.arguments,
        **more,
    }


def by_operator(work: Work, url: str, *, records: str, results: str, concurrency: int) -> int:
    """Run the vendor's many-records operator, and return how many records are done."""
    connect(work, url)
    operator = import_string(f"airflow_provider_workflows.{work.operator}")
    task = operator(**arguments(work, concurrency=concurrency, records=records, results=results))
    summary = task.execute({"ti": TaskInstance(), "task_state_store": StateStore(), "run_id": "run"})
    return int(summary["done"])


def by_hook(work: Work, url: str, rows: Iterator[Row], *, concurrency: int) -> int:
    """Call the MyBPM hook's coroutine for each record, as a DAG author may do it by hand."""
    from airflow_provider_workflows.mybpm.hooks import MyBPMHook

    connect(work, url)
    hook = MyBPMHook(CONNECTION)
    sent = 0

    async def loop() -> None:
        nonlocal sent
        for row in rows:
            body = work.body(row)
            await hook.aupsert(body["boCode"], body["fieldValues"], unique_field="IIN")
            sent += 1

    async def all_loops() -> None:
        await asyncio.gather(*(loop() for _ in range(concurrency)))

    asyncio.run(all_loops())
    return sent
