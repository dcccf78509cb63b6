"""A request that does not begin in time after its intent was written, as on a machine that was suspended."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.body import PERMITTED, Permit
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.submission import terms
from airflow_provider_workflows.core.submission.effect import Found, LookupResult
from airflow_provider_workflows.core.submission.engine import RENEWALS
from airflow_provider_workflows.core.submission.record import KEY, Record
from airflow_provider_workflows.core.submission.runner import Submission
from airflow_provider_workflows.core.submission.terms import SETTLE_MARGIN
from airflow_provider_workflows.exceptions import (
    LostTrack,
    NoSlot,
    OutcomeUnknown,
    RunTimedOut,
    TemporaryError,
)
from tests.conftest import OMFlowServer
from tests.core.vendor import LOST_AFTER, LOST_BEFORE, SETTLE, MemoryHook, Opening, Task, Vendor
from tests.core.vendor import clock as clock
from tests.core.vendor import vendor as vendor
from tests.omflow.orders import TITLE, opening, requests

#: Longer than an intent holds.
LONG = SETTLE + 540


class SuspendedHook(MemoryHook):
    """A machine that is suspended right before the first byte of a request that is sent once."""

    def __init__(self, suspend: Callable[[], None], *, times: int) -> None:
        super().__init__()
        self._suspend = suspend
        self._left = times

    def read(
        self,
        call: Callable[[Any], Operation[Any]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
    ) -> Any:
        return super().run(call)

    def run(
        self,
        call: Callable[[Any], Operation[Any]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
    ) -> Any:
        if self._left:
            self._left -= 1
            self._suspend()
        permit.check()
        return super().run(call)


class LimitedHook(MemoryHook):
    """A hook whose requests wait for a slot, as the driver lets them."""

    def __init__(self, clock: Any, wait: Callable[[Permit], float]) -> None:
        super().__init__()
        self._clock, self._wait = clock, wait

    def run(
        self,
        call: Callable[[Any], Operation[Any]],
        *,
        deadline: float | None = None,
        permit: Permit = PERMITTED,
    ) -> Any:
        if (wait := self._wait(permit)) > permit.time_left(once=True):
            raise NoSlot("Nothing was sent: the next slot is too far away", retry_after=wait)
        self._clock.sleep(wait)
        permit.check(waited=True)
        permit.check()
        return super().run(call)


class LimitedTask(Task):
    """A task with such a hook."""

    wait: Callable[[Permit], float]

    def run(self, effect: Any) -> Any:
        hook: Any = LimitedHook(self.clock, self.wait)
        self.submission = Submission(
            self.context, effect, hook, policy=self.policy, settle=self.settle, deadline=self.deadline
        )
        return self.submission.run().id


class SuspendedTask(Task):
    """A task on such a machine."""

    times = 1
    suspend: Callable[[], None]

    def run(self, effect: Any) -> Any:
        hook: Any = SuspendedHook(self.suspend, times=self.times)
        self.submission = Submission(
            self.context, effect, hook, policy=self.policy, settle=self.settle, deadline=self.deadline
        )
        return self.submission.run().id


def suspended(clock: Any, *, times: int = 1, seconds: float = LONG, **how: Any) -> SuspendedTask:
    task = SuspendedTask(clock, **how)
    task.times, task.suspend = times, lambda: clock.sleep(seconds)
    return task


@pytest.mark.parametrize("findable", [True, False])
def test_a_store_that_takes_the_intent_anew_lets_it_be_sent(
    clock: Any, vendor: Vendor, findable: bool
) -> None:
    """No newer attempt has begun, or the store had refused: so nobody else can have sent it."""
    task = suspended(clock)
    assert task.run(Opening(vendor, findable=findable)) == 1
    assert (len(vendor.sent), task.record["id"]) == (1, 1)
    assert not vendor.sent[0].again
    assert len(vendor.looks) == findable, "asked all the same, where it can be asked"


def test_a_store_that_refuses_ends_it_and_the_newer_attempts_record_stays(clock: Any, vendor: Vendor) -> None:
    task = suspended(clock)
    newer = {"format": 2, "mark": "af-1", "generation": 0, "id": 7, "subject": "the newer attempt's"}

    def overtake() -> None:
        clock.sleep(LONG)
        task.store.set(KEY, newer)
        task.store.failing = 99

    task.suspend = overtake
    with pytest.raises(ConnectionError):
        task.run(Opening(vendor))
    assert (vendor.sent, task.record) == ([], newer)


def test_what_shows_itself_then_is_gone_on_with(clock: Any, vendor: Vendor) -> None:
    class Shown(Opening):
        def look_up(self, api: Any, record: Record) -> Operation[LookupResult]:
            yield from ()
            return Found(7)

    task = suspended(clock)
    assert task.run(Shown(vendor)) == 7
    assert vendor.sent == []


def test_a_doubt_settles_once_more(clock: Any, vendor: Vendor) -> None:
    """A machine that was away before the second sending knows nothing of what happened meanwhile."""
    vendor.fates = [LOST_BEFORE]
    task = suspended(clock, times=99)
    away: list[float] = []

    def suspend() -> None:
        if len(vendor.sent) == 1 and not away:
            away.append(clock.time())
            clock.sleep(LONG)

    task.suspend = suspend
    assert task.run(Opening(vendor)) == 1
    first, second = vendor.sent
    assert second.at >= away[0] + LONG + SETTLE
    assert (first.again, second.again) == (False, True)


def test_a_request_that_never_begins_is_given_up_and_leaves_nothing(clock: Any, vendor: Vendor) -> None:
    task = suspended(clock, times=99)
    with pytest.raises(TemporaryError, match="Nothing was sent"):
        task.run(Opening(vendor))
    assert (vendor.sent, task.record) == ([], None)
    assert clock.slept.count(LONG) == RENEWALS + 1


def test_within_its_time_it_begins(clock: Any, vendor: Vendor) -> None:
    task = suspended(clock, seconds=SETTLE - MemoryHook.timeout - 1)
    assert task.run(Opening(vendor)) == 1
    assert vendor.looks == []


def test_it_has_some_time_always(clock: Any, vendor: Vendor) -> None:
    task = suspended(clock, seconds=SETTLE_MARGIN - 1, settle=0)
    assert task.run(Opening(vendor)) == 1
    assert vendor.looks == []


@pytest.mark.parametrize("stands_still", ["time", "boottime"])
def test_the_clock_that_went_further_counts(
    clock: Any, vendor: Vendor, monkeypatch: pytest.MonkeyPatch, stands_still: str
) -> None:
    now = clock.time()
    monkeypatch.setattr(clock, stands_still, lambda: now)
    assert suspended(clock).run(Opening(vendor)) == 1
    assert len(vendor.looks) == 1


def test_the_deadline_passes_meanwhile(clock: Any, vendor: Vendor) -> None:
    task = suspended(clock, deadline=clock.time() + 30)
    with pytest.raises(RunTimedOut):
        task.run(Opening(vendor))
    assert (vendor.sent, task.record) == ([], None)


class TestSlot:
    """A wait for a slot of the account's plan is no reason to give an intent up."""

    def limited(self, clock: Any, wait: Any, **how: Any) -> LimitedTask:
        task = LimitedTask(clock, **how)
        task.wait = wait if callable(wait) else lambda permit: wait
        return task

    def test_it_may_take_longer_than_an_intent_holds(self, clock: Any, vendor: Vendor) -> None:
        task = self.limited(clock, LONG)
        assert task.run(Opening(vendor)) == 1
        assert clock.slept.count(LONG) == 1
        assert vendor.looks == [], "the intent was saved again, and nothing begun anew"

    def test_beyond_the_deadline_it_is_refused_at_once(self, clock: Any, vendor: Vendor) -> None:
        task = self.limited(clock, LONG, deadline=clock.time() + LONG - 1)
        with pytest.raises(NoSlot):
            task.run(Opening(vendor))
        assert (vendor.sent, task.record, LONG in clock.slept) == ([], None, False)

    def test_a_retry_sends_it(self, clock: Any, vendor: Vendor) -> None:
        task = self.limited(clock, LONG, deadline=clock.time() + LONG - 1)
        with pytest.raises(NoSlot):
            task.run(Opening(vendor))
        task.wait = lambda permit: 1.0
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    def test_a_task_that_is_killed_meanwhile_sends_nothing(self, clock: Any, vendor: Vendor) -> None:
        def kill(permit: Any) -> float:
            permit.close()
            return LONG

        task = self.limited(clock, kill)
        with pytest.raises(TemporaryError, match="killed"):
            task.run(Opening(vendor))
        assert vendor.sent == []

    def test_a_store_that_refuses_ends_it(self, clock: Any, vendor: Vendor) -> None:
        """A newer attempt has begun meanwhile."""

        def overtake(permit: Permit) -> float:
            task.store.failing = 99
            return LONG

        task = self.limited(clock, overtake)
        with pytest.raises(ConnectionError):
            task.run(Opening(vendor))
        assert vendor.sent == []

    def test_without_a_store_it_waits_while_the_intent_holds(self, clock: Any, vendor: Vendor) -> None:
        task = self.limited(clock, SETTLE - MemoryHook.timeout - 1, lasting=False)
        assert task.run(Opening(vendor)) == 1

    def test_and_no_longer(self, clock: Any, vendor: Vendor) -> None:
        task = self.limited(clock, SETTLE - MemoryHook.timeout + 1, lasting=False)
        before = len(clock.slept)
        with pytest.raises(NoSlot):
            task.run(Opening(vendor))
        assert (vendor.sent, len(clock.slept)) == ([], before)


class TestWithoutAStore:
    def test_it_is_left_to_the_newer_attempt_that_there_may_be(self, clock: Any, vendor: Vendor) -> None:
        """It may be about to send the request as well, and no store would tell."""
        task = suspended(clock, lasting=False)
        with pytest.raises(TemporaryError, match="Nothing was sent"):
            task.run(Opening(vendor))
        assert (vendor.sent, len(vendor.looks)) == ([], 2)
        task.times = 0
        assert task.retry(Opening(vendor)) == 1
        assert len(vendor.sent) == 1

    def test_what_the_newer_attempt_did_is_gone_on_with(self, clock: Any, vendor: Vendor) -> None:
        task = suspended(clock, lasting=False)

        def overtake() -> None:
            clock.sleep(LONG)
            vendor.send("task", task.submission.engine.new.mark, again=False)

        task.suspend = overtake
        assert task.run(Opening(vendor)) == 1
        assert len(vendor.sent) == 1, "by the newer one"

    def test_what_cannot_be_looked_for_is_not_sent(self, clock: Any, vendor: Vendor) -> None:
        task = suspended(clock, lasting=False)
        with pytest.raises(TemporaryError, match="Nothing was sent"):
            task.run(Opening(vendor, findable=False))
        assert vendor.sent == []


def test_a_new_attempt_after_it_finds_what_was_sent(clock: Any, vendor: Vendor) -> None:
    vendor.fates, vendor.blind = [LOST_AFTER], 0
    task = suspended(clock)
    effect = Opening(vendor, findable=False)
    with pytest.raises(OutcomeUnknown):
        task.run(effect)
    task.times = 0
    with pytest.raises((OutcomeUnknown, LostTrack)):
        task.retry(effect)
    assert len(vendor.sent) == 1


def test_the_machines_own_clocks() -> None:
    clock = terms.Clock()
    assert clock.boottime() <= clock.boottime()
    assert abs(clock.time() - time.time()) < 60


def test_a_real_request_does_not_begin_late(omflow: OMFlowServer) -> None:
    """The intent expires while the security code is fetched, so the order's request finds the gate closed."""
    machine: Any = StrangeClock()
    with terms.options(clock=machine):
        runner = opening(api_path="two-step", form_data=TITLE, run_key_field="FORMITM_2")
        assert runner.store is not None
        write, written = runner.store.set, []

        def suspend(key: str, value: Any, **how: Any) -> None:
            write(key, value, **how)
            written.append(value)
            if len(written) == 1:
                machine.ahead += 3600

        runner.store.set = suspend  # type: ignore[method-assign]
        assert runner.run()
    assert [("id" in one) for one in written] == [False, False, True]
    assert omflow.effects()["opened"] == requests(omflow, "open") == 1


class StrangeClock(terms.Clock):
    """A machine that has been suspended for a while."""

    def __init__(self) -> None:
        self.ahead = 0.0
        self.boottime = lambda: time.monotonic() + self.ahead
