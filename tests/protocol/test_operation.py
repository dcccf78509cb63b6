"""The exchange that both drivers make, driven by hand."""

from __future__ import annotations

import contextlib
import itertools

import pytest

from airflow_provider_workflows.protocol.errors import (
    ConnectionFailed,
    OutcomeUnknown,
    ServiceUnavailable,
    Throttled,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import ExchangeFailed
from airflow_provider_workflows.protocol.operation import Page, Renew, Sending, Sleep, exchange
from airflow_provider_workflows.protocol.retry import Retry
from tests.protocol.samples import Hand, make_reply, make_request

REFUSED = ExchangeFailed("refused", begun=False)
LOST = ExchangeFailed("reset", begun=True)
RETRY = Retry(attempts=3, base=1.0, jitter=0.5)


def test_an_answer_is_returned() -> None:
    request, reply = make_request(), make_reply()
    hand = Hand(exchange(request, retry=RETRY), [reply])
    assert hand.run() is reply
    assert hand.steps == [request]


def test_what_may_be_repeated_is_repeated_until_it_works() -> None:
    request, reply = make_request(), make_reply()
    draws = iter([0.5, 1.0])
    operation = exchange(request, retry=RETRY, draw=lambda: next(draws))
    hand = Hand(operation, [LOST, None, make_reply(502), None, reply])
    assert hand.run() is reply
    assert hand.steps == [request, Sleep(1.0), request, Sleep(3.0), request]


def test_the_last_failure_is_raised() -> None:
    hand = Hand(exchange(make_request(), retry=RETRY), [LOST, None, REFUSED, None, make_reply(503)])
    with pytest.raises(ServiceUnavailable) as caught:
        hand.run()
    assert caught.value.status == 503
    assert len(hand.steps) == 5


@pytest.mark.parametrize("outcome", [LOST, make_reply(500), make_reply(504), make_reply(200, b"<html>")])
def test_a_once_only_request_is_sent_once(outcome: object) -> None:
    request = make_request(repeatable=False)
    hand = Hand(exchange(request, retry=RETRY), [outcome])
    with pytest.raises(OutcomeUnknown):
        hand.run()
    assert hand.steps == [request]


def test_a_once_only_request_that_did_not_leave_is_sent_again() -> None:
    request, reply = make_request(repeatable=False), make_reply()
    hand = Hand(
        exchange(request, retry=RETRY), [REFUSED, None, make_reply(429, retry_after="2"), None, reply]
    )
    assert hand.run() is reply
    assert hand.steps[0::2] == [request] * 3
    assert hand.steps[3] == Sleep(2.0)


def test_nothing_is_repeated_after_the_deadline() -> None:
    readings = iter([99.8, 100.0, 101.4, 101.5])
    operation = exchange(
        make_request(), retry=RETRY, deadline=103.0, clock=lambda: next(readings), draw=lambda: 0.5
    )
    hand = Hand(operation, [REFUSED, None, REFUSED])
    with pytest.raises(ConnectionFailed):
        hand.run()
    assert [step for step in hand.steps if isinstance(step, Sleep)] == [Sleep(1.0)]


def test_a_wish_beyond_the_cap_is_raised_with_the_wish() -> None:
    hand = Hand(exchange(make_request(), retry=RETRY), [make_reply(429, retry_after="3600")])
    with pytest.raises(Throttled) as caught:
        hand.run()
    assert caught.value.retry_after == 3600.0


def test_the_library_s_failure_is_in_no_chain() -> None:
    hand = Hand(exchange(make_request(repeatable=False), retry=RETRY), [ExchangeFailed("reset", begun=True)])
    with pytest.raises(OutcomeUnknown) as caught:
        hand.run()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_a_rejected_credential_is_not_shown() -> None:
    assert repr(Renew("s3cret")) == "Renew(rejected=***)"
    assert repr(Renew()) == "Renew(rejected=None)"


def test_the_last_page_has_no_next() -> None:
    assert Page((1, 2)).next is None


def observed(*answers: object, repeatable: bool = True) -> list[Sending]:
    """Return what an observer is told of an exchange."""
    seen: list[Sending] = []
    readings = itertools.count(100.0, 0.25)
    operation = exchange(
        make_request(repeatable=repeatable), retry=RETRY, clock=lambda: next(readings), observe=seen.append
    )
    with contextlib.suppress(WorkflowError):
        Hand(operation, list(answers)).run()
    return seen


def test_an_observer_is_told_of_each_sending() -> None:
    first, second = observed(make_reply(429, retry_after="2"), None, make_reply())
    assert (type(first.error), first.repeated, first.seconds) == (Throttled, True, 0.25)
    assert (second.error, second.repeated, second.seconds) == (None, False, 0.25)


def test_an_observer_is_told_of_the_last_failure() -> None:
    assert [one.repeated for one in observed(LOST, None, REFUSED, None, LOST)] == [True, True, False]
    (lost,) = observed(LOST, repeatable=False)
    assert (type(lost.error), lost.repeated) == (OutcomeUnknown, False)
