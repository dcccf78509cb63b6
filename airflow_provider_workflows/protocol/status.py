"""What an HTTP status means when the vendor says nothing better."""

from __future__ import annotations

from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.protocol.message import Reply, Request

_MEANING: dict[int, tuple[type[WorkflowError], str]] = {
    401: (AuthenticationFailed, "The server does not accept the credentials"),
    403: (PermissionDenied, "The server refuses access"),
    404: (NotFound, "There is nothing at this address"),
    407: (AuthenticationFailed, "The proxy wants credentials"),
    413: (Rejected, "The request is too large for the server"),
}


def refusal(request: Request, reply: Reply) -> WorkflowError:
    """Return the error of a 4xx answer, which says that the request was not carried out."""
    kind, message = _MEANING.get(reply.status, (Rejected, "The server refused the request"))
    return request.failure(kind, message, reply=reply)
