"""Waits that one request answers: the coordinator, with a vendor that is made up."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any, ClassVar, Self

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.connection.hook import AnyHook
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting import together
from airflow_provider_workflows.core.waiting.condition import Condition, Done, GroupedCondition, Pending
from airflow_provider_workflows.core.waiting.schedule import WaitState, alook
from airflow_provider_workflows.core.waiting.together import APART, FEWEST, WINDOW, next_look
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    NotFound,
    RunFailed,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)

log = contextvars.ContextVar("log", default="none")


@dataclass(frozen=True, kw_only=True)
class Ended(GroupedCondition):
    """A run has ended; ``place`` is the group."""

    name: str
    place: str = "here"

    hook_class: ClassVar[str] = "no.such.Hook"
    most_together: ClassVar[int] = 10

    @property
    def remote_id(self) -> str:
        return self.name

    def __str__(self) -> str:
        return f"the end of {self.name}"

    @property
    def group(self) -> tuple[str, ...]:
        return (self.place,)

    @classmethod
    def read_many(cls, api: Vendor, conditions: Sequence[Self]) -> Operation[Mapping[str, Any]]:
        yield from ()
        return api.many([one.name for one in conditions])

    def check(self, api: Vendor, record: Any = None) -> Operation[Pending | Done]:
        yield from ()
        found = api.one(self.name) if record is None else record
        if found == "failed":
            raise RunFailed(f"{self.name} failed")
        return Done(found) if found != "running" else Pending(found)


@dataclass
class Vendor:
    """
    What the vendor answers.

    :param runs: what it says of each run; an error is raised
    :param listed: what its list call says, if that is something else
    """

    runs: Mapping[str, Any] = field(default_factory=dict)
    listed: Mapping[str, Any] | Exception | None = None
    asked: list[list[str]] = field(default_factory=list)
    alone: list[str] = field(default_factory=list)
    contexts: list[str] = field(default_factory=list)

    def one(self, name: str) -> Any:
        self.alone.append(name)
        found = self.runs.get(name, NotFound(f"no {name}"))
        if isinstance(found, Exception):
            raise found
        return found

    def many(self, names: list[str]) -> Mapping[str, Any]:
        self.asked.append(names)
        self.contexts.append(log.get())
        if isinstance(self.listed, Exception):
            raise self.listed
        shown = self.runs if self.listed is None else self.listed
        return {name: shown[name] for name in names if not isinstance(shown.get(name), Exception | None)}


class Hook:
    """A hook without Airflow: it runs operations that make no requests."""

    conn_type = "made_up"

    def __init__(self, vendor: Vendor, conn_id: str = "one") -> None:
        self.vendor, self.conn_id = vendor, conn_id
        #: Set to let a call go on.
        self.gate = asyncio.Event()
        self.gate.set()

    async def aread(self, call: Callable[[Vendor], Operation[Any]], **how: Any) -> Any:
        await self.gate.wait()
        try:
            next(call(self.vendor))
        except StopIteration as end:
            return end.value
        raise AssertionError("it makes requests")


def hook_of(vendor: Vendor, conn_id: str = "one") -> Any:
    return Hook(vendor, conn_id)


class Time:
    """A time that passes when a test says so."""

    def __init__(self) -> None:
        self._now = 1_000_000.0
        self._alarms: list[tuple[float, asyncio.Future[None]]] = []

    def time(self) -> float:
        return self._now

    monotonic = time

    async def wait(self, futures: Iterable[asyncio.Future[Any]], **how: float) -> None:
        alarm = asyncio.get_running_loop().create_future()
        self._alarms.append((self._now + how["timeout"], alarm))
        await asyncio.wait((*futures, alarm), return_when=asyncio.FIRST_COMPLETED)

    async def sleep(self, seconds: float) -> None:
        await self.wait((), timeout=seconds)

    async def go_on(self, seconds: float) -> None:
        """Let time pass, and all that falls due in it."""
        await self._settle()
        self._now += seconds
        for date, alarm in self._alarms:
            if date <= self._now and not alarm.done():
                alarm.set_result(None)
        await self._settle()

    async def _settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Time:
    made = Time()
    waiting = SimpleNamespace(**{**vars(asyncio), "sleep": made.sleep, "wait": made.wait})
    monkeypatch.setattr(together, "time", made)
    monkeypatch.setattr(together, "asyncio", waiting)
    return made


#: Seconds after which a wait's next look is due.
DUE = 2.0


def state(clock: Time, due: float = DUE, **changes: Any) -> WaitState:
    """Return a wait that the vendor knows."""
    now = clock.time()
    begun: dict[str, Any] = {"started": now, "deadline": now + 1000, "heard": now, "known": True}
    return WaitState(**{**begun, "next_look": now + due, **changes})


async def looks(clock: Time, hook: AnyHook, conditions: Sequence[Condition], **changes: Any) -> list[Any]:
    """Look at all conditions when they are due."""

    async def one(condition: Condition) -> Any:
        seen = await next_look(hook, condition, state(clock, **changes))
        return await alook(hook, condition, seen=seen)

    waiting = [asyncio.create_task(one(condition)) for condition in conditions]
    await clock.go_on(DUE)
    return await asyncio.gather(*waiting)


def runs(count: int, what: Any = "running") -> dict[str, Any]:
    return {f"run-{number}": what for number in range(count)}


def conditions(count: int, **given: str) -> list[Ended]:
    return [Ended(name=name, **given) for name in runs(count)]


def test_many_are_asked_in_one_request(clock: Time) -> None:
    vendor = Vendor({**runs(9), "run-3": "done"})
    found = asyncio.run(looks(clock, hook_of(vendor), conditions(9)))
    assert found == [Done("done") if number == 3 else Pending("running") for number in range(9)]
    assert len(vendor.asked) == 1
    assert vendor.alone == []


def test_no_request_is_for_more_than_the_vendor_takes(clock: Time) -> None:
    vendor = Vendor(runs(25))
    asyncio.run(looks(clock, hook_of(vendor), conditions(25)))
    assert sorted(map(len, vendor.asked)) == [5, 10, 10]


def test_a_few_are_asked_one_by_one(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST - 1))
    asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST - 1)))
    assert vendor.asked == []
    assert len(vendor.alone) == FEWEST - 1


def test_what_is_due_later_comes_along_in_the_second_half_of_its_pause(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST + 2))
    hook = hook_of(vendor)

    async def go() -> None:
        *early, late, later = conditions(FEWEST + 2)
        waiting = [
            asyncio.create_task(next_look(hook, one, state(clock, due)))
            for one, due in ((late, 2 * DUE), (later, 2.1 * DUE))
        ]
        await looks(clock, hook, early)
        assert [one.done() for one in waiting] == [True, False]
        await clock.go_on(2 * DUE)
        assert await asyncio.gather(*waiting) == ["running", None]

    asyncio.run(go())
    assert [len(names) for names in vendor.asked] == [FEWEST + 1]


def test_waits_that_come_one_by_one_do_not_each_make_a_request(clock: Time) -> None:
    vendor = Vendor(runs(3 * FEWEST))
    hook = hook_of(vendor)

    def wait_for(some: Sequence[Ended], due: float) -> list[asyncio.Task[Any]]:
        return [asyncio.create_task(next_look(hook, one, state(clock, due))) for one in some]

    async def go() -> None:
        every = conditions(3 * FEWEST)
        waiting = wait_for(every[:FEWEST], DUE)
        await clock.go_on(DUE - WINDOW / 4)
        waiting += wait_for(every[FEWEST : 2 * FEWEST], 0.0)
        await clock.go_on(WINDOW / 4)
        waiting += wait_for(every[2 * FEWEST :], 0.0)
        await clock.go_on(0.75 * WINDOW)
        assert len(vendor.asked) == 1, "the second are due, but it is too soon for another request"
        await clock.go_on(0.25 * WINDOW)
        assert len(vendor.asked) == 2
        await asyncio.gather(*waiting)

    asyncio.run(go())
    assert [len(names) for names in vendor.asked] == [FEWEST, 2 * FEWEST]


@pytest.mark.parametrize(
    "changes",
    [{"known": False}, {"silent_since": 1.0}, {"deadline": 0.0}],
    ids=["the vendor has not shown the record", "the last look had no answer", "the last look"],
)
def test_who_is_asked_alone(changes: dict[str, Any], clock: Time) -> None:
    vendor = Vendor(runs(FEWEST))
    asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST), **changes))
    assert vendor.asked == []
    assert len(vendor.alone) == FEWEST


def test_connections_groups_and_loops_are_asked_apart(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST))

    async def go() -> None:
        first, second = hook_of(vendor), hook_of(vendor, "two")
        await asyncio.gather(
            looks(clock, first, conditions(FEWEST)),
            looks(clock, first, conditions(FEWEST, place="there")),
            looks(clock, second, conditions(FEWEST)),
        )

    asyncio.run(go())
    asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST)))
    assert [len(names) for names in vendor.asked] == [FEWEST] * 4


def test_a_wait_that_ends_does_not_end_the_request(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST))
    hook = hook_of(vendor)

    async def go() -> list[Any]:
        hook.gate.clear()
        waiting = [asyncio.create_task(next_look(hook, one, state(clock))) for one in conditions(FEWEST)]
        await clock.go_on(DUE)
        waiting[0].cancel()  # it was the first that was due, so that it has begun the request
        await clock.go_on(0.0)
        hook.gate.set()
        return await asyncio.gather(*waiting, return_exceptions=True)

    first, *others = asyncio.run(go())
    assert isinstance(first, asyncio.CancelledError)
    assert others == ["running"] * (FEWEST - 1)


def test_a_wait_that_ends_before_is_not_asked_for(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST + 1))
    hook = hook_of(vendor)

    async def go() -> None:
        gone, *others = conditions(FEWEST + 1)
        waiting = asyncio.create_task(next_look(hook, gone, state(clock)))
        await clock.go_on(0.0)
        waiting.cancel()
        await looks(clock, hook, others)

    asyncio.run(go())
    assert vendor.asked == [[one.name for one in conditions(FEWEST + 1)[1:]]]


def test_the_request_is_made_in_no_waits_context(clock: Time) -> None:
    vendor = Vendor(runs(FEWEST))

    async def go() -> None:
        log.set("of one trigger")
        await looks(clock, hook_of(vendor), conditions(FEWEST))

    asyncio.run(go())
    assert vendor.contexts == ["none"]


def test_one_that_is_missing_is_asked_alone(clock: Time) -> None:
    vendor = Vendor({**runs(FEWEST), "run-2": ServiceUnavailable("odd")})
    found = asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST)))
    assert type(found.pop(2)) is ServiceUnavailable
    assert found == [Pending("running")] * (FEWEST - 1)
    assert vendor.alone == ["run-2"]


def test_a_failure_is_only_that_of_its_record(clock: Time) -> None:
    vendor = Vendor({**runs(FEWEST), "run-1": "failed"})
    found = asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST)))
    assert type(found.pop(1)) is RunFailed
    assert found == [Pending("running")] * (FEWEST - 1)


@pytest.mark.parametrize("error", [ServiceUnavailable("down"), AuthenticationFailed("wrong key")])
def test_what_each_would_have_got_alone_is_given_to_all(error: WorkflowError, clock: Time) -> None:
    vendor = Vendor(runs(FEWEST), listed=error)
    assert asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST))) == [error] * FEWEST
    assert vendor.alone == []


@pytest.mark.parametrize(
    "trouble",
    [NotFound("no such call"), UnreadableAnswer("a row"), KeyError("a defect of ours"), {}],
    ids=lambda trouble: type(trouble).__name__,
)
def test_if_the_list_call_does_not_help_all_are_asked_alone_for_a_while(trouble: Any, clock: Time) -> None:
    vendor = Vendor(runs(FEWEST), listed=trouble)

    async def go() -> None:
        hook = hook_of(vendor)
        for _ in range(2):
            assert await looks(clock, hook, conditions(FEWEST)) == [Pending("running")] * FEWEST
        assert len(vendor.asked) == 1
        vendor.listed = None
        await clock.go_on(APART)
        await looks(clock, hook, conditions(FEWEST))

    asyncio.run(go())
    assert len(vendor.asked) == 2
    assert len(vendor.alone) == 2 * FEWEST


def test_a_few_that_are_missing_do_not_part_the_many(clock: Time) -> None:
    vendor = Vendor(runs(3 * FEWEST), listed={})
    hook = hook_of(vendor)

    async def go() -> None:
        few, many = conditions(3 * FEWEST)[:FEWEST], conditions(3 * FEWEST)[FEWEST:]
        waiting = [asyncio.create_task(next_look(hook, one, state(clock, 3 * DUE))) for one in many]
        assert await looks(clock, hook, few) == [Pending("running")] * FEWEST
        vendor.listed = None
        await clock.go_on(2 * DUE)
        assert await asyncio.gather(*waiting) == ["running"] * len(many)

    asyncio.run(go())
    assert [len(names) for names in vendor.asked] == [FEWEST, 2 * FEWEST]
    assert len(vendor.alone) == FEWEST


def test_it_can_be_switched_off(clock: Time, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIRFLOW__WORKFLOWS__ASK_TOGETHER", "False")
    vendor = Vendor(runs(FEWEST))
    asyncio.run(looks(clock, hook_of(vendor), conditions(FEWEST)))
    assert vendor.asked == []


ANSWERS = st.sampled_from(
    ["running", "done", "failed", NotFound("gone"), ServiceUnavailable("slow"), UnreadableAnswer("odd")]
)


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(answers=st.lists(ANSWERS, min_size=1, max_size=15))
def test_together_each_gets_what_it_gets_alone(answers: list[Any], clock: Time) -> None:
    every = dict(zip(runs(len(answers)), answers, strict=True))
    each = conditions(len(answers))

    async def alone() -> list[Any]:
        return [await alook(hook_of(Vendor(every)), one) for one in each]

    got = asyncio.run(looks(clock, hook_of(Vendor(every)), each))
    wanted = asyncio.run(alone())
    assert [(type(one), str(one)) for one in got] == [(type(one), str(one)) for one in wanted]
