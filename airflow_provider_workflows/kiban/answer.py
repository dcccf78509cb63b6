"""What Kiban's refusals say, without the personal data that they may quote."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.protocol.errors import (
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
from airflow_provider_workflows.protocol.message import Reply, Request, scrub
from airflow_provider_workflows.protocol.status import refusal

#: HTTP status -> error and meaning (vendor's SDK). The same body comes with 400 and 404 (vendor
#: documentation), so the status decides and the body only explains.
REFUSALS: Mapping[int, tuple[type[WorkflowError], str]] = {
    400: (Rejected, "Kiban refused the values"),
    401: (AuthenticationFailed, "Kiban does not accept the API key"),
    403: (PermissionDenied, "The API key has no access to this, or the step does not allow it (any more)"),
    404: (NotFound, "Kiban does not know the definition, scenario, execution, node or file"),
    409: (Conflict, "The execution does not, or no longer, stand at a step that this call is for"),
}
#: A message must not become a document: fields named at the most, and characters of each text.
MOST_FIELDS = 20
MOST_TEXT = 120
#: Values shorter than this are left in a message; they tell nothing, and other words contain them.
SHORTEST_VALUE = 3


@dataclass(frozen=True)
class Complaint:
    """
    What the body of a refusal says.

    :param code: the vendor's ``typeError``; None in bodies of the other forms
    :param fields: what is wrong, by field or parameter
    :param text: said of the whole
    """

    code: str | None = None
    fields: Mapping[str, str] = field(default_factory=dict)
    text: str = ""

    def told(self, hide: Callable[[str], str]) -> str:
        """
        Return it in words, each text cut to some length.

        :param hide: takes out of a text what must not be shown; before the cut, which may leave half of it
        """
        named = [f"{_cut(hide(name))}: {_cut(hide(text))}" for name, text in self._first()]
        return "; ".join(filter(None, [*named, _cut(hide(self.text))]))

    def _first(self) -> list[tuple[str, str]]:
        return list(self.fields.items())[:MOST_FIELDS]


def judge(request: Request, reply: Reply) -> WorkflowError | None:
    """Return the error that an answer below 500 amounts to; None if it is a success."""
    if reply.status < 400:
        return _foreign(request, reply)
    if reply.status == 409 and request.repeatable:
        # Reads conflict while the vendor puts their answer together (vendor's SDK); that it passes is an
        # assumption, and the tolerance of a wait bounds it.
        return request.failure(ServiceUnavailable, "Kiban cannot tell this right now", reply=reply)
    if reply.status not in REFUSALS:
        return refusal(request, reply)
    kind, meaning = REFUSALS[reply.status]
    complaint = read_complaint(reply)
    said = complaint.told(lambda text: without_values(scrub(text, request.secrets), request.json))
    return request.failure(
        kind, f"{meaning}: {said}" if said else meaning, reply=reply, code=complaint.code or None
    )


def read_complaint(reply: Reply) -> Complaint:
    """
    Return what a refusal says.

    There are three forms of body, and often none: ``{"typeError", "errors", "errorMessage"}`` with ``errors``
    perhaps null, ``{"error", "remainingRetries"}`` for a wrong code, and a flat map of parameter to text
    (vendor documentation, vendor's SDK).
    """
    try:
        body = reply.json()
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
    Return a text with the values that were sent taken out, since the vendor may quote them.

    :param sent: JSON values
    """
    values = {value for value in _values(sent) if len(value) >= SHORTEST_VALUE}
    for value in sorted(values, key=len, reverse=True):
        text = text.replace(value, "***")
    return text


def _foreign(request: Request, reply: Reply) -> WorkflowError | None:
    """Tell what is no answer of Kiban's, where an empty body is one."""
    if request.expects_json or not reply.body.strip() or reply.is_json():
        return None
    if request.repeatable:
        return request.failure(UnreadableAnswer, "The answer is not JSON", reply=reply)
    return request.failure(
        OutcomeUnknown,
        "Sent, but the answer is neither empty nor JSON; it may have taken effect",
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
