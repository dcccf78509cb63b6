"""A wait bears answers that cannot be read as long as it tolerates silence, and goes on with good ones."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.waiting.condition import Done
from airflow_provider_workflows.core.waiting.schedule import Failed, Verdict, Wait, WaitState, advance
from airflow_provider_workflows.exceptions import LostTrack, UnreadableAnswer
from tests.hostile.shapes import Call, Sample, end_of, exchanges
from tests.hostile.vendors import VENDORS

START, TOLERANCE, WEEK = 1_000_000.0, 600.0, 7 * 86400.0
#: Not ``null``: MyBPM says so of an instance that does not exist.
UNREADABLE = (
    b"7",
    b'"ok"',
    b"[[]]",
    b"[null]",
    b"{",
    b"",
    b"<html>maintenance</html>",
    b"\xff\xfe\x00",
    b"[" * 5000,
    b"9" * 5000,
    b'{"a": 1e999',
)


@pytest.fixture(params=VENDORS)
def sample(request: pytest.FixtureRequest) -> Sample:
    """Each vendor in turn, with a run that goes on."""
    make, fixture = VENDORS[request.param]
    return make(request.getfixturevalue(fixture))


class ByHand:
    """A wait whose clock and answers are the test's."""

    def __init__(self, sample: Sample) -> None:
        self.call = Call("condition", sample.condition.check)
        self.good = [reply for _, reply in exchanges(sample.hook, self.call)]
        self.api = sample.hook.get_conn()
        self.state = WaitState.begin(now=START, timeout=WEEK, cap=60, tolerance=TOLERANCE)
        self.now = START

    def look(self, replies: list[Reply]) -> Verdict:
        """Look once with these answers, when the wait wants to."""
        self.now = self.state.next_look
        end = end_of(self.call, self.api, replies)
        found: Any = end.error or end.result
        verdict = advance(self.state, found, now=self.now, subject="it")
        if isinstance(verdict, Wait):
            self.state = verdict.state
        return verdict

    def spoilt(self, body: bytes) -> list[Reply]:
        return [replace(self.good[0], body=body)]


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body)[:25])
def test_unreadable_answers_are_borne_until_good_ones_come(sample: Sample, body: bytes) -> None:
    wait = ByHand(sample)
    bad = wait.spoilt(body)
    assert isinstance(end_of(wait.call, wait.api, bad).error, UnreadableAnswer)
    for _ in range(3):
        assert isinstance(wait.look(wait.good), Wait)
        assert wait.state.silent_since is None
        begun = wait.now
        while wait.state.next_look <= begun + TOLERANCE * 0.9:
            assert isinstance(wait.look(bad), Wait)
        assert wait.state.silent_since is not None
    assert isinstance(wait.look(wait.good), Wait)
    assert wait.state.silent_since is None


@pytest.mark.parametrize("body", UNREADABLE, ids=lambda body: repr(body)[:25])
@pytest.mark.parametrize("known", [True, False], ids=["seen before", "never seen"])
def test_unreadable_answers_lose_track_after_the_tolerance(sample: Sample, body: bytes, known: bool) -> None:
    wait = ByHand(sample)
    if known:
        assert isinstance(wait.look(wait.good), Wait)
    begun = wait.state.next_look
    for _ in range(1000):
        if not isinstance(verdict := wait.look(wait.spoilt(body)), Wait):
            break
    assert isinstance(verdict, Failed)
    assert type(verdict.error) is LostTrack
    assert TOLERANCE < wait.now - begun < TOLERANCE * 1.3


def test_a_good_end_after_unreadable_answers_is_the_end(sample: Sample) -> None:
    wait = ByHand(sample)
    assert isinstance(wait.look(wait.spoilt(b"7")), Wait)
    done: Any = advance(wait.state, Done({"a": 1}), now=wait.state.next_look, subject="it")
    assert done == Done({"a": 1})
