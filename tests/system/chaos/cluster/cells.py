"""Cells in which a machine, or what stands between the machines, is struck."""

from __future__ import annotations

import abc
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

from dev.airflow_cluster import CONCURRENCY, TRIGGERERS, WORKERS, AirflowCluster
from dev.postgres import crash
from dev.redis_server import RedisServer
from tests.system.chaos.cell import CellResult
from tests.system.chaos.cell_context import CellContext
from tests.system.chaos.cluster.network import Network
from tests.system.chaos.lifecycle.base import CellRun, LifecycleCell
from tests.system.chaos.lifecycle.kills import KilledBeforeStored
from tests.system.chaos.lifecycle.proxied_lane import ProxiedLane
from tests.system.chaos.lifecycle.run_driver import Submission
from tests.system.chaos.tables.cells import Blows, TableCell
from tests.system.chaos.tables.planned import PlannedBackfill
from tests.system.chaos.tables.table_run import TableRun

#: The worker that is killed, and the one that has a network of its own.
VICTIM, REMOTE = WORKERS
#: Of a worker that has messages delivered again which nobody has acknowledged for 70 s. After 20, Airflow
#: 3.3.2 would know that the task runs, and leave it alone.
IMPATIENT = {
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__VISIBILITY_TIMEOUT": "70",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__UNACKED_RESTORE_INTERVAL": "5",
    "AIRFLOW__CELERY_BROKER_TRANSPORT_OPTIONS__UNACKED_RESTORE_THROTTLE": "1",
}


def cluster(context: CellContext) -> AirflowCluster:
    """The Airflow of a cell, which is one of several machines."""
    assert isinstance(context.instance, AirflowCluster)
    return context.instance


def pause(context: CellContext, seconds: float, word: str) -> None:
    """
    Let time pass.

    :param context: the cell's
    :param seconds: how many
    :param word: what a person sees meanwhile
    """
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        context.show(f"{word}, {left:.0f} s left")
        context.instance.check_alive()
        time.sleep(min(1.0, left))


def needed(cell_run: CellRun) -> str:
    """Say how many tasks did not end in their first attempt."""
    again = sum(task.try_number > 1 for task in cell_run.outcomes())
    return f"{again} tasks needed another attempt"


@dataclass(frozen=True, kw_only=True)
class StruckWhileSending(KilledBeforeStored):
    """All tasks have sent, the vendor has acted, and holds the answers, when it happens."""

    hold: float = 25.0
    scenario: str = "prompt"

    def prepare(self, cell_run: CellRun) -> None:
        """Let the vendor hold the answer to each submission's first request."""
        self._order(cell_run.context, times=cell_run.driver.size)

    def lead(self, cell_run: CellRun) -> None:
        """Let it happen once all have sent, and let all end."""
        driver, struck = cell_run.driver, list[int]()

        def look() -> None:
            if not struck and len(set(self._struck(cell_run))) == driver.size:
                struck.extend(self.strike(cell_run))

        def step(submission: Submission) -> bool:
            if struck and submission.waits and submission.remote_id is not None:
                driver.finisher.finish([submission.remote_id])
            return bool(struck) and submission.ended

        driver.lead(step, what="all tasks to send, and to end", first=look)
        cell_run.ordered = cell_run.confirmed = len(struck)
        cell_run.note = needed(cell_run)
        self._count(cell_run)

    def sending(self, cell_run: CellRun, host: str) -> list[int]:
        """
        The indexes of the tasks of a worker that have not heard the vendor's answer yet.

        :raises RuntimeError: if there are none
        """
        hosts = cell_run.driver.hosts()
        found = [one.index for one in cell_run.driver.look() if one.intends and hosts[one.index] == host]
        if not found:
            raise RuntimeError(f"no task of {host} was sending: {Counter(hosts.values())}")
        return found

    @abc.abstractmethod
    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Let it happen, and return the indexes of the tasks that it strikes."""

    def _count(self, cell_run: CellRun) -> None:
        size = cell_run.driver.size
        doubts = 0 if self.variant.found == "always" else cell_run.confirmed
        cell_run.count(succeeded=size - doubts, in_doubt=doubts, effects=size, settle=self.settle)


@dataclass(frozen=True, kw_only=True)
class WorkerKilled(StruckWhileSending):
    """A worker's machine loses power, and comes back."""

    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Kill the worker and all its tasks."""
        instance, found = cluster(cell_run.context), self.sending(cell_run, VICTIM)
        instance.kill(VICTIM)
        instance.restart(VICTIM)
        return found


@dataclass(frozen=True, kw_only=True)
class TriggererKilled(LifecycleCell):
    """All tasks wait in two triggerers, one of which is killed and stays away until all have ended."""

    scenario: str = "prompt"

    def lead(self, cell_run: CellRun) -> None:
        """Kill it, wait until the other has its waits, and let all end there."""
        driver, context, size = cell_run.driver, cell_run.context, cell_run.driver.size
        driver.wait()
        context.until(
            lambda: self._carried(cell_run).total() == size or None,
            timeout=60,
            what="all waits to be in a triggerer",
        )
        victim, waits = self._carried(cell_run).most_common(1)[0]
        (other,) = set(TRIGGERERS) - {victim}
        cluster(context).kill(victim)
        killed = time.monotonic()
        cell_run.ordered = waits
        context.until(
            lambda: self._carried(cell_run)[other] == size or None,
            timeout=180,
            what=f"{other} to take {waits} waits over",
        )
        cell_run.confirmed = waits
        cell_run.note = f"{waits} waits taken over after {time.monotonic() - killed:.0f} s"
        driver.finish()
        cluster(context).restart(victim)
        cell_run.count(succeeded=size, effects=size, settle=self.settle)

    def _carried(self, cell_run: CellRun) -> Counter[str]:
        """How many of the run's waits are in which triggerer."""
        query = """
            SELECT job.hostname, count(*) FROM task_instance
            JOIN "trigger" ON "trigger".id = task_instance.trigger_id
            JOIN job ON job.id = "trigger".triggerer_id
            WHERE task_instance.dag_id = :dag_id AND task_instance.run_id = :run_id GROUP BY 1
        """
        driver = cell_run.driver
        return Counter(dict(cell_run.context.reader.rows(query, dag_id=driver.dag_id, run_id=driver.run_id)))


@dataclass(frozen=True, kw_only=True)
class DatabaseCrashed(StruckWhileSending):
    """The database loses all connections, and is away for ten seconds."""

    hold: float = 12.0

    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Crash it, and wait until it is there again."""
        found = [index for host in WORKERS for index in self.sending(cell_run, host)]
        home = cell_run.context.instance.home
        crash(home.with_name(f"{home.name}-database"))
        return found


@dataclass(frozen=True, kw_only=True)
class CutOff(StruckWhileSending):
    """
    A worker and some services cannot reach each other for a while.

    :param network: of the worker
    :param services: which
    :param silent: what they send vanishes; else it has no way to go
    :param seconds: how long
    """

    network: Network
    services: Sequence[str]
    silent: bool
    seconds: float
    hold: float = 15.0

    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Cut the worker off, and connect it again."""
        found = self.sending(cell_run, REMOTE)
        cut = self.network.silence if self.silent else self.network.refuse
        try:
            for service in self.services:
                cut(service)
            pause(cell_run.context, self.seconds, "cut off")
        finally:
            self.network.heal()
        return found


@dataclass(frozen=True, kw_only=True)
class CutOffBeforeSending(LifecycleCell):
    """
    A worker's tasks have stored what they will send, and cannot send it. While the other worker sends it in
    their place, they reach the vendor again, but not yet the API server, which would tell them to stop.

    :param network: of the worker
    :param seconds: how long neither is there, and how long the API server alone is not
    """

    network: Network
    seconds: tuple[float, float]
    scenario: str = "prompt"

    def lead(self, cell_run: CellRun) -> None:
        """Cut the worker off from one after the other, connect it in the same order, and let all end."""
        driver, context, size = cell_run.driver, cell_run.context, cell_run.driver.size
        both, alone = self.seconds
        try:
            self.network.silence("vendor")
            struck = context.until(lambda: self._about(cell_run), timeout=120, what="all tasks to begin")
            self.network.silence("API server")
            pause(context, both, "cut off")
            self.network.heal(["vendor"])
            pause(context, alone, "without API server")
        finally:
            self.network.heal()
        cell_run.ordered = cell_run.confirmed = len(struck)
        driver.finish()
        cell_run.note = needed(cell_run)
        cell_run.count(succeeded=size, effects=size, settle=self.settle)

    def _about(self, cell_run: CellRun) -> Sequence[int] | None:
        """Return the indexes of those that are about to send, once all tasks have stored what they will."""
        hosts, found = cell_run.driver.hosts(), cell_run.driver.look()
        about = [one.index for one in found if one.intends and hosts[one.index] == REMOTE]
        begun = sum(bool(one.record) for one in found) == cell_run.driver.size
        return about if about and begun else None


@dataclass(frozen=True, kw_only=True)
class VendorFrozen(StruckWhileSending):
    """Both workers are connected to the vendor, and nothing comes through for a while."""

    seconds: float
    hold: float = 15.0

    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Freeze the proxy before the vendor, and thaw it."""
        lane = cell_run.context.lane
        assert isinstance(lane, ProxiedLane)
        found = [index for host in WORKERS for index in self.sending(cell_run, host)]
        lane.proxy.freeze()
        try:
            pause(cell_run.context, self.seconds, "frozen")
        finally:
            lane.proxy.thaw()
        return found


@dataclass(frozen=True, kw_only=True)
class DeliveredAgain(StruckWhileSending):
    """
    The broker gives the message of each task to a worker once more, while the task waits for its run.

    A worker does this whose visibility timeout is short. Airflow 3.3.2 then lets the second delivery fail,
    and takes that for the end of the attempt: it ends the task's process, and begins another attempt.
    """

    hold: float = 1.0

    def run(self, context: CellContext) -> CellResult:
        """Let a worker be so for a while."""
        instance = cluster(context)
        instance.extra[REMOTE] = IMPATIENT
        instance.restart(REMOTE)
        try:
            return super().run(context)
        finally:
            del instance.extra[REMOTE]
            instance.restart(REMOTE)

    def strike(self, cell_run: CellRun) -> Sequence[int]:
        """Wait until it has struck all."""
        driver = cell_run.driver

        def again() -> list[int] | None:
            found = [one.index for one in driver.look() if one.attempt > 1]
            return found if len(found) == driver.size else None

        return cell_run.context.until(again, timeout=180, what="all messages to be delivered again")


@dataclass(frozen=True, kw_only=True)
class RedisRestarted(LifecycleCell):
    """
    The broker is killed while some tasks run and others are in its queue, and comes back without a queue.

    :param redis: the broker
    :param away: seconds for which it is not there
    """

    redis: RedisServer
    scenario: str = "prompt"
    away: float = 15.0

    def prepare(self, cell_run: CellRun) -> None:
        """Leave one worker, which cannot take all tasks."""
        cluster(cell_run.context).kill(REMOTE)

    def lead(self, cell_run: CellRun) -> None:
        """Kill it once the worker has what it can take, start both again, and let all end."""
        driver, size = cell_run.driver, cell_run.driver.size
        cell_run.context.until(
            lambda: (self._states(cell_run)["running"] == CONCURRENCY) or None,
            timeout=120,
            what="the worker to be full",
        )
        self.redis.stop()
        queued = self._states(cell_run)["queued"]
        pause(cell_run.context, self.away, "without Redis")
        self.redis.start()
        cluster(cell_run.context).restart(REMOTE)
        cell_run.ordered, cell_run.confirmed = size - CONCURRENCY, queued
        cell_run.note = f"{queued} tasks in the lost queue"
        driver.finish()
        cell_run.count(succeeded=size, effects=size, settle=self.settle)

    def _states(self, cell_run: CellRun) -> Counter[str]:
        return cell_run.context.states(cell_run.driver.dag_id, cell_run.driver.run_id)


@dataclass(frozen=True, kw_only=True)
class TableWorkerKilled(TableCell):
    """
    A worker dies while a task sends many records, and does not come back until the task has ended.

    :param own: the task's own worker; else the other one
    """

    own: bool

    def lead(self, run: TableRun, blows: Blows) -> None:
        """Kill it in the middle, and wait for the task's end."""
        blows.ordered = 1
        hold = run.hold()
        run.begin()
        run.await_hits(hold)
        instance, before = cluster(run.context), run.host()
        (other,) = set(WORKERS) - {before}
        victim = before if self.own else other
        instance.kill(victim)
        blows.confirmed = 1
        run.release()
        run.finish()
        instance.restart(victim)
        if run.host() != other and self.own:
            blows.problems.append(f"the task ended on {run.host()}, not on {other}")

    def under_way(self, blows: Blows) -> int:
        return super().under_way(blows) if self.own else 0


@dataclass(frozen=True, kw_only=True)
class SharedPlan(PlannedBackfill):
    """Both workers keep to the plan together, through Redis."""

    def run(self, context: CellContext) -> CellResult:
        """Say also how many tasks each worker had."""
        result = super().run(context)
        query = "SELECT hostname, count(*) FROM task_instance WHERE dag_id = :dag_id GROUP BY 1 ORDER BY 1"
        had = dict(context.reader.rows(query, dag_id=context.lane.name))
        idle = [f"{name} had no task" for name in WORKERS if not had.get(name)]
        note = ", ".join(f"{had.get(name, 0)} on {name}" for name in WORKERS)
        return replace(result, problems=(*result.problems, *idle), note=note)
