"""A call's requests wait for their slots: the driver by hand, and both adapters."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Consult, Operation, Renew, Sleep
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.driver import Cell, Driver, Fetched, Send, Turn
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.limits import slots
from airflow_provider_workflows.core.transport.limits.limiter import Limiter
from airflow_provider_workflows.core.transport.limits.slots import LONGEST_REFUSAL, Slots
from airflow_provider_workflows.core.transport.requests_adapter import RequestsAdapter
from airflow_provider_workflows.exceptions import NoSlot, TemporaryError, Throttled
from tests.core.transport.drivers import send

ENDPOINT = Endpoint(base_url="http://vendor.example.com")
READ = Request(vendor="Vendor", operation="read", method="GET", path="read", repeatable=True)
WRITE = Request(vendor="Vendor", operation="write", method="POST", path="write", repeatable=False, json={})


class World:
    """Answers a driver's actions at once, and lets time pass only where it sleeps."""

    def __init__(self, folder: Path, *, rate: float = 1.0, first: float | None = None) -> None:
        self.now = 1000.0
        self.limiter = Limiter(
            rate=rate, account="abc", server="vendor.example.com:80", folder=str(folder), clock=self.clock
        )
        self.first = first
        self.limited: list[float] = []
        self.sent: list[float] = []
        self.replies: list[Reply] = []

    def clock(self) -> float:
        return self.now

    def slots(self) -> Slots:
        return Slots(self.limiter, first=self.first, limited=self.limited.append)

    def run(
        self,
        operation: Operation[Any],
        *,
        permit: Permit = PERMITTED,
        deadline: float | None = None,
        fetch: Any = None,
        attempts: int = 4,
    ) -> Any:
        driver = Driver(
            endpoint=ENDPOINT,
            fetch=fetch,
            permit=permit,
            retry=Retry(attempts=attempts),
            slots=self.slots(),
            clock=self.clock,
        )
        actions, cell = driver.drive(operation, deadline=deadline), Cell(threading.Lock())
        answer: Any = None
        while True:
            try:
                action = actions.send(answer)
            except StopIteration as end:
                return end.value
            match action:
                case Send():
                    self.sent.append(self.now)
                    answer = self.replies.pop(0) if self.replies else Reply(status=200, body=b"{}")
                case Sleep(seconds):
                    self.now += seconds
                    answer = None
                case Turn():
                    assert isinstance(cell.lock, type(threading.Lock()))
                    cell.lock.acquire()
                    answer = cell
                case Consult(ask):
                    answer = ask()
                case Fetched():
                    answer = None


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path / "limits")


def both(*requests: Request) -> Operation[None]:
    for request in requests:  # noqa: UP028 an operation is a generator, and a tuple is none
        yield request


def test_each_request_has_its_slot(world: World) -> None:
    world.run(both(READ, WRITE, READ))
    steps = [later - earlier for earlier, later in zip(world.sent, world.sent[1:], strict=False)]
    assert steps == pytest.approx([world.limiter.interval] * 2, abs=0.01)
    assert world.limited == pytest.approx(steps, abs=0.01)


def test_so_has_a_credential(world: World) -> None:
    def fetch() -> Operation[str]:
        yield READ
        return "code"

    def work() -> Operation[None]:
        yield Renew()
        yield WRITE

    world.run(work(), fetch=fetch)
    assert world.sent[1] - world.sent[0] == pytest.approx(world.limiter.interval, abs=0.01)


def test_and_each_repetition(world: World) -> None:
    world.replies = [Reply(status=503), Reply(status=503)]
    for _ in range(5):
        world.limiter.book(float("inf"))
    world.run(send(READ))
    assert world.sent[0] == pytest.approx(1000 + 5 * world.limiter.interval, abs=0.01)
    assert world.sent[2] - world.sent[0] >= 2 * world.limiter.distance


def test_a_refusal_slows_all_users_down(world: World) -> None:
    world.replies = [Reply(status=429, headers={"retry-after": "20"})]
    with pytest.raises(Throttled):
        world.run(send(WRITE), attempts=1)
    slot = world.limiter.book(0)
    assert not slot.booked
    assert slot.at == pytest.approx(1020)


def test_a_refusal_without_a_time_costs_a_slot(world: World) -> None:
    world.replies = [Reply(status=429)]
    with pytest.raises(Throttled):
        world.run(send(WRITE), attempts=1)
    assert world.limiter.book(0).at == pytest.approx(1000 + world.limiter.interval)


def test_a_refusal_that_the_vendors_code_finds_counts_too(world: World) -> None:
    def work() -> Operation[None]:
        yield READ
        raise Throttled("too many", retry_after=1e9)

    with pytest.raises(Throttled):
        world.run(work())
    assert world.limiter.book(0).at == pytest.approx(1000 + LONGEST_REFUSAL)


class TestTooFar:
    def test_a_write_waits_until_its_deadline_at_the_most(self, world: World) -> None:
        world.limiter.postpone(60)
        with pytest.raises(
            NoSlot, match=r"Nothing was sent: .* allows 1 requests a second, .* in 60\.0 s"
        ) as one:
            world.run(send(WRITE), deadline=1030)
        assert one.value.retry_after == pytest.approx(60)
        assert (world.sent, world.now) == ([], 1000), "at once"
        world.run(send(WRITE), deadline=1090)
        assert world.sent == [pytest.approx(1060)]

    def test_a_deadline_that_has_passed_lets_a_free_slot_be_used(self, world: World) -> None:
        world.run(send(WRITE), deadline=900)
        assert world.sent == [1000]

    def test_an_own_refusal_slows_nobody_down(self, world: World) -> None:
        world.limiter.postpone(60)
        with pytest.raises(NoSlot):
            world.run(send(WRITE), deadline=1030)
        assert world.limiter.book(float("inf")).at == pytest.approx(1060)

    def test_a_look_does_not_wait_long(self, world: World) -> None:
        world.first = 2.0
        world.limiter.postpone(3)
        with pytest.raises(NoSlot):
            world.run(send(READ))
        assert world.now == 1000

    def test_what_a_look_has_begun_it_ends(self, world: World) -> None:
        world.first = 2.0

        def work() -> Operation[None]:
            yield READ
            world.limiter.postpone(60)
            yield READ

        world.run(work(), deadline=1001)
        assert world.sent == [1000, pytest.approx(1060)]


class Asked(Permit):
    """Notes how it is asked."""

    def __init__(self, left: float = float("inf")) -> None:
        self.left = left
        self.asked: list[tuple[bool, bool]] = []
        self.error: Exception | None = None

    def check(self, *, begun: bool = False, waited: bool = False) -> None:
        self.asked.append((begun, waited))
        if self.error is not None:
            raise self.error

    def time_left(self, *, once: bool) -> float:
        return self.left if once else float("inf")


class TestPermit:
    def test_it_is_asked_anew_after_a_wait(self, world: World) -> None:
        permit = Asked()
        world.limiter.postpone(60)
        world.run(send(WRITE), permit=permit)
        assert permit.asked[0] == (False, True)

    def test_also_if_another_request_of_the_call_has_waited(self, world: World) -> None:
        permit = Asked()
        world.limiter.postpone(60)

        def work() -> Operation[None]:
            yield READ
            world.now += 60
            yield WRITE

        world.run(work(), permit=permit)
        assert permit.asked[0] == (False, True)

    def test_without_a_wait_it_is_not(self, world: World) -> None:
        permit = Asked()
        world.run(send(WRITE), permit=permit)
        assert permit.asked == [(False, False)]

    def test_what_it_says_then_ends_the_call(self, world: World) -> None:
        permit = Asked()
        permit.error = TemporaryError("killed")
        world.limiter.postpone(60)
        with pytest.raises(TemporaryError, match="killed"):
            world.run(send(WRITE), permit=permit)
        assert world.sent == []

    def test_nothing_waits_longer_than_it_holds(self, world: World) -> None:
        world.limiter.postpone(60)
        with pytest.raises(NoSlot):
            world.run(send(WRITE), permit=Asked(left=59))
        assert (world.sent, world.now) == ([], 1000)


def test_a_long_wait_is_said(world: World, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    slots._said.clear()
    world.limiter.postpone(12)
    world.run(send(READ))
    world.limiter.postpone(20)
    world.run(send(READ))  # within a minute
    said = "Waiting 12 s for a slot: the plan of vendor.example.com:80 allows 1 requests a second"
    assert [one.getMessage() for one in caplog.records] == [said]
    world.now += slots.SAID_AGAIN
    world.limiter.postpone(20)
    world.run(send(READ))
    assert len(caplog.records) == 2


def test_a_short_one_is_not(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    world = World(tmp_path / "limits", rate=5)
    world.run(both(READ, READ))
    assert caplog.records == []


def consulted(ask: Callable[[], object]) -> Any:
    return (yield Consult(ask))


class TestAdapters:
    def test_a_worker_asks_in_its_own_thread(self) -> None:
        adapter = RequestsAdapter(ENDPOINT)
        assert adapter.run(consulted(threading.current_thread)) is threading.current_thread()

    def test_an_event_loop_goes_on_meanwhile(self) -> None:
        """The limiter waits for a lock that the loop itself releases."""
        lock = threading.Lock()
        lock.acquire()

        async def both() -> bool:
            asking = asyncio.create_task(
                AiohttpAdapter(ENDPOINT).run(consulted(lambda: lock.acquire(timeout=60)))
            )
            await asyncio.sleep(0)
            lock.release()
            return bool(await asking)

        assert asyncio.run(both())
