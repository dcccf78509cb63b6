"""
A sixth vendor's letter is sent once, by the 25 lines that say what a letter is.

A registered letter, which is found in the vendor's book by its mark, takes a few lines more.
"""

from __future__ import annotations

import inspect
import json
import os
import time
from typing import Any

import pytest

from airflow_provider_workflows.exceptions import LostTrack, OutcomeUnknown, RunFailed, Throttled
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.blizwork.killed import hand_over, killed
from tests.core.harness import Clock, Runner
from tests.sixth_vendor.conftest import sending
from tests.sixth_vendor.pigeon_post.effects import LetterStart
from tests.sixth_vendor.pigeon_post.operators import PigeonSendOperator


def registered(clock: Clock, *, store: bool = True) -> Runner:
    return Runner(
        lambda: PigeonSendOperator(task_id="send", to="Ada", text="hello", registered=True),
        clock=clock,
        store=store,
    )


def sent(loft: SandboxServer) -> int:
    return int(loft.control.effects("pigeon")["sent"])


def requests(loft: SandboxServer) -> int:
    """How many letters were handed in, whether they were taken or not."""
    return int(loft.control.effects("pigeon")["requests"].get("send", 0))


def test_it_takes_few_lines() -> None:
    lines = [line for line in inspect.getsource(LetterStart).splitlines() if line.strip()]
    assert len(lines) <= 25


class TestBlind:
    """The vendor cannot be asked for a letter but by its number."""

    @pytest.mark.parametrize("how", ["retry", "clear"])
    def test_a_letter_that_flies_is_gone_on_with(self, loft: SandboxServer, clock: Clock, how: str) -> None:
        runner = sending(clock)
        assert runner.run() == getattr(runner, how)() == "letter-1"
        assert sent(loft) == 1

    def test_a_clear_after_its_arrival_sends_another(self, loft: SandboxServer, clock: Clock) -> None:
        runner = sending(clock)
        runner.run()
        clock.sleep(40)
        assert [runner.retry(), runner.clear(), runner.retry()] == ["letter-1", "letter-2", "letter-2"]

    def test_a_clear_sends_another_beside_it_if_asked_to(self, loft: SandboxServer, clock: Clock) -> None:
        runner = sending(clock, on_clear="rerun")
        assert [runner.run(), runner.retry(), runner.clear()] == ["letter-1", "letter-1", "letter-2"]

    def test_a_letter_that_is_lost_is_sent_again_only_if_asked_to(
        self, loft: SandboxServer, clock: Clock
    ) -> None:
        careful, bold = sending(clock, to="nowhere"), sending(clock, to="nowhere", on_failed_run="rerun")
        assert [careful.run(), bold.run()] == ["letter-1", "letter-2"]
        clock.sleep(40)
        with pytest.raises(RunFailed, match=r"has failed: letter-1"):
            careful.retry()
        assert bold.retry() == "letter-3"

    @pytest.mark.parametrize("fault", ["lost_answer", "reset_before", "bad_gateway"])
    def test_a_doubt_is_left_to_a_person(self, loft: SandboxServer, clock: Clock, fault: str) -> None:
        loft.control.fault("pigeon", "send", fault)
        runner = sending(clock)
        for again in (runner.run, runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown, match="Check the loft's book for a letter to Ada"):
                again()
        assert requests(loft) == 1

    @pytest.mark.parametrize("when", ["before sending", "after sending"])
    def test_so_is_that_of_a_worker_that_died(self, loft: SandboxServer, clock: Clock, when: Any) -> None:
        runner = sending(clock)
        killed(runner, when)
        for again in (runner.retry, runner.clear):
            with pytest.raises(OutcomeUnknown):
                again()
        assert requests(loft) == (when == "after sending")

    def test_who_hands_the_number_over(self, loft: SandboxServer, clock: Clock) -> None:
        runner = sending(clock)
        killed(runner, "after sending")
        hand_over(runner, "letter-1")
        assert [runner.clear(), runner.retry()] == ["letter-1", "letter-1"]
        assert sent(loft) == 1

    def test_sends_again_if_told_to(self, loft: SandboxServer, clock: Clock) -> None:
        loft.control.fault("pigeon", "send", "lost_answer")
        assert sending(clock, on_lost_answer="resubmit").run() == "letter-2"
        assert sum(clock.slept) >= 59


class TestRegistered:
    """The vendor can be asked for the mark."""

    @pytest.mark.parametrize("fault", ["lost_answer", "truncated"])
    def test_a_lost_answer_is_found(self, loft: SandboxServer, clock: Clock, fault: str) -> None:
        loft.control.fault("pigeon", "send", fault)
        runner = registered(clock)
        assert runner.run() == runner.retry() == "letter-1"
        assert requests(loft) == 1

    def test_a_letter_that_never_came_is_sent_again_once_that_is_sure(
        self, loft: SandboxServer, clock: Clock
    ) -> None:
        loft.control.fault("pigeon", "send", "reset_before")
        assert registered(clock).run() == "letter-1"
        assert sum(clock.slept) >= 59
        assert (sent(loft), requests(loft)) == (1, 2)

    def test_a_letter_that_comes_late_is_waited_for(
        self, loft: SandboxServer, clock: Clock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def arrive() -> None:
            deadline = time.monotonic() + 10
            while sent(loft) == 0:
                assert time.monotonic() < deadline
                time.sleep(0.02)

        fields = json.loads(os.environ["AIRFLOW_CONN_PIGEON_DEFAULT"])
        monkeypatch.setenv("AIRFLOW_CONN_PIGEON_DEFAULT", json.dumps({**fields, "extra": {"timeout": 0.3}}))
        loft.control.fault("pigeon", "send", "late_effect", seconds=0.8)
        clock.after(40, arrive)
        assert registered(clock).run() == "letter-1"
        assert (sent(loft), requests(loft)) == (1, 1)

    @pytest.mark.parametrize("how", ["retry", "clear"])
    @pytest.mark.parametrize("when", ["before sending", "after sending"])
    def test_a_worker_that_died_leaves_one_letter(
        self, loft: SandboxServer, clock: Clock, when: Any, how: str
    ) -> None:
        runner = registered(clock)
        killed(runner, when)
        assert getattr(runner, how)() == runner.retry() == "letter-1"
        assert requests(loft) == 1

    def test_siblings_find_each_their_own(self, loft: SandboxServer, clock: Clock) -> None:
        loft.control.fault("pigeon", "send", "lost_answer", times=2)
        one, other = registered(clock), registered(clock)
        assert [one.run(), other.run(), one.retry(), other.retry()] == [
            "letter-1",
            "letter-2",
            "letter-1",
            "letter-2",
        ]
        assert sent(loft) == 2

    def test_a_book_that_is_closed_is_read_by_a_retry(self, loft: SandboxServer, clock: Clock) -> None:
        loft.control.fault("pigeon", "send", "lost_answer")
        closed = loft.control.fault("pigeon", "book", "throttled", times=99, retry_after=60)
        runner = registered(clock)
        with pytest.raises(LostTrack, match="A retry asks again"):
            runner.run()
        assert loft.control.hits(closed) > 1
        loft.control.clear_faults()
        assert runner.retry() == "letter-1"
        assert requests(loft) == 1

    @pytest.mark.parametrize("fault", [None, "lost_answer", "reset_before"])
    def test_without_a_store_a_retry_finds_its_letter(
        self, loft: SandboxServer, clock: Clock, fault: str | None
    ) -> None:
        if fault is not None:
            loft.control.fault("pigeon", "send", fault)
        runner = registered(clock, store=False)
        assert runner.run() == runner.retry() == "letter-1"
        assert sent(loft) == 1

    def test_a_refusal_leaves_nothing_behind(self, loft: SandboxServer, clock: Clock) -> None:
        loft.control.fault("pigeon", "send", "throttled", retry_after=60)
        runner = registered(clock)
        with pytest.raises(Throttled):
            runner.run()
        assert runner.store is not None
        assert "workflow_submission" not in runner.store.values
        assert runner.retry() == "letter-1"
