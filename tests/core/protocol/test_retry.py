"""The decision whether and when a request is repeated, as pure functions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from airflow_provider_workflows.core.protocol.message import ExchangeFailed, Reply
from airflow_provider_workflows.core.protocol.retry import Retry, diagnose, retry_after
from airflow_provider_workflows.exceptions import (
    ConnectionFailed,
    OutcomeUnknown,
    PermanentError,
    Rejected,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from tests.core.protocol.samples import make_reply, make_request

NOW = datetime(2026, 10, 21, 7, 28, 0, tzinfo=UTC)

_HTML = b"<html>Sign in</html>"

#: What came of a request; what that means if it may be repeated, and if it must happen once only.
MATRIX: list[tuple[Reply | ExchangeFailed, type[WorkflowError] | None, type[WorkflowError] | None]] = [
    (ExchangeFailed("refused", begun=False), ConnectionFailed, ConnectionFailed),
    (ExchangeFailed("reset", begun=True), ServiceUnavailable, OutcomeUnknown),
    *(
        (make_reply(status, _HTML), ServiceUnavailable, OutcomeUnknown)
        for status in (408, 500, 502, 503, 504)
    ),
    *((make_reply(status), ServiceUnavailable, OutcomeUnknown) for status in (500, 501, 505, 511, 599)),
    (make_reply(429, b"slow down"), Throttled, Throttled),
    *(
        (make_reply(status), UnexpectedRedirect, UnexpectedRedirect)
        for status in (300, 301, 302, 304, 307, 308)
    ),
    (make_reply(200, _HTML), UnreadableAnswer, OutcomeUnknown),
    (make_reply(200, b""), UnreadableAnswer, OutcomeUnknown),
    (make_reply(201, b'{"a": '), UnreadableAnswer, OutcomeUnknown),
    (make_reply(200, b"\xff\xfe\xff"), UnreadableAnswer, OutcomeUnknown),
    (make_reply(200, b"[" * 100_000), UnreadableAnswer, OutcomeUnknown),
    # Answers for the vendor's own code to read.
    (make_reply(200, b'{"status": 500}'), None, None),
    (make_reply(200, b"null"), None, None),
    *((make_reply(status, _HTML), None, None) for status in (400, 401, 403, 404, 407, 409, 413, 422)),
]


@pytest.mark.parametrize(("outcome", "repeatable", "once"), MATRIX, ids=lambda value: repr(value)[:60])
def test_what_an_outcome_means(
    outcome: Reply | ExchangeFailed,
    repeatable: type[WorkflowError] | None,
    once: type[WorkflowError] | None,
) -> None:
    found = (
        diagnose(make_request(repeatable=True), outcome),
        diagnose(make_request(repeatable=False), outcome),
    )
    assert tuple(None if error is None else type(error) for error in found) == (repeatable, once)


@pytest.mark.parametrize(("outcome", "repeatable", "once"), MATRIX, ids=lambda value: repr(value)[:60])
def test_a_once_only_request_is_repeated_only_if_it_was_not_carried_out(
    outcome: Reply | ExchangeFailed, repeatable: type[WorkflowError] | None, once: type[WorkflowError] | None
) -> None:
    error = diagnose(make_request(repeatable=False), outcome)
    again = error is not None and Retry().delay(error, attempt=1) is not None
    assert again == (once in (ConnectionFailed, Throttled))


def test_an_answer_that_need_not_be_json_may_be_anything() -> None:
    assert diagnose(make_request(expects_json=False), make_reply(200, _HTML)) is None


def test_an_error_says_where_and_what() -> None:
    error = diagnose(make_request(path="/a/s3cret", secrets=("s3cret",)), make_reply(502, b"no s3cret here"))
    assert error is not None
    assert (error.vendor, error.operation, error.status) == ("Vendor", "do it", 502)
    assert (error.path, error.excerpt) == ("/a/***", "no *** here")


@pytest.mark.parametrize("status", [429, 500, 503])
def test_the_wish_to_wait_travels_with_the_error(status: int) -> None:
    error = diagnose(make_request(), make_reply(status, retry_after="7"))
    assert error is not None
    assert error.retry_after == 7.0


def test_a_date_is_reckoned_from_now() -> None:
    headers = {"retry-after": format_datetime(NOW + timedelta(seconds=90), usegmt=True)}
    assert retry_after(headers, now=NOW) == 90.0
    error = diagnose(make_request(), Reply(status=429, headers=headers), now=NOW)
    assert error is not None
    assert error.retry_after == 90.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0.0),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("9" * 5000, 999_999_999.0),
        ("Wed, 21 Oct 2026 07:27:00 GMT", 0.0),
        ("Wed, 21 Oct 2026 09:28:05 +0200", 5.0),
        ("Wed, 21 Oct 2026 07:28:05 -0000", 5.0),
        # The two older forms of RFC 9110, 5.6.7.
        ("Wednesday, 21-Oct-26 07:28:10 GMT", 10.0),
        ("Wed Oct 21 07:28:15 2026", 15.0),
        ("-5", None),
        ("1.5", None),
        ("soon", None),
        ("²", None),
        ("", None),
        ("Wed, 99 Oct 2026 07:28:00 GMT", None),
        ("Wed, 21 Oct 99999999999999 07:28:00 GMT", None),
    ],
)
def test_retry_after(value: str, seconds: float | None) -> None:
    assert retry_after({"retry-after": value}, now=NOW) == seconds


def test_no_retry_after() -> None:
    assert retry_after({"content-type": "text/html"}) is None


_digits = st.text("0123456789", min_size=1, max_size=25)
_dates = st.builds(
    "{}, {} {} {} {}:{}:{} {}".format,
    st.sampled_from(["Wed", "", "Foo"]),
    _digits,
    st.sampled_from(["Oct", "Feb", "13"]),
    *(_digits,) * 4,
    st.sampled_from(["GMT", "", "-0000", "+9999", "-9959", "+99999999999", "EST"]),
)


@given(st.one_of(st.text(), _digits, _dates))
def test_retry_after_never_raises_and_is_never_negative(value: str) -> None:
    seconds = retry_after({"retry-after": value}, now=NOW)
    assert seconds is None or seconds >= 0


@given(
    attempt=st.integers(1, 50),
    draw=st.floats(0, 1, exclude_max=True),
    cap=st.floats(0.1, 60),
    jitter=st.floats(0, 1),
)
def test_the_delay_doubles_within_jitter_and_cap(
    attempt: int, draw: float, cap: float, jitter: float
) -> None:
    retry = Retry(attempts=51, base=0.5, cap=cap, jitter=jitter)
    delay = retry.delay(TemporaryError("x"), attempt=attempt, draw=draw)
    middle = min(cap, 0.5 * 2 ** (attempt - 1))
    assert delay is not None
    assert middle * (1 - jitter) <= delay * 1.000001
    assert delay <= min(cap, middle * (1 + jitter)) * 1.000001


def test_the_jitter_goes_both_ways() -> None:
    def delay(draw: float) -> float | None:
        return Retry(base=1.0, jitter=0.25).delay(TemporaryError("x"), attempt=2, draw=draw)

    assert (delay(0.0), delay(0.5), delay(1.0)) == (1.5, 2.0, 2.5)


def test_a_wish_is_honoured_to_the_second_and_beyond_the_cap_left_to_others() -> None:
    retry = Retry(cap=30)
    wishes = {
        wish: retry.delay(Throttled("x", retry_after=wish), attempt=1, draw=0.9) for wish in (0.0, 7.0, 30.0)
    }
    assert wishes == {0.0: 0.0, 7.0: 7.0, 30.0: 30.0}
    assert retry.delay(Throttled("x", retry_after=30.5), attempt=1) is None


@pytest.mark.parametrize("wish", [None, 2.0])
def test_no_wait_reaches_the_deadline(wish: float | None) -> None:
    retry, error = Retry(base=2.0, jitter=0), TemporaryError("x", retry_after=wish)
    assert retry.delay(error, attempt=1, remaining=2.001) == 2.0
    assert retry.delay(error, attempt=1, remaining=2.0) is None
    assert retry.delay(error, attempt=1, remaining=-1.0) is None


@pytest.mark.parametrize(
    "kind", [PermanentError, OutcomeUnknown, Rejected, UnexpectedRedirect, WorkflowError]
)
def test_only_temporary_errors_are_repeated(kind: type[WorkflowError]) -> None:
    assert Retry().delay(kind("x", retry_after=1.0), attempt=1) is None


def test_attempts_are_counted() -> None:
    delays = [Retry(attempts=3).delay(TemporaryError("x"), attempt=attempt) for attempt in (1, 2, 3, 4)]
    assert [delay is None for delay in delays] == [False, False, True, True]


@pytest.mark.parametrize(
    ("status", "asked"), [(200, True), (404, True), (302, False), (429, False), (500, False), (503, False)]
)
def test_a_vendor_s_own_judge_hears_answers_below_500_that_the_status_does_not_settle(
    status: int, asked: bool
) -> None:
    request = make_request(judge=lambda request, reply: request.failure(Rejected, "the body says no"))
    assert isinstance(diagnose(request, make_reply(status)), Rejected) == asked


def test_a_judge_that_finds_nothing_wrong_leaves_the_answer_to_be_read() -> None:
    assert diagnose(make_request(judge=lambda request, reply: None), make_reply(404)) is None


def test_a_judge_need_not_read_what_is_not_json() -> None:
    request = make_request(judge=lambda request, reply: reply.json and None)
    assert isinstance(diagnose(request, make_reply(200, _HTML)), UnreadableAnswer)
