"""Looking for what a lost request has come to: how often, how long, and what counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.base import inquiry
from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.base.inquiry import Inquiry, place_of
from airflow_provider_workflows.base.record import Record
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    LostTrack,
    NotFound,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnreadableAnswer,
)
from tests.base.harness import Clock

SETTLE = 60.0
DOWN = ServiceUnavailable("the vendor is down")
NOT_YET = CannotKnow("its form is not shown yet", may_change=True)
NEVER = CannotKnow("another has moved it on")


class Sought(Effect):
    """Shows what the script says, look by look; the last of it for ever."""

    subject = "an order of purchase"
    hint = "an order with the key"
    carries_mark = True

    def __init__(self, clock: Clock, *script: Any) -> None:
        self.script = list(script)
        self.looks: list[float] = []
        self._clock = clock

    def submit(self, record: Record, *, again: bool) -> Any:
        raise AssertionError("an inquiry never sends")

    def look_up(self, record: Record) -> Trace:
        self.looks.append(self._clock.time())
        outcome = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[no-any-return]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(inquiry, "time", clock)
    return clock


def lost(clock: Clock, *, ago: float | None = 0.0) -> Record:
    """An intent whose answer was given up that long ago; None if no attempt lived to see that."""
    given_up = None if ago is None else clock.time() - ago
    intended = clock.time() - 5 - (ago or 0)
    place = place_of(Sought(clock), "af-mark")
    return Record(mark="af-mark", generation=0, place=place, intended_at=intended, lost_at=given_up)


def trace(clock: Clock, sought: Sought, *, ago: float | None = 0.0, deadline: float = float("inf")) -> Trace:
    return Inquiry(sought, settle=SETTLE, deadline=deadline).trace(lost(clock, ago=ago))


def test_what_is_found_at_once_needs_one_look(clock: Clock) -> None:
    sought = Sought(clock, Found(7))
    assert trace(clock, sought) == Found(7)
    assert (len(sought.looks), clock.slept) == (1, [])


@pytest.mark.parametrize("ago", [0.0, 20.0, None])
def test_absence_is_believed_only_when_all_that_was_under_way_has_settled(
    clock: Clock, ago: float | None
) -> None:
    sought, given_up = Sought(clock, Absent()), clock.time() - (ago or 0.0)
    assert trace(clock, sought, ago=ago) == Absent()
    assert len(sought.looks) >= 2
    assert sought.looks[-1] == pytest.approx(given_up + SETTLE)


@pytest.mark.parametrize("ago", [SETTLE, 3600.0])
def test_absence_long_after_still_takes_two_looks(clock: Clock, ago: float) -> None:
    sought = Sought(clock, Absent())
    assert trace(clock, sought, ago=ago) == Absent()
    assert len(sought.looks) == 2
    assert sum(clock.slept) == 0


def test_what_comes_late_is_found(clock: Clock) -> None:
    sought = Sought(clock, Absent(), Absent(), Absent(), Found(7))
    assert trace(clock, sought) == Found(7)
    assert len(sought.looks) == 4


def test_what_comes_at_the_last_moment_is_found(clock: Clock) -> None:
    sought = Sought(clock, Absent())
    clock.after(SETTLE - 0.01, lambda: sought.script.insert(0, Found(7)))
    assert trace(clock, sought) == Found(7)


def test_pauses_grow(clock: Clock) -> None:
    trace(clock, Sought(clock, Absent()))
    assert clock.slept[:-1] == [1, 2, 4, 8, 16]
    assert sum(clock.slept) == pytest.approx(SETTLE)


def test_a_moment_that_another_machines_clock_puts_in_the_future_is_not_waited_for(clock: Clock) -> None:
    sought = Sought(clock, Absent())
    assert trace(clock, sought, ago=-7 * 24 * 3600) == Absent()
    assert sum(clock.slept) == pytest.approx(SETTLE)


class TestCannotKnow:
    def test_at_once_if_no_later_look_can_show_more(self, clock: Clock) -> None:
        sought = Sought(clock, NEVER)
        assert trace(clock, sought) == NEVER
        assert (len(sought.looks), clock.slept) == (1, [])

    def test_if_it_may_change_it_is_asked_until_it_has_settled_and_a_little_longer(
        self, clock: Clock
    ) -> None:
        sought = Sought(clock, NOT_YET)
        assert trace(clock, sought) == NOT_YET
        assert sum(clock.slept) == pytest.approx(SETTLE + inquiry.LINGER)

    @pytest.mark.parametrize("then", [Found(7), Absent()])
    def test_a_neighbour_that_hid_it_at_the_last_look_is_outwaited(self, clock: Clock, then: Trace) -> None:
        """Another task's run has just begun and does not show yet whose it is."""
        begun = clock.time()

        class Late(Sought):
            def look_up(self, record: Record) -> Trace:
                super().look_up(record)
                return NOT_YET if clock.time() <= begun + SETTLE + 1 else then

        assert trace(clock, Late(clock, NOT_YET)) == then

    @pytest.mark.parametrize("then", [Found(7), Absent(), NEVER])
    def test_it_may_change(self, clock: Clock, then: Trace) -> None:
        assert trace(clock, Sought(clock, NOT_YET, then)) == then

    @pytest.mark.parametrize("error", [NotFound("no such order"), AuthenticationFailed("no"), Rejected("no")])
    def test_a_vendor_that_refuses_to_say_is_no_proof_of_absence(self, clock: Clock, error: Any) -> None:
        assert trace(clock, Sought(clock, error)) == CannotKnow(error.message)

    @pytest.mark.parametrize("then", [Found(7), Absent()])
    def test_one_refusal_does_not_settle_it(self, clock: Clock, then: Trace) -> None:
        """A gateway refuses, too, while the vendor behind it is away."""
        assert trace(clock, Sought(clock, NotFound("nothing here", status=404), then)) == then

    def test_nor_if_it_refuses_only_the_last_look(self, clock: Clock) -> None:
        assert trace(clock, Sought(clock, Absent(), Rejected("no"))) == CannotKnow("no")


class TestPlace:
    """A mark is missed only where it was put."""

    def found(self, clock: Clock, *script: Any, place: str, carries: bool = True) -> Trace:
        sought = Sought(clock, *script)
        sought.carries_mark = carries
        record = replace(lost(clock), place=place)
        return Inquiry(sought, settle=SETTLE, deadline=float("inf")).trace(record)

    @pytest.mark.parametrize("place", ["", "sha256:of-another-field"])
    def test_elsewhere_its_absence_proves_nothing(self, clock: Clock, place: str) -> None:
        found = self.found(clock, Absent(), place=place)
        assert isinstance(found, CannotKnow)
        assert "did not carry its mark" in found.why

    def test_elsewhere_it_may_still_be_found(self, clock: Clock) -> None:
        assert self.found(clock, Absent(), Found(7), place="") == Found(7)

    def test_what_carries_none_is_not_looked_for_by_it(self, clock: Clock) -> None:
        assert self.found(clock, Absent(), place="", carries=False) == Absent()
        assert place_of(Sought(clock), "m") != place_of(Sought(clock), "n")


class TestVendorDown:
    @pytest.mark.parametrize(
        "error", [DOWN, ConnectionFailed("refused"), Throttled("slow down"), UnreadableAnswer("HTML")]
    )
    @pytest.mark.parametrize("then", [Found(7), Absent()])
    def test_for_a_while_it_is_borne(self, clock: Clock, error: TemporaryError, then: Trace) -> None:
        assert trace(clock, Sought(clock, error, error, error, then)) == then

    def test_at_the_end_track_is_lost(self, clock: Clock) -> None:
        sought, begun = Sought(clock, Absent(), Absent(), DOWN), clock.time()
        with pytest.raises(LostTrack, match="retry asks again") as caught:
            trace(clock, sought)
        assert sought.looks[-1] == pytest.approx(begun + SETTLE)
        for said in ("an order of purchase", "an order with the key", "af-mark", "the vendor is down"):
            assert said in str(caught.value)

    def test_a_last_look_that_answers_decides(self, clock: Clock) -> None:
        sought = Sought(clock, DOWN)
        clock.after(SETTLE - 1, lambda: sought.script.insert(0, Absent()))
        assert trace(clock, sought) == Absent()

    def test_a_single_look_bears_nothing(self, clock: Clock) -> None:
        with pytest.raises(LostTrack):
            Inquiry(Sought(clock, DOWN), settle=SETTLE, deadline=float("inf")).look(lost(clock))


class TestDeadline:
    def test_the_last_look_is_at_the_deadline(self, clock: Clock) -> None:
        sought, deadline = Sought(clock, Absent()), clock.time() + 20
        found = trace(clock, sought, deadline=deadline)
        assert isinstance(found, CannotKnow), "absence was not settled by then"
        assert "60 s" in found.why
        assert sought.looks[-1] == pytest.approx(deadline)

    def test_what_is_found_by_then_counts(self, clock: Clock) -> None:
        assert trace(clock, Sought(clock, Absent(), Found(7)), deadline=clock.time() + 20) == Found(7)

    def test_one_that_has_passed_still_allows_two_looks(self, clock: Clock) -> None:
        sought = Sought(clock, Absent(), Found(7))
        assert trace(clock, sought, deadline=clock.time() - 100) == Found(7)
        assert sum(clock.slept) == 0

    def test_absence_that_settled_before_it_is_believed(self, clock: Clock) -> None:
        assert trace(clock, Sought(clock, Absent()), ago=90, deadline=clock.time() - 10) == Absent()

    def test_a_better_reason_is_not_hidden_by_it(self, clock: Clock) -> None:
        assert trace(clock, Sought(clock, NEVER), deadline=clock.time() + 20) == NEVER


OUTCOMES = st.sampled_from([Absent(), Absent(), Absent(), NOT_YET, NEVER, Found(7), DOWN, NotFound("no")])


@settings(max_examples=300)
@given(
    script=st.lists(OUTCOMES, min_size=1, max_size=12),
    ago=st.none() | st.floats(min_value=-100, max_value=200),
    left=st.floats(min_value=-100, max_value=200) | st.just(float("inf")),
)
def test_whatever_the_vendor_shows(script: list[Any], ago: float | None, left: float) -> None:
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inquiry, "time", clock)
        sought, begun = Sought(clock, *script), clock.time()
        settled = begun + SETTLE - max(0.0, ago or 0.0)
        try:
            found: Any = trace(clock, sought, ago=ago, deadline=begun + left)
        except LostTrack as error:
            found = error
    now = clock.time()
    end = max(begun, min(settled, begun + left))
    assert now <= max(end, min(end + inquiry.LINGER, begun + left)) + 1e-3, "it ends when it must"
    assert now <= end + 1e-3 or NOT_YET in script, "it lingers for what may show itself"
    if found == Absent():
        assert len(sought.looks) >= 2
        assert now >= settled - 1e-3
    if isinstance(found, Found):
        assert found in script


class TestDoubt:
    def said(self, clock: Clock, how: Trace, heard: OutcomeUnknown | None = None, **record: Any) -> str:
        sought = Sought(clock, how)
        known = Record(mark="af-mark", generation=0, **record)
        error = Inquiry(sought, settle=SETTLE, deadline=float("inf")).doubt(known, how, heard)
        return str(error)

    def test_it_says_what_to_look_for_and_how_to_go_on(self, clock: Clock) -> None:
        said = self.said(clock, NEVER, intended_at=1772366400.0)
        for part in (
            "an order of purchase",
            "another has moved it on",
            "an earlier attempt broke off",
            "an order with the key of about 2026-03-01 12:00:00 UTC with the mark 'af-mark'",
            "Nothing is sent again",
            "'workflow_submission'",
            "clear the task",
            "on_lost_answer='resubmit'",
        ):
            assert part in said

    def test_it_carries_what_the_lost_answer_said(self, clock: Clock) -> None:
        heard = OutcomeUnknown("no answer within 2 s", vendor="Vendor", operation="open", status=504)
        said = self.said(clock, NEVER, heard)
        for part in ("no answer within 2 s", "Vendor open", "HTTP 504", "of an earlier attempt"):
            assert part in said
