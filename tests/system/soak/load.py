"""Starts runs of all kinds at random, and ends at the vendors what waits there for a person."""

from __future__ import annotations

import functools
import itertools
import random
import re
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal, TypeVar

from dev.airflow_home import AirflowError
from tests.system.chaos.cell_context import ENDED
from tests.system.chaos.lifecycle.run_finisher import RunFinisher
from tests.system.chaos.tables.table_run import TableRun
from tests.system.chaos.tally import bare
from tests.system.chaos.variants import TABLES, VARIANTS, VENDORS
from tests.system.chaos.vendor import Mode, Variant
from tests.system.soak.plan import ARRIVALS, ENDS, RECORDS, SIZE, WAITS, dag_id_of, table_of, wait_of
from tests.system.soak.site import PREFIX, Site

T = TypeVar("T")
Kind = Literal["mapped", "table", "wait"]
#: Runs that are under way at the same time, by kind.
AT_ONCE: Mapping[Kind, int] = {"mapped": 4, "table": 1, "wait": 5}
#: Seconds for which a sensor's target waits for a person.
PATIENCE = (90.0, 240.0)
#: Seconds to make something at a vendor that may be away.
MAKE_SECONDS = 120.0


@dataclass(frozen=True)
class Job:
    """
    A run that was started.

    :param kind: what runs
    :param dag_id: its DAG
    :param run_id: the run
    :param vendor: by its connection type, of a run that waits
    :param variant: what it submits
    :param targets: what it moves or watches
    :param table: its table
    """

    kind: Kind
    dag_id: str
    run_id: str
    vendor: str = ""
    variant: Variant | None = None
    targets: tuple[str, ...] = ()
    table: TableRun | None = None


@dataclass
class Load:
    """
    All runs of a soak.

    :param site: where they run
    :param dice: decides which
    :param seed: goes into the runs' ids
    :param jobs: all that were started
    :param problems: what could not be started
    """

    site: Site
    dice: random.Random
    seed: int
    jobs: list[Job] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    _open: list[Job] = field(default_factory=list)
    _due: dict[str, tuple[float, Job]] = field(default_factory=dict)
    _starting: dict[Future[Job], Kind] = field(default_factory=dict)
    _vendors: set[str] = field(default_factory=set)
    _pool: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(sum(AT_ONCE.values())))
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        waits = self.site.waits
        control = self.site.context("", "", waits).control
        self._finishers = {name: RunFinisher(control, vendor.mount) for name, vendor in VENDORS.items()}
        self._client = self.site.context("", "", waits).airflow

    def begin(self) -> None:
        """Let the sandboxes recognise submissions, and the feeds begin."""
        for side in self.site.sides:
            control = self.site.context("", "", side).control
            for mount in {variant.mount for variant in side.variants}:
                control.watch(mount, rf"{re.escape(PREFIX)}[0-9a-z_-]+\.\d+")
        for dag_id in (ARRIVALS, ENDS):
            self._client.wait_for_dag(dag_id)
            looked = functools.partial(self._has_looked, dag_id)
            self._client.wait_until(looked, timeout=300, what=f"{dag_id} to look")

    def _has_looked(self, dag_id: str) -> bool | None:
        query = (
            "SELECT count(*) FROM asset_state_store s JOIN asset a ON a.id = s.asset_id WHERE a.name = :name"
        )
        return self.site.reader.rows(query, name=dag_id)[0][0] > 0 or None

    def work(self, *, more: bool) -> None:
        """
        Do what is due once.

        :param more: start further runs
        """
        self._take_started()
        for job in [job for job in self._open if self._has_ended(job)]:
            self._open.remove(job)
            self._vendors.discard(job.vendor)
        for run_id, (due, job) in list(self._due.items()):
            if time.monotonic() >= due or not more:
                self._finishers[job.vendor].finish([bare(one) for one in job.targets])
                del self._due[run_id]
        for finisher in self._finishers.values():
            finisher.work()
        for kind, most in AT_ONCE.items():
            while more and self._count(kind) < most:
                self._start(kind)

    def _count(self, kind: Kind) -> int:
        return sum(job.kind == kind for job in self._open) + sum(
            one == kind for one in self._starting.values()
        )

    def _take_started(self) -> None:
        for future in [future for future in self._starting if future.done()]:
            kind = self._starting.pop(future)
            try:
                job = future.result()
            except AirflowError as error:
                self.problems.append(f"a {kind} run could not be started: {error}")
                continue
            self.jobs.append(job)
            self._open.append(job)
            if kind == "wait":
                self._due[job.run_id] = (time.monotonic() + self.dice.uniform(*PATIENCE), job)

    @property
    def idle(self) -> bool:
        """Whether all that was started has ended."""
        return not (self._open or self._due or self._starting) and all(
            one.idle for one in self._finishers.values()
        )

    @property
    def under_way(self) -> int:
        """Runs that have not ended."""
        return len(self._open)

    def _has_ended(self, job: Job) -> bool:
        return self.site.reader.run_state(job.dag_id, job.run_id) in ENDED

    def _start(self, kind: Kind) -> None:
        """Begin to start a run, in a thread: a vendor in trouble makes first what it moves or watches."""
        run_id = f"{PREFIX}{self.seed}-{next(self._numbers)}"
        match kind:
            case "mapped":
                variant = self.dice.choice(sorted(VARIANTS.values(), key=lambda one: one.name))
                start = functools.partial(self._mapped, run_id, variant, self.dice.choice(variant.modes))
            case "table":
                start = functools.partial(self._table, run_id, self.dice.choice(TABLES))
            case "wait":
                vendor = self.dice.choice(sorted(VENDORS.keys() - self._vendors))
                self._vendors.add(vendor)
                start = functools.partial(self._wait, run_id, vendor)
        self._starting[self._pool.submit(start)] = kind

    def _mapped(self, run_id: str, variant: Variant, mode: Mode) -> Job:
        conn_id, dag_id = f"soak_{variant.name}", dag_id_of(variant, mode)
        targets = _targets(variant, conn_id, SIZE)
        context = self.site.context(conn_id, variant.mount, self.site.side(variant))
        context.begin(dag_id, run_id, targets=list(targets))
        return Job("mapped", dag_id, run_id, variant=variant, targets=targets)

    def _table(self, run_id: str, variant: Variant) -> Job:
        dag_id = table_of(variant)
        targets = _targets(variant, dag_id, RECORDS)
        context = self.site.context(dag_id, variant.mount, self.site.side(variant))
        table = TableRun(context, variant, run_id, size=RECORDS, targets=targets)
        table.begin()
        return Job("table", dag_id, run_id, variant=variant, table=table)

    def _wait(self, run_id: str, vendor: str) -> Job:
        dag_id, watcher = wait_of(vendor), VENDORS[vendor].watcher
        tags = [f"{run_id}.{index}" for index in range(WAITS)]
        targets = tuple(_patiently(functools.partial(watcher.make, dag_id, tag)) for tag in tags)
        context = self.site.context(dag_id, VENDORS[vendor].mount, self.site.waits)
        context.begin(dag_id, run_id, targets=list(targets))
        return Job("wait", dag_id, run_id, vendor=vendor, targets=targets)


def _targets(variant: Variant, conn_id: str, size: int) -> tuple[str, ...]:
    """Make what a variant's submissions are to move; nothing for variants that start."""
    make = variant.make
    return tuple(_patiently(lambda: make(conn_id)) for _ in range(size)) if make else ()


def _patiently(make: Callable[[], T]) -> T:
    """Make something at a vendor, which may be away just now."""
    deadline = time.monotonic() + MAKE_SECONDS
    while True:
        try:
            return make()
        except Exception as error:
            if time.monotonic() > deadline:
                raise AirflowError(f"nothing could be made at a vendor: {error}") from error
            time.sleep(1)
