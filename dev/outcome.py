"""What a run left on both sides, in Airflow and at the vendors, and whether the two agree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dev.vendors import vendor_of


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """A task of the run; ``vendor`` and ``remote_id`` are empty if it dealt with no vendor."""

    task: str
    state: str
    vendor: str
    remote_id: str
    seconds: float | None


@dataclass(frozen=True, kw_only=True)
class VendorRow:
    """What a vendor holds."""

    vendor: str
    order: str
    stops: tuple[str, ...]
    state: str


def task_row(
    *, task: str, state: str | None, seconds: float | None, remote: Mapping[str, str] | None
) -> TaskRow:
    """
    Row of a task.

    :param task: its id
    :param state: as Airflow says; None before it is scheduled
    :param seconds: how long it ran
    :param remote: what it pushed about the vendor's side: ``vendor`` and ``id``
    """
    named = remote or {}
    return TaskRow(
        task=task,
        state=state or "none",
        vendor=named.get("vendor", ""),
        remote_id=named.get("id", ""),
        seconds=seconds,
    )


def vendor_rows(records: Iterable[Mapping[str, Any]]) -> list[VendorRow]:
    """
    Rows of what the sandbox holds.

    :param records: as its control API tells them
    """
    return [
        VendorRow(
            vendor=vendor_of(record["vendor"]),
            order=record["id"],
            stops=tuple(record["stops"]),
            state=record["state"],
        )
        for record in records
    ]


def disagreements(tasks: Sequence[TaskRow], held: Sequence[VendorRow]) -> list[str]:
    """
    Return what is not as it should be after a run, a sentence each; nothing if all is well.

    :param tasks: the run's tasks
    :param held: what the vendors hold
    """
    named = {(row.vendor, row.remote_id) for row in tasks if row.remote_id}
    holding = Counter((row.vendor, row.order) for row in held)
    found = [f"task {row.task} is {row.state}, not success" for row in tasks if row.state != "success"]
    found += [
        f"{vendor} holds {order}, which no task names" for vendor, order in sorted(holding.keys() - named)
    ]
    found += [
        f"a task names {order}, which {vendor} does not hold"
        for vendor, order in sorted(named - holding.keys())
    ]
    found += [
        f"{vendor} holds {order} {times} times"
        for (vendor, order), times in sorted(holding.items())
        if times > 1
    ]
    found += [
        f"{row.vendor} says {row.order} is {row.state}, not finished"
        for row in held
        if row.state != "finished"
    ]
    if not tasks:
        found.append("the run has no tasks")
    if not held:
        found.append("no vendor holds anything")
    return found
