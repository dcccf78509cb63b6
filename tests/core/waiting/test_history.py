"""What earlier waits teach: the pure rule, by hand and by property; and what a loop remembers."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, ClassVar, TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.waiting.condition import Condition, Pending
from airflow_provider_workflows.core.waiting.history import (
    KINDS,
    PRICE,
    SHORT,
    WAITS,
    Lengths,
    lengths_of,
    until_due,
)
from airflow_provider_workflows.core.waiting.schedule import (
    FIRST_INTERVAL,
    FIRST_INTERVAL_IF_KNOWN,
    GROWTH,
    Wait,
    WaitState,
    advance,
    interval,
)

T = TypeVar("T")
START = 1_000_000.0

lengths = st.floats(min_value=0.01, max_value=20_000)
histories = st.lists(lengths, min_size=1, max_size=WAITS).map(sorted) | st.builds(
    # Most alike, as those of one process are.
    lambda middle, spreads: sorted(middle * spread for spread in spreads),
    lengths,
    st.lists(st.floats(min_value=0.9, max_value=1.1), min_size=1, max_size=WAITS),
)
caps = st.floats(min_value=30, max_value=3600)
draws = st.lists(st.floats(min_value=0, max_value=1, exclude_max=True), min_size=1, max_size=20)


def looks(
    end: float, expected: Sequence[float], *, cap: float = 60, jitter: Sequence[float] = (0.5,)
) -> list[float]:
    """Return when a wait looks, in seconds from its start, if what it waits for comes at ``end``."""
    state = WaitState.begin(now=START, timeout=10 * end + 10_000, cap=cap, tolerance=600)
    times = [0.0]
    while times[-1] < end:
        verdict = advance(
            state,
            Pending(),
            now=START + times[-1],
            subject="the kettle",
            draw=jitter[len(times) % len(jitter)],
            expected=expected,
        )
        assert isinstance(verdict, Wait)
        state = verdict.state
        times.append(state.next_look - START)
    return times


@given(histories, lengths, caps, draws)
def test_whatever_was_learnt_an_end_is_seen_in_time(
    expected: list[float], end: float, cap: float, jitter: list[float]
) -> None:
    times = looks(end, expected, cap=cap, jitter=jitter)
    assert times[-1] - end <= max(0.1 * end, 5.0) + 1e-6


@given(histories, lengths, caps, draws)
def test_whatever_was_learnt_no_two_looks_are_further_apart_than_promised(
    expected: list[float], end: float, cap: float, jitter: list[float]
) -> None:
    times = looks(end, expected, cap=cap, jitter=jitter)
    for before, after in pairwise(times):
        assert after - before <= min(cap, max(FIRST_INTERVAL_IF_KNOWN, GROWTH * before)) + 1e-6


@given(histories, lengths, caps)
def test_whatever_was_learnt_a_wait_looks_at_most_twice_as_often(
    expected: list[float], end: float, cap: float
) -> None:
    assert len(looks(end, expected, cap=cap)) <= 2 * len(looks(end, (), cap=cap))


@given(histories, st.floats(min_value=0, max_value=30_000))
def test_a_look_is_due_when_its_price_is_reached(expected: list[float], waited: float) -> None:
    after = until_due(expected, waited)
    assert after >= 0
    if waited < expected[-1]:
        assert unseen(expected, waited, after) == pytest.approx(PRICE * max(SHORT, waited), rel=1e-3)


def unseen(expected: list[float], waited: float, after: float) -> float:
    """Return for how long a wait is expected to have been over, unseen, at a look so many seconds later."""
    ahead = [one for one in expected if one > waited]
    before = max([0.0, *(one for one in expected if one <= waited)])
    begins, left, total = [before, *ahead[:-1]], 0.0, 0.0
    for begin, end in zip(begins, ahead, strict=True):
        first, last = max(begin, waited), min(end, waited + after)
        share = (end - first) / (end - begin) if end > begin else 1.0
        left += share
        if last >= first:
            part = (last - first) / (end - first) if end > first else 1.0
            total += share * part * (waited + after - (first + last) / 2)
    # One more, of which nothing is known.
    return total / (left + 1)


def test_past_all_of_them_the_pause_doubles_up_to_a_tenth() -> None:
    times = [time for time in looks(200, [99.0, 100.0]) if time > 100]
    pauses = [after - before for before, after in pairwise(times)]
    assert pauses[0] < 3
    assert pauses == sorted(pauses)
    assert pauses[-1] == pytest.approx(GROWTH * times[-2])


def test_of_waits_that_are_all_alike_the_end_is_seen_at_once_with_fewer_looks() -> None:
    alike = [290.0 + number / 2 for number in range(32)]
    assert len(looks(300, alike)) < len(looks(300, ())) - 5
    late = [looks(end, alike)[-1] - end for end in range(290, 307)]
    assert sum(late) / len(late) < 2


def test_of_two_ways_to_end_both_are_met() -> None:
    either = sorted([60.0 + number / 10 for number in range(16)] + [600.0 + number for number in range(16)])
    for end in (61, 608):
        assert looks(end, either)[-1] - end < 5


def test_what_grows_longer_is_followed() -> None:
    lengths, late = Lengths(), []
    for number in range(100):
        end = 300 * 1.01**number
        times = looks(end, lengths.seconds)
        lengths.learn(pending=times[-2], length=times[-1])
        late.append((times[-1] - end) / end)
    assert sum(late[10:]) / len(late[10:]) < 0.03


@pytest.mark.parametrize("silent", [False, True], ids=["answered", "silent"])
def test_a_silent_vendor_is_not_asked_less_often(silent: bool) -> None:
    state = WaitState.begin(now=START, timeout=1e5, cap=3600, tolerance=100)
    if silent:
        state = replace(state, silent_since=START + 5000)
    pause = interval(state, now=START + 5000, expected=[20_000.0])
    assert pause == pytest.approx(20 if silent else 500, rel=0.3)


def test_a_clock_that_went_back_is_borne() -> None:
    state = WaitState.begin(now=START, timeout=1e5, cap=60, tolerance=100)
    assert FIRST_INTERVAL <= interval(state, now=START - 1e6, expected=[0.0, 5.0]) <= 5


class TestLengths:
    """What is learnt from one wait."""

    def test_the_middle_of_the_last_interval_counts(self) -> None:
        known = Lengths()
        known.learn(pending=90, length=100)
        assert known.seconds == (95,)

    def test_the_latest_count(self) -> None:
        known = Lengths()
        for number in range(WAITS + 5):
            known.learn(pending=1000 - number, length=1000 - number)
        assert known.seconds == tuple(range(1000 - WAITS - 4, 1000 - 4))

    def test_what_ended_in_a_long_silence_is_not_learnt(self) -> None:
        known = Lengths()
        known.learn(pending=40, length=100)
        assert known.seconds == ()


@dataclass(frozen=True, kw_only=True)
class Kettle(Condition):
    """Boils."""

    number: int = 1
    litres: int = 1

    hook_class: ClassVar[str] = "no.such.Hook"
    of_run: ClassVar[tuple[str, ...]] = ("number",)

    @property
    def remote_id(self) -> str:
        """Its number."""
        return str(self.number)

    def __str__(self) -> str:
        return f"kettle {self.number}"

    def check(self, api: object) -> Any:
        """Not looked at here."""
        raise NotImplementedError


class Teapot(Kettle):
    """Something else, with the same fields."""


class Unknown(Kettle):
    """Nothing is said of what differs from run to run."""

    of_run: ClassVar[tuple[str, ...]] = ()


class TestMemory:
    """What a loop remembers."""

    def test_waits_of_one_kind_share_it(self) -> None:
        assert on_a_loop(lambda: lengths_of("home", Kettle(number=2)) is taught())

    @pytest.mark.parametrize(
        ("conn_id", "other"),
        [("work", Kettle()), ("home", Kettle(litres=2)), ("home", Teapot()), ("home", Unknown())],
        ids=["another connection", "another kind", "another condition", "not said"],
    )
    def test_others_do_not(self, conn_id: str, other: Condition) -> None:
        assert on_a_loop(lambda: (taught().seconds, lengths_of(conn_id, other).seconds)) == ((95,), ())

    def test_if_it_is_not_said_what_differs_nothing_is_shared(self) -> None:
        assert on_a_loop(lambda: lengths_of("home", Unknown()) is not lengths_of("home", Unknown()))

    def test_the_kind_that_was_not_used_for_longest_is_forgotten(self) -> None:
        def crowd() -> tuple[bool, bool]:
            used, unused = taught(), lengths_of("home", Kettle(litres=0))
            for litres in range(2, 2 + KINDS):
                lengths_of("home", Kettle(litres=litres))
                lengths_of("home", Kettle())
            return lengths_of("home", Kettle()) is used, lengths_of("home", Kettle(litres=0)) is unused

        assert on_a_loop(crowd) == (True, False)

    def test_each_loop_has_its_own_and_takes_it_along(self) -> None:
        first = on_a_loop(lambda: weakref.ref(taught()))
        gc.collect()
        assert first() is None
        assert on_a_loop(lambda: lengths_of("home", Kettle()).seconds) == ()


def taught() -> Lengths:
    known = lengths_of("home", Kettle())
    known.learn(pending=90, length=100)
    return known


def on_a_loop(work: Callable[[], T]) -> T:
    async def run() -> T:
        return work()

    return asyncio.run(run())
