"""Which failure may be repeated and after how long: pure functions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from airflow_provider_workflows.protocol.errors import (
    NotTls,
    OutcomeUnknown,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import ExchangeFailed, Reply, Request

#: Answers that say nothing about whether the request was carried out; a proxy may have given them.
INCONCLUSIVE = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Retry:
    """
    How often one request is sent, and how long between.

    :param attempts: sendings at the most
    :param base: seconds before the first repetition; doubles each time
    :param cap: seconds between two sendings at the most; a vendor that asks for more is reported as
        :class:`Throttled` with its wish, for the waiting step or Airflow to honour
    :param jitter: part of the delay by which it may be shortened or lengthened
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 30.0
    jitter: float = 0.25

    def delay(
        self, error: WorkflowError, *, attempt: int, remaining: float = float("inf"), draw: float = 0.5
    ) -> float | None:
        """
        Return the seconds to wait before the request is sent again; None if it must not or will not be.

        :param attempt: how many times it has been sent
        :param remaining: seconds until the deadline, beyond which no wait may end
        :param draw: a number in [0, 1)
        """
        if not isinstance(error, TemporaryError) or attempt >= self.attempts:
            return None
        if error.retry_after is not None:
            wait = error.retry_after if error.retry_after <= self.cap else None
        else:
            spread = 1 + self.jitter * (2 * draw - 1)
            wait = min(self.cap, min(self.cap, self.base * 2 ** (attempt - 1)) * spread)
        return wait if wait is not None and wait < remaining else None


def diagnose(
    request: Request, outcome: Reply | ExchangeFailed, *, now: datetime | None = None
) -> WorkflowError | None:
    """
    Return the error that an outcome amounts to, or None if it is an answer for the vendor's code to read.

    :param now: the time to reckon a Retry-After date from; the present by default
    """
    if isinstance(outcome, ExchangeFailed):
        return _unanswered(request, outcome)
    if outcome.status == 303 and not request.repeatable:
        # RFC 9110, 15.4.4: the answer to a request that was carried out, to be read elsewhere.
        return request.failure(OutcomeUnknown, f"Sent, but the answer is elsewhere; {_DOUBT}", reply=outcome)
    if 300 <= outcome.status < 400:
        return request.failure(UnexpectedRedirect, "The server redirects; it was not followed", reply=outcome)
    if outcome.status == 429:
        wait = retry_after(outcome.headers, now=now)
        return request.failure(Throttled, "Too many requests", reply=outcome, retry_after=wait)
    if outcome.status in INCONCLUSIVE or outcome.status >= 500:
        return _inconclusive(request, outcome, now)
    if request.expects_json and outcome.status < 300 and not outcome.is_json():
        return _unreadable(request, outcome)
    return request.judge(request, outcome) if request.judge is not None else None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """
    Return the seconds that a Retry-After header asks for; None if absent or unreadable.

    :param headers: by lower-case name; the value is a number of seconds or an HTTP date (RFC 9110, 10.2.3)
    """
    value = headers.get("retry-after", "").strip()
    if value.isascii() and value.isdigit():
        return float(value[:9])
    try:
        date = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    if date.tzinfo is None:
        date = date.replace(tzinfo=UTC)
    return max(0.0, (date - (now or datetime.now(UTC))).total_seconds())


def _unanswered(request: Request, failure: ExchangeFailed) -> WorkflowError:
    # That a server speaks no TLS, requests does not tell from a failure after the handshake. For a request
    # that may be repeated, to call it by its name is no risk.
    if not failure.begun or (failure.kind is NotTls and request.repeatable):
        return request.failure(failure.kind, f"Nothing was sent: {failure.reason}")
    if request.repeatable:
        return request.failure(ServiceUnavailable, f"No answer: {failure.reason}")
    return request.failure(OutcomeUnknown, f"Sent, but the answer is lost ({failure.reason}); {_DOUBT}")


def _inconclusive(request: Request, reply: Reply, now: datetime | None) -> WorkflowError:
    if not request.repeatable:
        return request.failure(OutcomeUnknown, f"Sent, but the answer is no answer; {_DOUBT}", reply=reply)
    wait = retry_after(reply.headers, now=now)
    return request.failure(ServiceUnavailable, "The server could not answer", reply=reply, retry_after=wait)


def _unreadable(request: Request, reply: Reply) -> WorkflowError:
    if not request.repeatable:
        return request.failure(OutcomeUnknown, f"Sent, but the answer is not JSON; {_DOUBT}", reply=reply)
    return request.failure(UnreadableAnswer, "The answer is not JSON", reply=reply)


_DOUBT = "it may have taken effect"
