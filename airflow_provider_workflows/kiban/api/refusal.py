"""Reads Kiban's refusals, and removes the personal data that they may quote."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request, refusal
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    Conflict,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)

#: Error class and meaning by HTTP status (vendor's SDK). 400 and 404 come with the same body (vendor
#: documentation), so the status decides, and the body only explains.
REFUSALS: Mapping[int, tuple[type[WorkflowError], str]] = {
    400: (Rejected, "Kiban refused the values"),
    401: (AuthenticationFailed, "Kiban did not accept the API key"),
    403: (
        PermissionDenied,
        "The API key lacks the permission, or the step does not allow this, perhaps no longer",
    ),
    404: (NotFound, "Kiban does not know the definition, scenario, execution, node or file"),
    # Assumption: a start that is answered with 409 has started nothing. Wrong if the history lists one then.
    409: (
        Conflict,
        "The execution cannot be started now, is not at a step that accepts this call, or has left it",
    ),
}
#: Limits of a message: maximum number of fields, and maximum length of each text.
MOST_FIELDS = 20
MOST_TEXT = 120
#: Shorter values stay in a message: they reveal nothing, and occur in other words.
SHORTEST_VALUE = 3


@dataclass(frozen=True)
class Complaint:
    """
    The content of a refusal's body.

    :param code: the vendor's ``typeError``; None in bodies of other forms
    :param fields: what is wrong, by field or parameter
    :param text: message about the whole request
    """

    code: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def describe(self, hide: Callable[[str], str]) -> str:
        """
        Return the content as text, with each part cut to a maximum length.

        :param hide: removes from a text what must not be shown; applied before cutting, which could leave
            half of it
        """
        named = [f"{_cut(hide(name))}: {_cut(hide(text))}" for name, text in self._first()]
        return "; ".join(filter(None, [*named, _cut(hide(self.text))]))

    def _first(self) -> list[tuple[str, str]]:
        return list(self.fields.items())[:MOST_FIELDS]


def judge(request: Request, reply: Reply) -> WorkflowError | None:
    """Return the error in an answer below 500; None if it is a success."""
    if reply.status < 400:
        return _foreign(request, reply)
    if reply.status == 409 and request.method == "GET":
        # Kiban failed to map what it read (vendor's SDK).
        # Assumption: that passes, and the tolerance of a wait limits it. Wrong if Kiban answers one execution
        # with 409 for good.
        return request.failure(ServiceUnavailable, "Kiban cannot answer this right now", reply=reply)
    if reply.status not in REFUSALS:
        return refusal(request, reply)
    kind, meaning = REFUSALS[reply.status]
    complaint = read_complaint(reply)
    details = complaint.describe(lambda text: without_values(request.quote(text), request.json))
    return request.failure(
        kind, f"{meaning}: {details}" if details else meaning, reply=reply, code=complaint.code or None
    )


def read_complaint(reply: Reply) -> Complaint:
    """
    Return the content of a refusal.

    The body is often empty. Otherwise it has one of three forms: ``{"typeError", "errors", "errorMessage"}``,
    where ``errors`` may be null; ``{"error", "remainingRetries"}`` for a wrong code; or a flat map of
    parameter to text (vendor documentation, vendor's SDK).
    """
    try:
        body = reply.json
    except (ValueError, RecursionError):
        return Complaint()
    if not isinstance(body, Mapping):
        return Complaint()
    if "typeError" in body or "errors" in body:
        code = body.get("typeError")
        errors = body.get("errors")
        return Complaint(
            code=str(code) if code else None,
            fields=_texts(errors if isinstance(errors, Mapping) else {}),
            text=_text(body.get("errorMessage")),
        )
    if "error" in body:
        left = body.get("remainingRetries")
        tries = f"tries left: {left}" if isinstance(left, int) else ""
        return Complaint(text="; ".join(filter(None, [_text(body["error"]), tries])))
    return Complaint(fields=_texts(body))


def without_values(text: str, sent: Any) -> str:
    """
    Return a text without the values that were sent, because the vendor may quote them.

    :param sent: JSON values
    """
    values = {value for value in _values(sent) if len(value) >= SHORTEST_VALUE}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def _foreign(request: Request, reply: Reply) -> WorkflowError | None:
    """Return the error of an answer that is neither empty nor JSON, where an empty one is valid."""
    if request.expects_json or not reply.body.strip():
        return None
    with contextlib.suppress(ValueError):
        reply.json  # noqa: B018
        return None
    if request.repeatable:
        return request.failure(UnreadableAnswer, "The answer is not JSON", reply=reply)
    return request.failure(
        OutcomeUnknown,
        "The request was sent, but the answer is neither empty nor JSON. It may have taken effect",
        reply=reply,
    )


def _texts(errors: Mapping[Any, Any]) -> dict[str, str]:
    return {str(name): _text(value) for name, value in errors.items()}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _cut(text: str) -> str:
    return text[:MOST_TEXT]


def _values(sent: Any) -> Iterator[str]:
    if isinstance(sent, Mapping):
        for value in sent.values():
            yield from _values(value)
    elif isinstance(sent, (list, tuple)):
        for value in sent:
            yield from _values(value)
    elif sent is not None and not isinstance(sent, bool):
        yield str(sent)
