"""
Every memory, look-up, sending, policy, deadline and fault of the store, and what the engine does about it.

``tests/data/submission/cases.txt`` holds what it does: first what was done, at which second, and what came of
it; below it the cases. To write it anew after a change that is meant, and read what has changed::

    python -m tests.core.submission.scripted > tests/data/submission/cases.txt
"""

from __future__ import annotations

import itertools
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.core.submission.scripted import SETTLE, Case, cases, run_case, table

TABLE = Path(__file__).parents[2] / "data" / "submission" / "cases.txt"
SENDING = re.compile(r"(?:re)?send\((\w+) mark\)@(\d+)")


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    logging.disable()  # most of the time would go there
    yield
    logging.disable(logging.NOTSET)


def test_every_case_is_as_it_was() -> None:
    assert table().splitlines() == TABLE.read_text().splitlines()


def sent_again(case: Case) -> Iterator[tuple[str, int, int]]:
    """Yield, for each pair of sendings with one mark, what came of the first, and when both were."""
    sent = SENDING.findall(run_case(case))
    answers = (*case.sends, *["ok"] * len(sent))
    for answer, (mark, first), (same, second) in zip(answers, sent, sent[1:], strict=False):
        if mark == same:
            yield answer, int(first), int(second)


def test_nothing_is_sent_a_second_time_but_what_settled() -> None:
    """The vendor shows that nothing of it arrived, or the user wants doubts to be sent again."""
    checked = 0
    for case in cases():
        for answer, first, second in sent_again(case):
            assert answer in ("lost", "noted"), case
            assert second - first >= SETTLE, case
            assert "absent" in case.looks or "r" in case.policy, case
            assert "forbidden" not in case.looks, case
            checked += 1
    assert checked > 100


def test_a_doubt_of_an_earlier_attempt_is_settled_first() -> None:
    doubts = ("intent", "lost", "earlier intent", "misplaced intent", "no store, retry")
    checked = 0
    for case in cases():
        done = run_case(case)
        sent = SENDING.findall(done)
        if case.memory in doubts and sent and case.marked:
            assert int(sent[0][1]) >= SETTLE, case
            assert done.startswith("look@0") or "looks@0.." in done, case
            checked += 1
    assert checked > 100


@pytest.mark.parametrize("on_failed_run", ["", "f"])
def test_a_run_that_may_be_alive_is_never_followed_by_another(on_failed_run: str) -> None:
    runs = ("id-alive", "id-well", "id-gone", "id-down", "id-refused", "earlier id-alive", "earlier id-gone")
    for memory, lost in itertools.product(runs, ("", "r")):
        assert not SENDING.search(run_case(Case(memory=memory, policy=on_failed_run + lost)))
