"""What OMFlow's answers mean: HTTP 200 for everything, and the truth in the body."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.protocol.errors import (
    InvalidConnection,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.status import refusal

#: Recorded for reads; what else an engine may read as a number while it opens an order is not known.
NOT_A_NUMBER = "invalid literal for int()"

#: Exception texts that body status 500 was recorded with. The server raises them before it writes
#: anything, so they are refusals; they are Python's own and not translated. Any other 500 leaves the
#: outcome unknown.
KNOWN_REFUSALS: tuple[tuple[str, type[WorkflowError], str], ...] = (
    (
        "'NoneType' object has no attribute 'api'",
        NotFound,
        "No deployed process has this api_path",
    ),
    (
        "get() returned more than one OmUser",
        InvalidConnection,
        "The service user's name is part of another user's name, which OMFlow cannot tell apart",
    ),
    ("'type'", Rejected, "An item of form_data has no type, which this server version demands"),
    (
        "This QueryDict instance is immutable",
        Rejected,
        "This server does not take files in the open call; set the connection's server_version to 1.1",
    ),
    (NOT_A_NUMBER, Rejected, "A number was expected"),
)


@dataclass(frozen=True)
class Answer:
    """
    The body of an answer.

    :param status: 200, 403, 404 or 500; text on some versions, a number here
    :param message: translated into the connection's language: for people, never for decisions
    :param result: None or absent on failure
    """

    request: Request
    reply: Reply
    status: int
    message: str
    result: Any

    def error(self, kind: type[WorkflowError], message: str) -> WorkflowError:
        """Return an error of a kind, with the vendor's message."""
        return self.request.failure(
            kind, f"{message} (OMFlow says: {self.message})", reply=self.reply, code=self.status
        )

    def checked(self) -> Any:
        """
        Return the result of a success.

        :raises WorkflowError: any other outcome, by the error table of the recorded server
        """
        match self.status:
            case 200:
                return self.result
            case 403:
                raise self.error(PermissionDenied, "Refused")
            case 404:
                raise self.error(Rejected, f"Refused{self._missing()}")
        raise self._server_error()

    def _missing(self) -> str:
        names = self.result.get("result") if isinstance(self.result, Mapping) else None
        return f": missing or empty {', '.join(map(str, names))}" if isinstance(names, list) else ""

    def _server_error(self) -> WorkflowError:
        for marker, kind, meaning in KNOWN_REFUSALS:
            known = self.request.repeatable or marker != NOT_A_NUMBER
            if known and self.message.strip().startswith(marker):
                return self.error(kind, meaning)
        if self.request.repeatable:
            return self.error(ServiceUnavailable, "The server failed inside")
        return self.error(OutcomeUnknown, "The server failed inside; it may have done it all the same")


def read_answer(request: Request, reply: Reply) -> Answer:
    """
    Return the body of an answer.

    :raises WorkflowError: the answer is not OMFlow's: a proxy's refusal, or JSON of another shape
    """
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json()
    try:
        return Answer(request, reply, int(body["status"]), str(body.get("message", "")), body.get("result"))
    except (TypeError, KeyError, ValueError, AttributeError):
        kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
        raise request.failure(kind, "The answer is JSON, but not an answer of OMFlow", reply=reply) from None
