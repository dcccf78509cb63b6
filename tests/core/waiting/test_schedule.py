"""The pure step of waiting, by hand and by property."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.waiting.condition import Done, Pending
from airflow_provider_workflows.core.waiting.schedule import (
    FIRST_INTERVAL,
    JITTER,
    LONGEST_ASKED,
    LOST_AFTER,
    POSTPONED,
    Failed,
    Verdict,
    Wait,
    WaitState,
    advance,
    interval,
)
from airflow_provider_workflows.exceptions import LostTrack, RunTimedOut, TemporaryError, WorkflowError

START = 1_000_000.0
SUBJECT = "the kettle"

moments = st.floats(min_value=0, max_value=1e6)
draws = st.floats(min_value=0, max_value=1, exclude_max=True)
states = st.builds(
    lambda timeout, cap, tolerance, heard, silent, known: WaitState(
        started=START,
        deadline=START + timeout,
        heard=START + heard,
        next_look=START,
        cap=cap,
        tolerance=tolerance,
        silent_since=silent,
        known=known,
    ),
    timeout=moments,
    cap=st.floats(min_value=FIRST_INTERVAL, max_value=3600),
    tolerance=st.none() | moments,
    heard=moments,
    silent=st.none() | moments.map(lambda seconds: START + seconds),
    known=st.booleans(),
)
looks = st.sampled_from(
    [Pending("boiling"), exceptions.ServiceUnavailable("away"), exceptions.Throttled("slow")]
)


def state(**changes: Any) -> WaitState:
    begun = WaitState.begin(now=START, timeout=100, cap=60, tolerance=30)
    return replace(begun, **changes)


def step(state: WaitState, outcome: Any, *, after: float = 0.0, draw: float = 0.5) -> Verdict:
    return advance(state, outcome, now=START + after, subject=SUBJECT, draw=draw)


def all_errors() -> list[type[WorkflowError]]:
    family = [WorkflowError]
    for cls in family:
        family += cls.__subclasses__()
    return family


@pytest.mark.parametrize("kind", all_errors(), ids=lambda kind: kind.__name__)
def test_only_what_time_can_mend_is_waited_through(kind: type[WorkflowError]) -> None:
    error = kind("no")
    verdict = step(state(), error)
    if issubclass(kind, TemporaryError):
        assert isinstance(verdict, Wait)
    else:
        assert verdict == Failed(error)


@pytest.mark.parametrize("after", [0, 99, 100, 1000], ids=lambda after: f"{after}s")
def test_what_has_come_counts_even_after_the_deadline(after: float) -> None:
    assert step(state(), Done({"a": 1}), after=after) == Done({"a": 1})


def test_an_answer_is_remembered() -> None:
    verdict = step(state(), Pending("cold"), after=5)
    assert isinstance(verdict, Wait)
    assert (verdict.state.heard, verdict.state.detail) == (START + 5, "cold")


def test_no_answer_changes_what_was_last_heard_in_nothing() -> None:
    verdict = step(state(detail="cold"), exceptions.ServiceUnavailable("away"), after=5)
    assert isinstance(verdict, Wait)
    assert (verdict.state.heard, verdict.state.detail) == (START, "cold")


@pytest.mark.parametrize("after", [31, 66, 99], ids=lambda after: f"{after}s")
def test_one_failed_look_is_no_silence_however_long_nobody_looked(after: float) -> None:
    verdict = step(state(), exceptions.ServiceUnavailable("away"), after=after)
    assert isinstance(verdict, Wait)
    assert verdict.state.silent_since == START + after


@pytest.mark.parametrize(("after", "lost"), [(30.0, False), (30.5, True)], ids=["just borne", "too long"])
def test_tolerance_is_time_without_an_answer(after: float, lost: bool) -> None:
    silent = state(detail="cold", silent_since=START)
    verdict = step(silent, exceptions.ServiceUnavailable("away", status=503), after=after)
    assert isinstance(verdict, Failed) == lost
    if isinstance(verdict, Failed):
        assert isinstance(verdict.error, LostTrack)
        assert verdict.error.status == 503
        for said in (SUBJECT, "30 s", "last status: cold", "away"):
            assert said in verdict.error.message


def test_who_has_not_listened_begins_the_tolerance_anew() -> None:
    later = state(silent_since=START).anew(now=START + 60)
    assert isinstance(step(later, exceptions.ServiceUnavailable("away"), after=61), Wait)


def test_what_the_vendor_does_not_know_ends_a_wait_at_once() -> None:
    unknown = exceptions.NotFound("no such kettle", status=404)
    assert step(state(), unknown) == Failed(unknown)


@pytest.mark.parametrize(("after", "over"), [(0, False), (29, False), (30, True), (99, True)])
def test_what_may_be_late_is_not_found_only_later(after: float, over: bool) -> None:
    absent = exceptions.NotFound("no such kettle", late=30)
    verdict = step(state(), absent, after=after)
    assert (verdict == Failed(absent)) is over
    if isinstance(verdict, Wait):
        assert (verdict.state.known, verdict.state.silent_since) == (False, None)


def test_what_may_be_late_is_no_way_past_the_tolerance() -> None:
    absent = exceptions.NotFound("no such kettle", late=1e9)
    verdict = step(state(known=True, silent_since=START), absent, after=31)
    assert isinstance(verdict, Failed)
    assert isinstance(verdict.error, LostTrack)
    assert "the vendor has not known it for 31 s" in verdict.error.message


@pytest.mark.parametrize("how", ["it has shown it", "it has accepted it"])
def test_what_the_vendor_has_known_is_not_given_up_for_one_not_found(how: str) -> None:
    """A gateway says the same while the vendor is away."""
    shown = step(state(), Pending("cold"), after=1)
    assert isinstance(shown, Wait)
    now = shown.state if how == "it has shown it" else state(known=True)
    unknown = exceptions.NotFound("no such kettle", status=404)
    verdict = step(now, unknown, after=2)
    assert isinstance(verdict, Wait)
    assert isinstance(step(verdict.state, Pending("warm"), after=10), Wait)
    lost = step(verdict.state, unknown, after=33)
    assert isinstance(lost, Failed)
    assert isinstance(lost.error, LostTrack)
    assert "no such kettle" in lost.error.message


def test_a_wait_that_looks_seldom_looks_more_often_in_a_silence() -> None:
    seldom = state(started=START - 1e6, cap=3600, tolerance=600, deadline=START + 1e6)
    verdict = step(seldom, exceptions.ServiceUnavailable("away"), after=0)
    assert isinstance(verdict, Wait)
    assert verdict.state.next_look == START + 600 / LOST_AFTER
    heard = step(verdict.state, Pending(), after=120)
    assert isinstance(heard, Wait)
    assert heard.state.next_look == START + 120 + 3600


def test_many_failures_in_a_short_time_are_borne() -> None:
    now = state()
    for number in range(1000):
        verdict = step(now, exceptions.ServiceUnavailable("away"), after=number * 0.03)
        assert isinstance(verdict, Wait)
        now = verdict.state


def test_an_answer_in_between_begins_the_tolerance_anew() -> None:
    heard = step(state(), Pending(), after=29)
    assert isinstance(heard, Wait)
    assert isinstance(step(heard.state, exceptions.ServiceUnavailable("away"), after=58), Wait)


def test_without_tolerance_silence_is_borne_until_the_deadline() -> None:
    assert isinstance(step(state(tolerance=None), exceptions.ServiceUnavailable("away"), after=99), Wait)
    verdict = step(state(tolerance=None), exceptions.ServiceUnavailable("away"), after=100)
    assert isinstance(verdict, Failed)
    assert isinstance(verdict.error, RunTimedOut)


def test_timeout_says_how_long_for_what_and_where_it_stood() -> None:
    verdict = step(state(), Pending("lukewarm"), after=101)
    assert isinstance(verdict, Failed)
    assert verdict.error.message == (
        f"Timed out after 101 s waiting for {SUBJECT}; last status: lukewarm\n"
        "What the task waited for may still happen at the vendor\n"
        "Check there before you clear the task"
    )


@given(states, looks, moments, draws)
def test_no_wait_ends_past_the_deadline(state: WaitState, look: Any, after: float, draw: float) -> None:
    verdict = step(state, look, after=after, draw=draw)
    if isinstance(verdict, Wait):
        assert START + after <= verdict.state.next_look <= state.deadline
    if START + after >= state.deadline:
        assert isinstance(verdict, Failed)


@given(st.floats(min_value=1, max_value=5000), st.floats(min_value=1, max_value=600), draws)
def test_the_last_look_is_at_the_deadline_and_the_only_one_there(
    timeout: float, cap: float, draw: float
) -> None:
    now = WaitState.begin(now=START, timeout=timeout, cap=cap, tolerance=None)
    times = [START]
    while isinstance(verdict := advance(now, Pending(), now=times[-1], subject=SUBJECT, draw=draw), Wait):
        now = verdict.state
        assert now.next_look > times[-1], "a look at the same moment would go round for ever"
        times.append(now.next_look)
    assert times[-1] == START + timeout
    assert sum(time >= START + timeout for time in times) == 1


@given(states, st.floats(min_value=0, max_value=1e5), moments)
def test_the_vendors_wish_is_honoured_up_to_the_deadline(state: WaitState, wish: float, after: float) -> None:
    assume(START + after < state.deadline)
    throttled = exceptions.Throttled("slow down", retry_after=wish)
    verdict = step(replace(state, tolerance=None), throttled, after=after)
    assert isinstance(verdict, Wait)
    assert verdict.state.next_look >= min(state.deadline, START + after + min(wish, LONGEST_ASKED))


def test_a_wish_for_days_does_not_put_a_wait_to_sleep() -> None:
    week = state(deadline=START + 7 * 86400)
    verdict = step(week, exceptions.ServiceUnavailable("maintenance", retry_after=6 * 86400))
    assert isinstance(verdict, Wait)
    assert verdict.state.next_look == START + LONGEST_ASKED


@given(states, st.floats(min_value=0, max_value=1e6), draws)
def test_intervals_stay_between_a_second_and_the_cap(state: WaitState, waited: float, draw: float) -> None:
    seconds = interval(state, now=START + waited, draw=draw)
    assert FIRST_INTERVAL * (1 - JITTER) - 1e-9 <= seconds <= state.cap * (1 + JITTER) + 1e-9


def test_intervals_grow_to_a_tenth_of_the_time_waited() -> None:
    middle = [interval(state(), now=START + waited) for waited in (0, 5, 100, 300, 10_000)]
    assert middle == pytest.approx([1, 1, 10, 30, 60])


def test_jitter_spreads_waits_that_began_together() -> None:
    assert interval(state(), now=START + 100, draw=0) == pytest.approx(9)
    assert interval(state(), now=START + 100, draw=0.99999) == pytest.approx(11, abs=1e-3)


@given(states, st.text())
def test_state_survives_json(state: WaitState, detail: str) -> None:
    state = replace(state, detail=detail)
    assert WaitState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_what_a_newer_version_added_to_the_state_is_left_out() -> None:
    assert WaitState.from_json({**state().to_json(), "mood": "hopeful"}) == state()


class TestPostponed:
    """A check for which the account's plan leaves no slot: the vendor was not asked."""

    def postponed(self, free: float = 3.0) -> exceptions.NoSlot:
        return exceptions.NoSlot("no slot", retry_after=free)

    def test_it_is_no_silence(self) -> None:
        before = state(detail="boiling", tolerance=5.0)
        verdict = step(before, self.postponed(), after=90)
        assert isinstance(verdict, Wait)
        assert verdict.state == replace(before, next_look=verdict.state.next_look)

    def test_a_silence_before_it_goes_on(self) -> None:
        before = state(silent_since=START)
        verdict = step(before, self.postponed(), after=10)
        assert isinstance(verdict, Wait)
        assert verdict.state.silent_since == START

    def test_the_next_comes_when_there_may_be_a_slot(self) -> None:
        verdict = step(state(), self.postponed(free=40), after=50)
        assert isinstance(verdict, Wait)
        assert START + 90 <= verdict.state.next_look <= START + 90 + 40 * JITTER

    def test_and_not_all_the_time(self) -> None:
        """A thousand waits must not ask the limiter at each free slot."""
        verdict = step(state(deadline=START + 1000), self.postponed(free=0.1), after=500)
        assert isinstance(verdict, Wait)
        assert verdict.state.next_look == START + 500 + POSTPONED

    def test_the_last_check_is_at_the_deadline(self) -> None:
        verdict = step(state(), self.postponed(free=500), after=50)
        assert isinstance(verdict, Wait)
        assert verdict.state.next_look == START + 100

    def test_at_the_deadline_the_wait_has_timed_out(self) -> None:
        verdict = step(state(detail="boiling"), self.postponed(), after=100)
        assert isinstance(verdict, Failed)
        assert isinstance(verdict.error, RunTimedOut)
        assert "boiling" in verdict.error.message
