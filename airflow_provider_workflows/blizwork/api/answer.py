"""Reads BlizWork's answers, which are always HTTP 200 and have the real outcome in the result code."""

from __future__ import annotations

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request, refusal
from airflow_provider_workflows.exceptions import (
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
    #: Not a success: too many transactions.
    LIMIT_EXCEEDED = 200


#: Error class and meaning of each refusal. Assumption: a refused call had no effect; the documentation
#: implies it, but does not state it. Wrong if a case shows an effect of such a call.
REFUSALS: Mapping[ResultCode, tuple[type[WorkflowError], str]] = {
    ResultCode.TOKEN_INVALID: (
        AuthenticationFailed,
        "The API token is invalid or expired. A token is valid for a year at most",
    ),
    ResultCode.USER_NOT_AUTHORISED: (PermissionDenied, "The user is not authorised"),
    ResultCode.WORKFLOW_UNAVAILABLE: (NotFound, "The workflow does not exist, is disabled or is private"),
    ResultCode.CASE_UNKNOWN: (NotFound, "The case number does not exist"),
    ResultCode.CASE_CLOSED: (Rejected, "The case is closed"),
    ResultCode.FORM_UNKNOWN_OR_DONE: (Rejected, "The form does not exist or was already run"),
    ResultCode.ACTION_INVALID: (Rejected, "The action (next form id) is invalid"),
    ResultCode.FORM_NOT_EXECUTABLE: (
        Rejected,
        "The form cannot be run. Another activity may be pending",
    ),
    ResultCode.ACTION_UNKNOWN: (Rejected, "The action (next form id) does not exist"),
    ResultCode.FIELD_UNKNOWN: (Rejected, "A field of the form does not exist"),
    ResultCode.USER_UNKNOWN: (PermissionDenied, "The user is not registered"),
    ResultCode.MALFORMED: (Rejected, "The request is malformed"),
    ResultCode.LIMIT_EXCEEDED: (
        Throttled,
        "The transaction limit of the organisation's plan is exceeded, and the call was not carried out",
    ),
}


class Judge:
    """
    Reads the result code of an answer.

    :param rate: transactions per second of the organisation's plan; None if unknown or unlimited
    """

    def __init__(self, rate: float | None = None) -> None:
        self._pause = 1 / rate if rate else None

    def __call__(self, request: Request, reply: Reply) -> WorkflowError | None:
        """Return the error in an answer; None for a success, which is HTTP 2xx and code 0."""
        envelope = _envelope(reply)
        code = _code(envelope)
        if code == 200 and "resultCode" not in envelope and not request.repeatable:
            # 200 is documented as "limit exceeded" only for resultCode. In "status" it may mean success as in
            # HTTP, and a call that was carried out must not count as refused.
            code = None
        if code is None:
            return refusal(request, reply) if reply.status >= 400 else _foreign(request, reply)
        message = str(envelope.get("resultMessage") or envelope.get("message") or "no message")
        if code != ResultCode.DONE:
            return self._refused(request, reply, code, message)
        # The vendor's own client requires a success status, too (vendor's SDK).
        return _contradiction(request, reply) if reply.status >= 400 else None

    def _refused(self, request: Request, reply: Reply, code: int, message: str) -> WorkflowError:
        kind, meaning = _meaning(request, code)
        pause = self._pause if kind is Throttled else None
        said = f"{meaning}. BlizWork says: {request.quote(message)}"
        return request.failure(kind, said, reply=reply, code=code, retry_after=pause)


def payload(request: Request, reply: Reply) -> Any:
    """
    Return the payload of a success.

    :raises WorkflowError: the answer has no payload
    """
    body = reply.json
    if not isinstance(body, Mapping) or "payload" not in body:
        raise _foreign(request, reply)
    return body["payload"]


def rows(request: Request, reply: Reply) -> list[Row]:
    """
    Return the rows of a success.

    Assumption: a payload that is one object is one row without a list. Wrong if that object holds
    a list of rows.

    :raises WorkflowError: the answer has no payload
    """
    found = payload(request, reply)
    if isinstance(found, Mapping):
        return [found]
    if found is not None and not isinstance(found, list):
        raise _foreign(request, reply)
    return [row for row in found or () if isinstance(row, Mapping)]


def _meaning(request: Request, code: int) -> tuple[type[WorkflowError], str]:
    if code in REFUSALS:
        return REFUSALS[ResultCode(code)]
    what = "BlizWork had an unexpected error" if code == ResultCode.UNEXPECTED else "Undocumented result code"
    if request.repeatable:
        return ServiceUnavailable, what
    return OutcomeUnknown, f"{what}, but the call may have taken effect"


def _envelope(reply: Reply) -> Mapping[str, Any]:
    try:
        body = reply.json
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
        "The result code reports success but the HTTP status an error, so the call may have taken effect",
        reply=reply,
    )


def _foreign(request: Request, reply: Reply) -> WorkflowError:
    kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
    return request.failure(kind, "The answer is JSON, but not in BlizWork's format", reply=reply)
