"""Looking for what a lost request has come to: how often, how long, and what counts."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.core.submission import look_up
from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    Look,
    LookupResult,
    NotSent,
    Steps,
    Unknown,
)
from airflow_provider_workflows.core.submission.look_up import LookUp
from airflow_provider_workflows.core.submission.messages import Messages
from airflow_provider_workflows.core.submission.record import Record, fingerprint
from airflow_provider_workflows.core.submission.terms import Gate, Terms
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    LostTrack,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    Rejected,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnreadableAnswer,
)
from tests.core.harness import Clock
from tests.core.vendor import ORDER

SETTLE = 60.0
DOWN = ServiceUnavailable("the vendor is down")
NOT_YET = Unknown("its form is not shown yet", may_change=True)
NEVER = Unknown("another has moved it on")


class Sought(Effect[None]):
    """Shows what the script says, look by look; the last of it for ever."""

    subject = "an order of purchase"
    words = ORDER
    mark_place = "an order with the key"
    carries_mark: bool = True
    repeatable = False

    def __init__(self, clock: Clock, *script: Any) -> None:
        self.script = list(script)
        self.looks: list[float] = []
        self._clock = clock

    def submit(self, api: None, record: Record, *, again: bool) -> Operation[Any]:
        raise AssertionError("a look-up never sends")

    def look_up(self, api: None, record: Record) -> Operation[LookupResult]:
        yield from ()
        return self.look()

    def look(self) -> LookupResult:
        self.looks.append(self._clock.time())
        outcome = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(outcome, BaseException):
            raise outcome
        return outcome  # type: ignore[no-any-return]


@pytest.fixture
def clock() -> Clock:
    return Clock()


def lost(clock: Clock) -> Record:
    """An intent whose answer was given up."""
    place = fingerprint([Sought.subject, Sought.mark_place], mark="af-mark")
    return Record(mark="af-mark", generation=0, mark_place=place, intended_at=clock.time() - 5)


def looking(clock: Clock, sought: Sought, *, deadline: float = float("inf")) -> LookUp:
    timing: Any = clock
    terms = Terms(settle=SETTLE, deadline=deadline)
    gate = Gate(terms, timing, subject=sought.subject)
    return LookUp(sought, terms, Messages(sought), clock=timing, gate=gate)


def drive(clock: Clock, sought: Sought, steps: Steps[LookupResult]) -> LookupResult:
    """Answer what a look-up asks for."""
    answer: Any = None
    failure: Exception | None = None
    while True:
        try:
            step = steps.send(answer) if failure is None else steps.throw(failure)
        except StopIteration as end:
            result: LookupResult = end.value
            return result
        answer = failure = None
        match step:
            case Sleep(seconds):
                clock.sleep(seconds)
            case Look():
                try:
                    answer = sought.look()
                except (TemporaryError, PermanentError) as error:
                    failure = error
            case _:
                raise AssertionError(step)


def find_out(
    clock: Clock,
    sought: Sought,
    *,
    ago: float = 0.0,
    deadline: float = float("inf"),
    record: Record | None = None,
) -> LookupResult:
    """Find out about a request that was given up that long ago."""
    settled = clock.monotonic() + SETTLE - ago
    steps = looking(clock, sought, deadline=deadline).after(record or lost(clock), settled=settled)
    return drive(clock, sought, steps)


def test_what_is_found_at_once_needs_one_look(clock: Clock) -> None:
    sought = Sought(clock, Found(7))
    assert find_out(clock, sought) == Found(7)
    assert (len(sought.looks), clock.slept) == (1, [])


@pytest.mark.parametrize("ago", [0.0, 20.0])
def test_absence_is_believed_only_when_all_that_was_under_way_has_settled(clock: Clock, ago: float) -> None:
    sought, given_up = Sought(clock, NotSent()), clock.time() - ago
    assert find_out(clock, sought, ago=ago) == NotSent()
    assert len(sought.looks) >= 2
    assert sought.looks[-1] == pytest.approx(given_up + SETTLE)


@pytest.mark.parametrize("ago", [SETTLE, 3600.0])
def test_absence_long_after_still_takes_two_looks(clock: Clock, ago: float) -> None:
    sought = Sought(clock, NotSent())
    assert find_out(clock, sought, ago=ago) == NotSent()
    assert len(sought.looks) == 2
    assert sum(clock.slept) == 0


def test_what_comes_late_is_found(clock: Clock) -> None:
    sought = Sought(clock, NotSent(), NotSent(), NotSent(), Found(7))
    assert find_out(clock, sought) == Found(7)
    assert len(sought.looks) == 4


def test_what_comes_at_the_last_moment_is_found(clock: Clock) -> None:
    sought = Sought(clock, NotSent())
    clock.after(SETTLE - 0.01, lambda: sought.script.insert(0, Found(7)))
    assert find_out(clock, sought) == Found(7)


def test_pauses_grow(clock: Clock) -> None:
    find_out(clock, Sought(clock, NotSent()))
    assert clock.slept[:-1] == [1, 2, 4, 8, 16]
    assert sum(clock.slept) == pytest.approx(SETTLE)


class TestUnknown:
    def test_at_once_if_no_later_look_can_show_more(self, clock: Clock) -> None:
        sought = Sought(clock, NEVER)
        assert find_out(clock, sought) == NEVER
        assert (len(sought.looks), clock.slept) == (1, [])

    def test_if_it_may_change_it_is_asked_until_it_has_settled_and_a_little_longer(
        self, clock: Clock
    ) -> None:
        sought = Sought(clock, NOT_YET)
        assert find_out(clock, sought) == NOT_YET
        assert sum(clock.slept) == pytest.approx(SETTLE + look_up.LINGER)

    @pytest.mark.parametrize("then", [Found(7), NotSent()])
    def test_a_neighbour_that_hid_it_at_the_last_look_is_outwaited(
        self, clock: Clock, then: LookupResult
    ) -> None:
        """Another task's run has just begun and does not show yet whose it is."""
        begun = clock.time()

        class Late(Sought):
            def look(self) -> LookupResult:
                super().look()
                return NOT_YET if clock.time() <= begun + SETTLE + 1 else then

        assert find_out(clock, Late(clock, NOT_YET)) == then

    @pytest.mark.parametrize("then", [Found(7), NotSent(), NEVER])
    def test_it_may_change(self, clock: Clock, then: LookupResult) -> None:
        assert find_out(clock, Sought(clock, NOT_YET, then)) == then

    @pytest.mark.parametrize("error", [NotFound("no such order"), AuthenticationFailed("no"), Rejected("no")])
    def test_a_vendor_that_refuses_to_say_is_no_proof_of_absence(self, clock: Clock, error: Any) -> None:
        assert find_out(clock, Sought(clock, error)) == Unknown(error.message)

    @pytest.mark.parametrize("then", [Found(7), NotSent()])
    def test_one_refusal_does_not_settle_it(self, clock: Clock, then: LookupResult) -> None:
        """A gateway refuses, too, while the vendor behind it is away."""
        assert find_out(clock, Sought(clock, NotFound("nothing here", status=404), then)) == then

    def test_nor_if_it_refuses_only_the_last_look(self, clock: Clock) -> None:
        assert find_out(clock, Sought(clock, NotSent(), Rejected("no"))) == Unknown("no")


class TestPlace:
    """A mark is missed only where it was put."""

    def found(self, clock: Clock, *script: Any, place: str, carries: bool = True) -> LookupResult:
        sought = Sought(clock, *script)
        sought.carries_mark = carries
        return find_out(clock, sought, record=replace(lost(clock), mark_place=place))

    @pytest.mark.parametrize("place", ["", "sha256:of-another-field"])
    def test_elsewhere_its_absence_proves_nothing(self, clock: Clock, place: str) -> None:
        found = self.found(clock, NotSent(), place=place)
        assert isinstance(found, Unknown)
        assert "looks for the mark in another place" in found.why

    def test_elsewhere_it_may_still_be_found(self, clock: Clock) -> None:
        assert self.found(clock, NotSent(), Found(7), place="") == Found(7)

    def test_what_carries_none_is_not_looked_for_by_it(self, clock: Clock) -> None:
        assert self.found(clock, NotSent(), place="", carries=False) == NotSent()


class TestVendorDown:
    @pytest.mark.parametrize(
        "error", [DOWN, ConnectionFailed("refused"), Throttled("slow down"), UnreadableAnswer("HTML")]
    )
    @pytest.mark.parametrize("then", [Found(7), NotSent()])
    def test_for_a_while_it_is_borne(self, clock: Clock, error: TemporaryError, then: LookupResult) -> None:
        assert find_out(clock, Sought(clock, error, error, error, then)) == then

    def test_at_the_end_track_is_lost(self, clock: Clock) -> None:
        sought, begun = Sought(clock, NotSent(), NotSent(), DOWN), clock.time()
        with pytest.raises(LostTrack, match="retry asks again") as caught:
            find_out(clock, sought)
        assert sought.looks[-1] == pytest.approx(begun + SETTLE)
        for said in ("an order of purchase", "an order opened", "af-mark", "the vendor is down"):
            assert said in str(caught.value)

    def test_a_last_look_that_answers_decides(self, clock: Clock) -> None:
        sought = Sought(clock, DOWN)
        clock.after(SETTLE - 1, lambda: sought.script.insert(0, NotSent()))
        assert find_out(clock, sought) == NotSent()

    def test_a_single_look_bears_nothing(self, clock: Clock) -> None:
        sought = Sought(clock, DOWN)
        with pytest.raises(LostTrack):
            drive(clock, sought, looking(clock, sought).once(lost(clock)))


class TestDeadline:
    def test_the_last_look_is_at_the_deadline(self, clock: Clock) -> None:
        sought, deadline = Sought(clock, NotSent()), clock.time() + 20
        found = find_out(clock, sought, deadline=deadline)
        assert isinstance(found, Unknown), "absence was not settled by then"
        assert "60 s" in found.why
        assert sought.looks[-1] == pytest.approx(deadline)

    def test_what_is_found_by_then_counts(self, clock: Clock) -> None:
        assert find_out(clock, Sought(clock, NotSent(), Found(7)), deadline=clock.time() + 20) == Found(7)

    def test_one_that_has_passed_still_allows_two_looks(self, clock: Clock) -> None:
        sought = Sought(clock, NotSent(), Found(7))
        assert find_out(clock, sought, deadline=clock.time() - 100) == Found(7)
        assert sum(clock.slept) == 0

    def test_absence_that_settled_before_it_is_believed(self, clock: Clock) -> None:
        assert find_out(clock, Sought(clock, NotSent()), ago=90, deadline=clock.time() - 10) == NotSent()

    def test_a_better_reason_is_not_hidden_by_it(self, clock: Clock) -> None:
        assert find_out(clock, Sought(clock, NEVER), deadline=clock.time() + 20) == NEVER


OUTCOMES = st.sampled_from([NotSent(), NotSent(), NotSent(), NOT_YET, NEVER, Found(7), DOWN, NotFound("no")])


@settings(max_examples=300)
@given(
    script=st.lists(OUTCOMES, min_size=1, max_size=12),
    ago=st.floats(min_value=0, max_value=200),
    left=st.floats(min_value=-100, max_value=200) | st.just(float("inf")),
)
def test_whatever_the_vendor_shows(script: list[Any], ago: float, left: float) -> None:
    clock = Clock()
    sought, begun = Sought(clock, *script), clock.time()
    settled = begun + SETTLE - ago
    try:
        found: Any = find_out(clock, sought, ago=ago, deadline=begun + left)
    except LostTrack as error:
        found = error
    now = clock.time()
    end = max(begun, min(settled, begun + left))
    assert now <= max(end, min(end + look_up.LINGER, begun + left)) + 1e-3, "it ends when it must"
    assert now <= end + 1e-3 or NOT_YET in script, "it lingers for what may show itself"
    if found == NotSent():
        assert len(sought.looks) >= 2
        assert now >= settled - 1e-3
    if isinstance(found, Found):
        assert found in script


class TestDoubt:
    def said(
        self, clock: Clock, how: LookupResult, heard: OutcomeUnknown | None = None, **record: Any
    ) -> str:
        sought = Sought(clock, how)
        known = Record(mark="af-mark", generation=0, **record)
        assert isinstance(how, Unknown)
        return str(Messages(sought).doubt(known, how.why, heard))

    def test_it_says_what_to_look_for_and_how_to_go_on(self, clock: Clock) -> None:
        said = self.said(clock, NEVER, intended_at=1772366400.0)
        for part in (
            "an order of purchase",
            "another has moved it on",
            "an earlier attempt ended without a result",
            "an order opened around 2026-03-01 12:00:00 UTC with the mark 'af-mark' in the field 'key'",
            "Airflow will not send it again",
            "'workflow_submission'",
            "clear the task",
            "on_lost_answer='resubmit'",
        ):
            assert part in said

    def test_it_carries_what_the_lost_answer_said(self, clock: Clock) -> None:
        heard = OutcomeUnknown("no answer within 2 s", vendor="Vendor", operation="open", status=504)
        said = self.said(clock, NEVER, heard)
        for part in ("no answer within 2 s", "Vendor open", "HTTP 504", "by an earlier attempt"):
            assert part in said
