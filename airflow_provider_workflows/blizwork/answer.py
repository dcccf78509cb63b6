"""What BlizWork's answers mean: HTTP 200 for everything, and the truth in the result code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    Throttled,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.status import refusal

Row = Mapping[str, Any]


class ResultCode(IntEnum):
    """BlizWork's result codes (vendor documentation); an error carries its own as ``code``."""

    DONE = 0
    TOKEN_INVALID = 1
    USER_NOT_AUTHORISED = 2
    WORKFLOW_UNAVAILABLE = 3
    CASE_UNKNOWN = 4
    CASE_CLOSED = 5
    FORM_UNKNOWN_OR_DONE = 6
    ACTION_INVALID = 7
    FORM_NOT_EXECUTABLE = 8
    ACTION_UNKNOWN = 9
    FIELD_UNKNOWN = 10
    USER_UNKNOWN = 11
    MALFORMED = 100
    UNEXPECTED = 101
    #: No success: the answer to too many transactions.
    LIMIT_EXCEEDED = 200


#: What a refused call comes to, and the vendor's meaning. That a refused call has done nothing is the
#: documentation's sense, though not its words.
REFUSALS: Mapping[ResultCode, tuple[type[WorkflowError], str]] = {
    ResultCode.TOKEN_INVALID: (
        AuthenticationFailed,
        "The API token is invalid or expired; a token lives for a year at most",
    ),
    ResultCode.USER_NOT_AUTHORISED: (PermissionDenied, "The user is not authorised"),
    ResultCode.WORKFLOW_UNAVAILABLE: (NotFound, "The workflow does not exist, is disabled or is private"),
    ResultCode.CASE_UNKNOWN: (NotFound, "The case number does not exist"),
    ResultCode.CASE_CLOSED: (Rejected, "The case is closed"),
    ResultCode.FORM_UNKNOWN_OR_DONE: (Rejected, "The form does not exist or was already run"),
    ResultCode.ACTION_INVALID: (Rejected, "The action (next form id) is invalid"),
    ResultCode.FORM_NOT_EXECUTABLE: (
        Rejected,
        "The form cannot be run; another activity may be the one that is pending",
    ),
    ResultCode.ACTION_UNKNOWN: (Rejected, "The action (next form id) does not exist"),
    ResultCode.FIELD_UNKNOWN: (Rejected, "A field of the form does not exist"),
    ResultCode.USER_UNKNOWN: (PermissionDenied, "The user is not registered"),
    ResultCode.MALFORMED: (Rejected, "The request is malformed"),
    ResultCode.LIMIT_EXCEEDED: (
        Throttled,
        "The transaction limit of the organisation's plan is exceeded; the call was not carried out",
    ),
}


class Judge:
    """
    Reads the result code of an answer.

    :param rate: transactions per second of the organisation's plan; None if unknown or without limit
    """

    def __init__(self, rate: float | None = None) -> None:
        self._pause = 1 / rate if rate else None

    def __call__(self, request: Request, reply: Reply) -> WorkflowError | None:
        """Return the error that an answer amounts to; None for success, which takes HTTP 2xx and code 0."""
        envelope = _envelope(reply)
        code = _code(envelope)
        if code == 200 and "resultCode" not in envelope and not request.repeatable:
            # Only as a result code is 200 documented to mean "limit exceeded". As a status it may be HTTP's
            # word for success, and a call that was carried out must not be taken for one that was refused.
            code = None
        if code is None:
            return refusal(request, reply) if reply.status >= 400 else _foreign(request, reply)
        message = str(envelope.get("resultMessage") or envelope.get("message") or "no message")
        if code != ResultCode.DONE:
            return self._refused(request, reply, code, message)
        # The vendor's own client calls it a success only if the status says so too (vendor's SDK).
        return _contradiction(request, reply) if reply.status >= 400 else None

    def _refused(self, request: Request, reply: Reply, code: int, message: str) -> WorkflowError:
        kind, meaning = _meaning(request, code)
        pause = self._pause if kind is Throttled else None
        return request.failure(
            kind, f"{meaning} (BlizWork says: {message})", reply=reply, code=code, retry_after=pause
        )


def payload(request: Request, reply: Reply) -> Any:
    """
    Return the data of a success.

    :raises WorkflowError: the answer has none
    """
    body = reply.json()
    if not isinstance(body, Mapping) or "payload" not in body:
        raise _foreign(request, reply)
    return body["payload"]


def rows(request: Request, reply: Reply) -> list[Row]:
    """
    Return the rows of a success; a single one may come without a list (assumption).

    :raises WorkflowError: the answer has none
    """
    found = payload(request, reply)
    if isinstance(found, Mapping):
        return [found]
    return [row for row in found or () if isinstance(row, Mapping)]


def _meaning(request: Request, code: int) -> tuple[type[WorkflowError], str]:
    if code in REFUSALS:
        return REFUSALS[ResultCode(code)]
    what = "An unexpected error" if code == ResultCode.UNEXPECTED else "A result code that is not documented"
    if request.repeatable:
        return ServiceUnavailable, what
    return OutcomeUnknown, f"{what}; it may have taken effect"


def _envelope(reply: Reply) -> Mapping[str, Any]:
    try:
        body = reply.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, Mapping) else {}


def _code(envelope: Mapping[str, Any]) -> int | None:
    """Return the result code; some answers call it ``status`` (vendor's SDK)."""
    value = envelope.get("resultCode", envelope.get("status"))
    if isinstance(value, bool) or not isinstance(value, (int, str)):
        return None
    try:
        return int(value)
    except ValueError:
        return None


def _contradiction(request: Request, reply: Reply) -> WorkflowError:
    if request.repeatable:
        return refusal(request, reply)
    return request.failure(
        OutcomeUnknown,
        "The status refuses what the result code calls done; it may have taken effect",
        reply=reply,
    )


def _foreign(request: Request, reply: Reply) -> WorkflowError:
    kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
    return request.failure(kind, "The answer is JSON, but not an answer of BlizWork", reply=reply)
