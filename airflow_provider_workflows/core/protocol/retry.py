"""Which failures allow a repetition, with which credential, and after how long; pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from airflow_provider_workflows.core.protocol.message import ExchangeFailed, Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew
from airflow_provider_workflows.exceptions import (
    OutcomeUnknown,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)

T = TypeVar("T")

#: Statuses that do not tell whether the request was carried out; a proxy may have sent the answer.
INCONCLUSIVE = frozenset({408, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class Retry:
    """
    How often one request is sent, and the delay between attempts.

    :param attempts: maximum number of attempts
    :param base: seconds before the first repetition; doubles each time
    :param cap: maximum seconds between two attempts; if the vendor asks for more, :class:`Throttled` reports
        it in ``retry_after``, for the waiting step or Airflow to honour
    :param jitter: part of the delay by which it varies at random
    """

    attempts: int = 4
    base: float = 0.5
    cap: float = 30.0
    jitter: float = 0.25

    def delay(
        self, error: WorkflowError, *, attempt: int, remaining: float = float("inf"), draw: float = 0.5
    ) -> float | None:
        """
        Return the seconds to wait before the request is sent again; None if it is not sent again.

        :param attempt: how many times it has been sent
        :param remaining: seconds until the deadline; no wait may end after it
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
    Return the error that an outcome amounts to; None if it is an answer for the vendor's code to read.

    :param now: the time to which a Retry-After date is compared; by default the current time
    """
    if isinstance(outcome, ExchangeFailed):
        return _unanswered(request, outcome)
    if outcome.status == 303 and not request.repeatable:
        # RFC 9110, 15.4.4: the request was carried out, and its answer is at another URL.
        return request.failure(
            OutcomeUnknown, f"The request was sent, but its answer is at another URL. {_DOUBT}", reply=outcome
        )
    if 300 <= outcome.status < 400:
        return request.failure(
            UnexpectedRedirect, "The server answered with a redirect, which is not followed", reply=outcome
        )
    if outcome.status == 429:
        wait = retry_after(outcome.headers, now=now)
        return request.failure(Throttled, "Too many requests", reply=outcome, retry_after=wait)
    if outcome.status in INCONCLUSIVE or 500 <= outcome.status < 600:
        return _inconclusive(request, outcome, now)
    if not 200 <= outcome.status < 500:
        return _unreadable(request, outcome, "has an invalid HTTP status")
    if request.expects_json and outcome.status < 300:
        try:
            outcome.json  # noqa: B018
        except ValueError:
            return _unreadable(request, outcome, "is not JSON")
    return request.judge(request, outcome) if request.judge is not None else None


def retry_after(headers: Mapping[str, str], *, now: datetime | None = None) -> float | None:
    """
    Return the seconds in a Retry-After header; None if it is absent or invalid.

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
    if not failure.begun:
        return request.failure(failure.kind, f"Nothing was sent: {failure.reason}")
    if request.repeatable and failure.unreadable:
        return request.failure(UnreadableAnswer, f"The answer cannot be read: {failure.reason}")
    if request.repeatable:
        return request.failure(ServiceUnavailable, f"No answer: {failure.reason}")
    if failure.unreadable:
        return request.failure(
            OutcomeUnknown,
            f"The request was sent, but its answer cannot be read ({failure.reason}). {_DOUBT}",
        )
    return request.failure(
        OutcomeUnknown, f"The request was sent, but no answer arrived ({failure.reason}). {_DOUBT}"
    )


def _inconclusive(request: Request, reply: Reply, now: datetime | None) -> WorkflowError:
    if not request.repeatable:
        return request.failure(
            OutcomeUnknown,
            f"The request was sent, but the answer does not tell the outcome. {_DOUBT}",
            reply=reply,
        )
    wait = retry_after(reply.headers, now=now)
    return request.failure(
        ServiceUnavailable, "The server could not answer the request", reply=reply, retry_after=wait
    )


def _unreadable(request: Request, reply: Reply, why: str) -> WorkflowError:
    if not request.repeatable:
        return request.failure(
            OutcomeUnknown, f"The request was sent, but the answer {why}. {_DOUBT}", reply=reply
        )
    return request.failure(UnreadableAnswer, f"The answer {why}", reply=reply)


_DOUBT = "It may have taken effect"


#: Maximum number of credentials to try. If a server restarts just after all credentials expired, the second
#: may be one that another task fetched and that is already void; the third is newer than the restart.
CREDENTIALS = 3


def with_credential(
    send: Callable[[str], Operation[T]], is_refused: Callable[[T], bool]
) -> Operation[tuple[T, bool]]:
    """
    Send with the current credential, and again with a newer one while the credential may be the reason of a
    refusal.

    Only for requests that a vendor refuses before it does anything; only they may be sent again.

    :param send: sends with a credential, and returns the answer
    :param is_refused: whether an answer is a refusal that may be due to the credential
    :returns: the last answer, and whether its credential was still current afterwards, so that the credential
        is not the reason of the refusal
    """
    credential: str = yield Renew()
    for attempt in range(1, CREDENTIALS + 1):
        answer = yield from send(credential)
        if not is_refused(answer) or attempt == CREDENTIALS:
            break
        newer: str = yield Renew(credential)
        if newer == credential:
            return answer, True
        credential = newer
    return answer, False
