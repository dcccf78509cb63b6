"""A vendor in memory that gets many records, each with a fate of its own, and the tasks that send them."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import signal
import threading
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

from airflow_provider_workflows.core.bulk.operator import ManyOperator
from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Unknown,
    Words,
)
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.core.submission.terms import Clock, options
from airflow_provider_workflows.exceptions import OutcomeUnknown, Rejected, ServiceUnavailable
from tests.core.harness import StateStore, TaskInstance

#: When each attempt begins, by its own clock.
START = 1_800_000_000.0


class Killed(BaseException):
    """The process is killed where this is raised."""


class TimedOut(BaseException):
    """What a signal's handler raises, as Airflow's does for ``execution_timeout``."""


class SwiftClock(Clock):
    """A clock that does not wait: whoever would wake first moves it on, once the others had time."""

    def __init__(self) -> None:
        self.now = START
        self.time = self.monotonic = self.boottime = lambda: self.now
        self._sleepers: list[float] = []

    async def asleep(self, seconds: float) -> None:
        until = self.now + seconds
        self._sleepers.append(until)
        try:
            while self.now < until:
                await asyncio.sleep(0.003)
                if until == min(self._sleepers):
                    self.now = max(self.now, until)
        finally:
            self._sleepers.remove(until)


#: What may become of one sending: its effect, and what the sender gets instead of an answer.
FATES: Mapping[str, tuple[bool, BaseException | None]] = {
    "done": (True, None),
    "rejected": (False, Rejected("no such customer", code=7)),
    "away": (False, ServiceUnavailable("the vendor is down")),
    "lost after": (True, OutcomeUnknown("no answer came")),
    "lost before": (False, OutcomeUnknown("no answer came")),
    "killed after": (True, Killed()),
    "killed before": (False, Killed()),
}


@dataclass
class Crowd:
    """
    The vendor.

    :param fates: of the sendings of each record, in order; after them, all goes well
    """

    fates: dict[str, list[str]] = field(default_factory=dict)
    #: What happened, by record: the ids.
    effects: dict[str, list[int]] = field(default_factory=dict)
    marks: dict[str, tuple[str, int]] = field(default_factory=dict)
    sent: list[str] = field(default_factory=list)
    looks: list[int] = field(default_factory=list)
    #: What happens right before a sending of a record.
    at: dict[str, Callable[[], None]] = field(default_factory=dict)
    #: What happens right before a call of the vendor, by the call's number over all attempts.
    before: dict[int, Callable[[], None]] = field(default_factory=dict)
    calls: int = 0
    under_way: int = 0
    most_under_way: int = 0
    _ids: Any = field(default_factory=lambda: itertools.count(1))

    def send(self, name: str, mark: str) -> int:
        self.at.pop(name, lambda: None)()
        self.sent.append(name)
        fates = self.fates.get(name, [])
        happens, answer = FATES[fates.pop(0) if fates else "done"]
        id: int = next(self._ids)
        if happens:
            self.effects.setdefault(name, []).append(id)
            self.marks[mark] = (name, id)
        if answer is not None:
            raise answer.with_message(str(answer)) if isinstance(answer, OutcomeUnknown) else answer
        return id


@dataclass(frozen=True)
class Nap:
    """A moment in which others go on; a step that the hook in memory knows."""


class Entry(Effect[Crowd]):
    """
    One record's effect.

    :param kind: ``marked`` carries a mark, ``blind`` cannot be found, ``upsert`` may be repeated
    """

    begins_run: ClassVar[bool] = True
    reads_baseline = False
    carries_mark = False
    repeatable = False

    def __init__(self, name: str, kind: str) -> None:
        self.carries_mark = kind == "marked"
        self.repeatable = kind == "upsert"
        self.kind = kind
        self.subject = "an entry"
        self.payload = name
        self.mark_place = "the entry's key" if self.carries_mark else ""
        self.words = Words(
            vendor="Vendor",
            verb="write",
            participle="written",
            noun="an entry",
            look_in="the list",
            look_for="an entry written",
        )
        self.name = name

    @property
    def turn(self) -> Hashable | None:
        return self.name if self.kind == "upsert" else None

    @property
    def group(self) -> Hashable | None:
        return "entries" if self.carries_mark else None

    def submit(self, api: Crowd, record: Record, *, again: bool) -> Operation[int]:
        api.under_way += 1
        api.most_under_way = max(api.most_under_way, api.under_way)
        try:
            yield Nap()  # type: ignore[misc]
            return api.send(self.name, record.mark)
        finally:
            api.under_way -= 1

    def look_up(self, api: Crowd, record: Record) -> Operation[LookupResult]:
        if self.kind == "upsert":
            return NotSent("a second one changes the same entry")
        if self.kind == "blind":
            return Unknown("it has no search")
        return (yield from self.look_up_many(api, [record]))[record.mark]

    def look_up_many(self, api: Crowd, records: Sequence[Record]) -> Operation[Mapping[str, LookupResult]]:
        yield Nap()  # type: ignore[misc]
        api.looks.append(len(records))
        known = {record.mark: api.marks.get(record.mark) for record in records}
        return {mark: NotSent() if one is None else Found(one[1]) for mark, one in known.items()}


class CrowdHook:
    """Runs operations on a vendor in memory."""

    conn_type = "vendor"
    timeout = 2.0
    where = "https://vendor.example clerk"

    def __init__(self, crowd: Crowd, store: MortalStore) -> None:
        self.crowd = crowd
        self.store = store

    def read(self, call: Callable[[Crowd], Operation[Any]]) -> Any:
        try:
            next(call(self.crowd))
        except StopIteration as end:
            return end.value
        raise AssertionError("nothing is read")

    async def arun(
        self,
        call: Callable[[Crowd], Operation[Any]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
    ) -> Any:
        operation = call(self.crowd)
        self.crowd.calls += 1
        self.crowd.before.pop(self.crowd.calls, lambda: None)()
        permit.check()
        try:
            while True:
                next(operation)
                await asyncio.sleep(0)
                permit.check()  # the process may have stood still
        except StopIteration as end:
            return end.value
        except Killed:
            self.store.dead = True
            raise
        finally:
            operation.close()


class EntriesOperator(ManyOperator):
    """Writes entries."""

    vendor = "Vendor"
    conn_id_field = "vendor_conn_id"
    hook_class = ""
    record_arguments = ("form",)

    def __init__(self, *, kind: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.kind = kind
        self.vendor_conn_id = "vendor_default"

    def effect(self, values: Mapping[str, Any], arguments: Mapping[str, Any]) -> Entry:
        return Entry(str(values["name"]), self.kind)


class MortalStore(StateStore):
    """
    A state store that takes nothing any more once its process is dead.

    :param dies_at: numbers of writes, over all attempts, at which the process dies
    """

    def __init__(self, dies_at: Sequence[int] = ()) -> None:
        super().__init__()
        self.dead = False
        self.dies_at = set(dies_at)
        #: Numbers of writes at which a signal strikes the main thread.
        self.strikes_at: set[int] = set()
        #: Says of what is to be written whether the process dies instead.
        self.dies_if: Callable[[Any], bool] | None = None
        self.writes = 0

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        self.writes += 1
        if self.writes in self.strikes_at:
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        self.dead = (
            self.dead or self.writes in self.dies_at or (self.dies_if is not None and self.dies_if(value))
        )
        if self.dead:
            raise ConnectionError("this process is dead")
        super().set(key, value, retention=retention)


class Seat:
    """One attempt's place at the state store, which refuses its writes once another has followed."""

    def __init__(self, table: Table) -> None:
        self._table = table
        table.seat = self

    def get(self, key: str) -> Any:
        return self._table.store.get(key)

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        if self._table.seat is not self:
            raise ConnectionError("a newer attempt has begun")
        self._table.store.set(key, value, retention=retention)

    def delete(self, key: str) -> None:
        self._table.store.delete(key)


class Table:
    """
    A task for many records, and what lasts of it from one attempt to the next.

    :param folder: for the results
    :param lasting: False for Airflow before 3.3
    """

    def __init__(
        self, crowd: Crowd, folder: Path | str, *, kind: str, lasting: bool = True, **fields: Any
    ) -> None:
        self.crowd = crowd
        self.folder = folder
        self.kind = kind
        self.fields = {"results": str(folder), **fields}
        self.ti = TaskInstance(dag_id="a_dag", task_id="entries")
        self.ti.run_id = "run"
        self.store = MortalStore()
        self.lasting = lasting
        self.task: EntriesOperator
        self.seat: Seat | None = None
        self.clock: SwiftClock

    def run(self, records: object) -> Any:
        """Run the next attempt."""
        return self._attempt(records, lambda task, context: task.execute(context))

    def resume(self, records: object, event: object) -> Any:
        """Go on with an answer to the question that the task asked."""
        return self._attempt(
            records, lambda task, context: task.resume_execution("answered", {"event": event}, context)
        )

    def _attempt(self, records: object, step: Callable[[EntriesOperator, Any], Any]) -> Any:
        self.task = task = EntriesOperator(task_id="entries", kind=self.kind, records=records, **self.fields)
        task.__dict__["hook"] = CrowdHook(self.crowd, self.store)
        context: Any = {"ti": self.ti, **({"task_state_store": Seat(self)} if self.lasting else {})}
        self.clock = SwiftClock()
        try:
            with options(clock=self.clock, settle=60.0):
                return step(task, context)
        finally:
            self.ti.try_number += 1
            self.store.dead = False

    def overtake(self, records: object) -> None:
        """Run the next attempt to its end, while this one stands still."""
        clock = self.clock

        def run() -> None:
            with contextlib.suppress(BaseException):
                self.run(records)

        newer = threading.Thread(target=run)
        newer.start()
        newer.join()
        clock.now += self.clock.now - START
        self.clock = clock

    @property
    def results(self) -> dict[int, dict[str, Any]]:
        """The results by line; each line has at most one."""
        from airflow_provider_workflows.core.bulk.table.results import ResultsFolder
        from airflow_provider_workflows.core.runtime.storage import storage_path

        folder = ResultsFolder(storage_path(f"{self.folder}/a_dag/run/entries", "results"))
        results = [result.to_json() for result in folder.read()]
        assert len({one["line"] for one in results}) == len(results), "two results of one record"
        return {one["line"]: one for one in results}


def rows(*names: str) -> list[dict[str, str]]:
    """Return records of one column."""
    return [{"name": name} for name in names]


def check(kind: str, result: dict[str, Any], effects: list[int]) -> None:
    """Check that a record's result tells what happened, at most once."""
    if kind != "upsert":  # which may happen again
        assert len(effects) <= 1
    match result["outcome"]:
        case "done":
            assert result["id"] in effects
        case "rejected":
            assert kind == "upsert" or not effects
        case other:
            assert (other, kind) == ("unknown", "blind")
