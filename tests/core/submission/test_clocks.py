"""
Two attempts at one thing, on machines whose clocks disagree, jump, or stand still while they are suspended.

The test is the runner of both: true time passes from event to event, and each machine shows its own. What
must hold: however long an attempt was stopped, and wherever, the vendor is asked once.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.operation import Sleep
from airflow_provider_workflows.core.submission import log_lines, messages
from airflow_provider_workflows.core.submission.decision import open_record
from airflow_provider_workflows.core.submission.effect import (
    Check,
    Found,
    Look,
    NotSent,
    Read,
    Run,
    RunState,
    Save,
    Send,
    Step,
)
from airflow_provider_workflows.core.submission.engine import Engine
from airflow_provider_workflows.core.submission.record import Record, StoreFailed
from airflow_provider_workflows.core.submission.terms import SETTLE_MARGIN, Clock, Terms
from airflow_provider_workflows.exceptions import NoSlot, OutcomeUnknown, WorkflowError
from tests.core.harness import Clock as HarnessClock
from tests.core.vendor import Opening, Vendor

TIMEOUT, SETTLE = 30.0, 60.0
WINDOW = max(SETTLE_MARGIN, SETTLE - TIMEOUT)
BEGIN = 1_800_000_000.0


@pytest.fixture(autouse=True, scope="module")
def quiet() -> Iterator[None]:
    """Most of the time would go into log lines."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(log_lines.log, "disabled", True)
        yield


@dataclass(frozen=True, kw_only=True)
class Stop:
    """
    A time in which a process does not run.

    :param suspended: the whole machine stands still, and its monotonic clock too; else only the process
    """

    at: float
    seconds: float
    suspended: bool = False


@dataclass(frozen=True, kw_only=True)
class Machine:
    """
    A worker's machine.

    :param skew: seconds by which its wall clock is ahead
    :param step: seconds by which its wall clock jumps at ``step_at``
    :param gaps: seconds before each thing that a sending does: connect, the first byte, each piece
    :param slot: seconds until the slot that the limit of the account's plan leaves the request
    :param latency: seconds until the vendor has done what it was asked
    :param lost: whether the answer is lost
    """

    skew: float = 0.0
    step: float = 0.0
    step_at: float = 0.0
    stops: tuple[Stop, ...] = ()
    gaps: tuple[float, ...] = (0.1, 0.1, 0.1)
    slot: float = 0.0
    latency: float = 0.5
    lost: bool = False

    def awake(self, until: float) -> float:
        """Return how long the machine has been awake at a time."""
        asleep = sum(min(max(until - one.at, 0.0), one.seconds) for one in self.stops if one.suspended)
        return until - asleep

    def resumes(self, at: float) -> float:
        """Return when a process that wants to run at a time does so."""
        for one in sorted(self.stops, key=lambda one: one.at):
            if one.at <= at < one.at + one.seconds:
                at = one.at + one.seconds
        return at


@dataclass
class World:
    """True time, the vendor and the store."""

    fenced: bool
    now: float = 0.0
    newest: int = 0
    record: Record | None = None
    #: When each request took effect.
    effects: list[float] = field(default_factory=list)
    results: dict[int, Any] = field(default_factory=dict)
    _events: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _numbers: Any = field(default_factory=itertools.count)

    def at(self, time: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (time, next(self._numbers), action))

    def run(self) -> None:
        while self._events:
            self.now, _, action = heapq.heappop(self._events)
            assert self.now < 10**6, "this never ends"
            action()

    def clock(self, machine: Machine) -> Clock:
        clock = Clock()
        clock.time = lambda: (
            BEGIN + self.now + machine.skew + (machine.step if self.now >= machine.step_at else 0.0)
        )
        clock.monotonic = lambda: machine.awake(self.now)
        clock.boottime = lambda: self.now
        return clock

    def attempt(self, number: int, machine: Machine, *, at: float) -> None:
        """Plan an attempt."""

        def begin() -> None:
            self.newest = max(self.newest, number)
            process = Attempt(self, number, machine).live()

            def go_on() -> None:
                try:
                    pause = next(process)
                except StopIteration:
                    return
                self.at(machine.resumes(self.now + pause), go_on)

            go_on()

        self.at(at, begin)


class Attempt:
    """One attempt: the engine, and what a runner and a hook do for it."""

    def __init__(self, world: World, number: int, machine: Machine) -> None:
        self.world, self.number, self.machine = world, number, machine
        self.clock = world.clock(machine)
        effect = Opening(Vendor(HarnessClock()))
        fenced = world.fenced
        terms = Terms(
            settle=SETTLE,
            window=WINDOW,
            fenced=fenced,
            look_first=not fenced,
            doubted=not fenced and number > 1,
        )
        self.engine = Engine(
            effect,
            terms,
            messages.Messages(effect),
            new=Record(mark="af-1", generation=0),
            clock=self.clock,
        )
        if fenced:
            self.engine.gate.save_again = lambda: self.save(self.saved)
        self.saved: Record | None = None

    def live(self) -> Generator[float, None, None]:
        """Run to the end; yields the seconds until it goes on."""
        known = self.world.record if self.world.fenced else None
        if not self.world.fenced and self.number > 1:
            known = self.engine.new
        steps, answer, failure = open_record(self.engine, known), None, None
        while True:
            try:
                step = steps.send(answer) if failure is None else steps.throw(failure)
            except StopIteration as end:
                self.world.results[self.number] = end.value.id
                return
            except (StoreFailed, WorkflowError) as error:
                self.world.results[self.number] = error
                return
            answer = failure = None
            try:
                answer = yield from self.answer(step)
            except (StoreFailed, WorkflowError) as told:
                failure = told

    def answer(self, step: Step) -> Generator[float, None, Any]:
        world = self.world
        match step:
            case Sleep(seconds):
                until = self.clock.monotonic() + seconds
                while (left := until - self.clock.monotonic()) > 1e-6:
                    yield left
            case Save(record):
                yield 0.1
                self.save(record)
            case Send(record, _):
                return (yield from self.send())
            case Look():
                yield 0.2
                return Found(1) if world.effects else NotSent()
            case Check():
                yield 0.2
                return RunState(Run.ALIVE)
            case Read():
                yield 0.2
            case _:
                raise AssertionError(step)
        return None

    def save(self, record: Record | None) -> None:
        """Write as Airflow's store does, which refuses an attempt that a newer one has followed."""
        if self.world.fenced:
            if self.number < self.world.newest:
                raise StoreFailed(PermissionError("a newer attempt has begun"))
            self.world.record = record
        self.saved = record

    def send(self) -> Generator[float, None, int]:
        """Ask as runner, driver and adapter do, and do each thing at once when it is allowed."""
        world, gate, machine = self.world, self.engine.gate, self.machine
        if machine.slot and gate.time_left(once=True) < machine.slot:
            raise NoSlot("the next slot is too far away", retry_after=machine.slot)
        if machine.slot:
            yield machine.slot
            gate.check(waited=True)
        gate.check()
        connect, first, *pieces = machine.gaps
        yield connect
        gate.check()
        yield first
        gate.check()
        for gap in pieces:
            yield gap
            gate.check(begun=True)
        world.at(world.now + machine.latency, lambda: world.effects.append(world.now))
        yield machine.latency + 0.1
        if machine.lost:
            raise OutcomeUnknown("no answer came")
        return 1


moments = st.sampled_from([0.0, 0.05, 0.15, 0.25, 0.35, 0.45, 0.55, 0.7]) | st.floats(0, 100)
lengths = st.sampled_from([1.0, WINDOW - 1, WINDOW + 1, SETTLE, SETTLE + 5, 600.0, 3600.0]) | st.floats(
    0, 300
)
stops = st.lists(st.builds(Stop, at=moments, seconds=lengths, suspended=st.booleans()), max_size=2).map(tuple)
skews = st.sampled_from([-3600.0, -120.0, -1.0, 0.0, 1.0, 120.0, 3600.0])
latencies = st.sampled_from([0.1, 5.0, TIMEOUT - 1])
quick = st.just((0.1, 0.1, 0.1))
#: The connection is slow, or an upload is.
slow = st.sampled_from([(0.1, 0.1, 0.1), (9.0, 0.1, 0.1), (0.1, 0.1, *[7.0] * 20), (0.1, 0.1, 25.0, 25.0)])


def machines(gaps: st.SearchStrategy[Any]) -> st.SearchStrategy[Machine]:
    return st.builds(
        Machine,
        skew=skews,
        step=skews,
        step_at=moments,
        stops=stops,
        gaps=gaps,
        slot=st.sampled_from([0.0, 0.0, 5.0, WINDOW + 1, 300.0]),
        latency=latencies,
        lost=st.booleans(),
    )


def check(world: World) -> None:
    world.run()
    assert len(world.effects) <= 1, world.effects
    done = [one for one in world.results.values() if one == 1]
    assert not done or world.effects, "nobody says it was done when it was not"


@settings(max_examples=200, deadline=None)
@given(
    of=st.lists(machines(slow), min_size=2, max_size=3),
    waits=st.lists(st.floats(0.5, 200), min_size=2, max_size=2),
)
def test_with_a_store_nothing_is_sent_twice(of: list[Machine], waits: list[float]) -> None:
    world, at = World(fenced=True), 0.0
    for number, machine in enumerate(of, 1):
        # Steps and stops are told from the attempt's own beginning.
        moved = tuple(replace(one, at=one.at + at) for one in machine.stops)
        world.attempt(number, replace(machine, stops=moved, step_at=machine.step_at + at), at=at)
        at += waits[min(number, len(waits)) - 1]
    check(world)


@settings(max_examples=200, deadline=None)
@given(first=machines(quick), second=machines(quick), wait=st.floats(0.5, 200))
def test_before_airflow_3_3_a_mark_keeps_it_from_being_sent_twice(
    first: Machine, second: Machine, wait: float
) -> None:
    """One attempt is stopped, wherever; the other is not."""
    world = World(fenced=False)
    world.attempt(1, first, at=0.0)
    world.attempt(2, replace(second, stops=()), at=wait)
    check(world)


@pytest.mark.parametrize("suspended", [True, False])
@pytest.mark.parametrize("fenced", [True, False])
@pytest.mark.parametrize("skew", [-120.0, 0.0, 120.0, 3600.0])
@pytest.mark.parametrize("stopped", [0.35, 0.45, 0.55])
def test_the_retry_elsewhere_does_it_and_the_stopped_one_does_not(
    stopped: float, skew: float, fenced: bool, suspended: bool
) -> None:
    """From the write of the intent on, at each thing that a sending does."""
    world = World(fenced=fenced)
    world.attempt(1, Machine(stops=(Stop(at=stopped, seconds=900.0, suspended=suspended),)), at=0.0)
    world.attempt(2, Machine(skew=skew, step=-skew, step_at=30.0), at=5.0)
    world.run()
    (done,) = world.effects
    assert 5.0 + SETTLE <= done < 900.0, "by the second attempt, when the first one surely had not"
    assert world.results[2] == 1
    assert world.results[1] == 1 if not fenced else isinstance(world.results[1], StoreFailed)


def test_an_upload_that_takes_longer_than_an_intent_holds_goes_through() -> None:
    gaps = (0.1, 0.1, *[10.0] * 12)
    for fenced in (True, False):
        world = World(fenced=fenced)
        world.attempt(1, Machine(gaps=gaps), at=0.0)
        world.run()
        assert len(world.effects) == 1
        assert world.results == {1: 1}
        assert world.effects[0] < 10.0 * 12 + 5.0, "and in one go"


@pytest.mark.parametrize("slot", [1.0, WINDOW + 1, 1000.0])
def test_a_slot_that_is_further_away_than_an_intent_holds_is_waited_for(slot: float) -> None:
    world = World(fenced=True)
    world.attempt(1, Machine(slot=slot), at=0.0)
    world.run()
    assert world.results == {1: 1}
    assert slot < world.effects[0] < slot + 2, "in one go"


def test_without_a_store_it_is_not_even_waited_for() -> None:
    """The intent could not be saved again, so it would expire."""
    world = World(fenced=False)
    world.attempt(1, Machine(slot=WINDOW + 1), at=0.0)
    world.run()
    assert (world.effects, world.now < 2) == ([], True)
    assert isinstance(world.results[1], NoSlot)


def test_a_newer_attempt_overtakes_one_that_waits_for_its_slot() -> None:
    world = World(fenced=True)
    world.attempt(1, Machine(slot=500.0), at=0.0)
    world.attempt(2, Machine(), at=20.0)
    world.run()
    assert len(world.effects) == 1
    assert isinstance(world.results[1], StoreFailed)
    assert world.results[2] == 1


def test_an_upload_that_a_newer_attempt_has_overtaken_is_not_completed() -> None:
    world = World(fenced=True)
    world.attempt(1, Machine(gaps=(0.1, 0.1, *[10.0] * 30)), at=0.0)
    world.attempt(2, Machine(), at=20.0)
    world.run()
    assert len(world.effects) == 1
    assert isinstance(world.results[1], StoreFailed)
    assert world.results[2] == 1
