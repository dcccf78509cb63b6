"""
A vendor in memory, for which a test writes down beforehand what becomes of each sending.

It counts what really happened there, however little of it the task was told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import pytest

from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Run,
    RunState,
    Unknown,
    Words,
)
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.core.submission.runner import Submission
from airflow_provider_workflows.core.submission.terms import Policy
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown, ServiceUnavailable
from tests.core.harness import Clock, StateStore, TaskInstance

SETTLE = 60.0


class Killed(BaseException):
    """The process is killed where this is raised."""


@dataclass(frozen=True, kw_only=True)
class Fate:
    """
    What becomes of one sending.

    :param effect: seconds after the sending at which it takes effect; None if it never does
    :param answer: what comes instead of an answer; None for the id
    :param takes: seconds until the answer, or what comes instead of it
    """

    effect: float | None = 0.0
    answer: BaseException | None = None
    takes: float = 0.0


LOST = OutcomeUnknown("no answer came", operation="open", status=504)
LOST_AFTER = Fate(answer=LOST)
LOST_BEFORE = Fate(effect=None, answer=LOST)
KILLED_AFTER = Fate(answer=Killed())
KILLED_BEFORE = Fate(effect=None, answer=Killed())


def refused(error: BaseException) -> Fate:
    """Nothing happens, and the sender is told so."""
    return Fate(effect=None, answer=error)


@dataclass
class Job:
    """Something that happened at the vendor."""

    id: int
    owner: str
    mark: str
    run: Run = Run.ALIVE


@dataclass(frozen=True)
class Sent:
    """One request that was sent; ``given_up`` is None if its sender was told what became of it."""

    owner: str
    mark: str
    again: bool
    at: float
    given_up: float | None


@dataclass
class Vendor:
    """Starts jobs, and finds them by their mark; for ``blind`` questions to come it gives no answer."""

    clock: Clock
    fates: list[Fate] = field(default_factory=list)
    jobs: dict[int, Job] = field(default_factory=dict)
    sent: list[Sent] = field(default_factory=list)
    looks: list[float] = field(default_factory=list)
    pending: int = 0
    blind: int = 0

    def send(self, owner: str, mark: str, *, again: bool) -> int:
        """Do as the next fate says; without one, all goes well."""
        fate = self.fates.pop(0) if self.fates else Fate()
        job = Job(len(self.jobs) + self.pending + 1, owner, mark)
        begun = self.clock.time()
        if fate.effect is not None:
            self.pending += 1
            self.clock.after(fate.effect, lambda: self._perform(job))
        self.clock.sleep(fate.takes)
        in_doubt = isinstance(fate.answer, (OutcomeUnknown, Killed))
        self.sent.append(Sent(owner, mark, again, begun, self.clock.time() if in_doubt else None))
        if fate.answer is not None:
            raise fate.answer
        return job.id

    def _perform(self, job: Job) -> None:
        self.pending -= 1
        self.jobs[job.id] = job

    def ask(self) -> None:
        self.looks.append(self.clock.time())
        if self.blind:
            self.blind -= 1
            raise ServiceUnavailable("the vendor is down")

    def find(self, mark: str) -> Job | None:
        self.ask()
        found = [job for job in self.jobs.values() if job.mark == mark]
        assert len(found) <= 1, "two jobs with one mark"
        return found[0] if found else None

    def of(self, owner: str) -> list[Job]:
        return [job for job in self.jobs.values() if job.owner == owner]


#: How messages speak of an order that a test opens.
ORDER = Words(
    vendor="Vendor",
    verb="open",
    participle="opened",
    noun="an order of purchase",
    look_in="the list of orders",
    look_for="an order opened",
    mark_in="the field 'key'",
    id="its number",
)


class Opening(Effect[None]):
    """
    A job that is begun once.

    :param findable: the vendor takes a mark and finds a job by it
    """

    begins_run: ClassVar[bool] = True
    carries_mark: bool = True
    repeatable: bool = False

    def __init__(
        self, vendor: Vendor, owner: str = "task", *, findable: bool = True, payload: Any = None
    ) -> None:
        self.subject = "an order of purchase"
        self.words = ORDER if findable else replace(ORDER, mark_in="")
        self.mark_place = "an order whose field 'key' is the mark" if findable else ""
        self.payload = payload
        self.carries_mark = findable
        self.baselines = 0
        self._vendor = vendor
        self._owner = owner

    def baseline(self, api: Any) -> Operation[Any]:
        yield from ()
        self.baselines += 1
        return {"read": self.baselines}

    def submit(self, api: Any, record: Record, *, again: bool) -> Operation[int]:
        yield from ()
        return self._vendor.send(self._owner, record.mark, again=again)

    def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
        yield from ()
        if not self.carries_mark:
            return Unknown("it has no search")
        job = self._vendor.find(record.mark)
        return NotSent() if job is None else Found(job.id)

    def state(self, api: Any, id: Any) -> Operation[RunState]:
        yield from ()
        self._vendor.ask()
        job = self._vendor.jobs.get(id)
        return RunState(Run.GONE, "there is no such order") if job is None else RunState(job.run, "as it is")

    def check_id(self, api: Any, id: Any) -> Operation[int]:
        yield from ()
        try:
            return int(id)
        except (TypeError, ValueError):
            raise InvalidInput(f"{id!r} is no number of an order") from None


@dataclass
class Fault:
    """Something that happens at the ``write``-th write from now, before or after it is in the store."""

    write: int
    written: bool
    error: BaseException
    times: int = 1


class FragileStore(StateStore):
    """A state store at whose writes a process may be killed, or a connection fail."""

    def __init__(self) -> None:
        super().__init__()
        self.fault: Fault | None = None

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        fault = self.fault
        if fault is not None:
            fault.write -= 1
        strikes = fault is not None and -fault.times < fault.write <= 0
        if not strikes or (fault is not None and fault.written):
            super().set(key, value, retention=retention)
        if strikes and fault is not None:
            raise fault.error


class MemoryHook:
    """
    Runs operations that ask for nothing, in place of a vendor's hook.

    :param where: server and account
    """

    conn_type = "vendor"
    timeout = 2.0

    def __init__(self, *, namespace: str = "", where: str = "https://vendor.example clerk") -> None:
        self.namespace = namespace
        self.where = where

    def run(
        self,
        call: Callable[[Any], Operation[Any]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
    ) -> Any:
        try:
            next(call(None))
        except StopIteration as end:
            return end.value
        raise AssertionError("this vendor needs no exchange")

    read = run


class Task:
    """
    A task instance and what lasts of it.

    :param lasting: False for Airflow before 3.3
    """

    def __init__(
        self,
        clock: Clock,
        *,
        name: str = "task",
        lasting: bool = True,
        policy: Policy | None = None,
        settle: float = SETTLE,
        deadline: float = float("inf"),
        namespace: str = "",
    ) -> None:
        self.name = name
        self.clock = clock
        self.ti = TaskInstance(dag_id="a dag", task_id=name)
        self.store = FragileStore()
        self.policy = policy or Policy()
        self.settle = settle
        self.deadline = deadline
        self.namespace = namespace
        self._lasting = lasting
        #: The latest attempt's.
        self.submission: Submission

    @property
    def context(self) -> Mapping[str, Any]:
        return {"ti": self.ti, **({"task_state_store": self.store} if self._lasting else {})}

    @property
    def record(self) -> Any:
        return self.store.get(KEY)

    def run(self, effect: Effect[Any]) -> Any:
        hook: Any = MemoryHook(namespace=self.namespace)
        self.submission = Submission(
            self.context,
            effect,
            hook,
            policy=self.policy,
            settle=self.settle,
            deadline=self.deadline,
        )
        return self.submission.run().id

    def retry(self, effect: Effect[Any]) -> Any:
        self.ti.try_number += 1
        return self.run(effect)

    def clear(self, effect: Effect[Any]) -> Any:
        self.ti.max_tries = self.ti.try_number
        return self.retry(effect)

    def hand_over(self, value: Any) -> None:
        """Write an id into the record, as a person does."""
        self.store.set(KEY, {**self.record, "id": value})


AGAINS = ["retry", "clear"]
RESUBMIT = Policy(on_lost_answer="resubmit")
AWAY = ConnectionError("the API server is away")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock().install(monkeypatch)


@pytest.fixture
def vendor(clock: Clock) -> Vendor:
    return Vendor(clock)


@pytest.fixture
def task(clock: Clock) -> Task:
    return Task(clock)


def broken(task: Task, effect: Opening, *, kind: type[BaseException] = Killed) -> None:
    """Run an attempt that ends in the midst."""
    with pytest.raises(kind):
        task.run(effect)
