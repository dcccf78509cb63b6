"""What Robusta's answers mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.protocol.errors import OutcomeUnknown, UnreadableAnswer
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.status import refusal

#: Status words that the vendor's documentation names. A word for failure surely exists; no source tells it.
RUNNING = ("WAITING", "RUNNING")
SUCCEEDED = "SUCCEEDED"
#: Outputs are further keys of a status answer that begin so (vendor documentation).
OUTPUT_PREFIX = "__out_"


@dataclass(frozen=True)
class Started:
    """
    A process that was accepted.

    :param spid: Robusta's handle of it, a UUID
    :param message: informational, in the server's language; None if there was none
    """

    spid: str
    message: str | None


@dataclass(frozen=True)
class Status:
    """
    Where a process stands.

    :param word: of the status, in upper case
    :param message: informational, in the server's language; None if there was none
    :param outputs: by name without prefix, as the server sends them; there when the process has ended
    """

    word: str
    message: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


def read_started(request: Request, reply: Reply) -> Started:
    """
    Read the answer to a start.

    :raises WorkflowError: refused
    :raises OutcomeUnknown: accepted, it seems, but without a SPID
    """
    body = _object(request, reply)
    spid = body.get("robustaSpid")
    if not isinstance(spid, str) or not spid.strip():
        # No error body is documented, so this may be a refusal or a process that was saved.
        raise request.failure(
            OutcomeUnknown,
            "The answer to the start has no robustaSpid; a process may have been saved all the same",
            reply=reply,
        )
    return Started(spid.strip(), _message(body))


def read_status(request: Request, reply: Reply) -> Status:
    """
    Read the answer to a status.

    :raises WorkflowError: refused, or no status in it
    """
    body = _object(request, reply)
    word = body.get("status")
    if not isinstance(word, str) or not word.strip():
        raise request.failure(UnreadableAnswer, "The answer has no status", reply=reply)
    outputs = {
        name.removeprefix(OUTPUT_PREFIX): value
        for name, value in body.items()
        if name.startswith(OUTPUT_PREFIX)
    }
    return Status(word.strip().upper(), _message(body), outputs)


def _object(request: Request, reply: Reply) -> dict[str, Any]:
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json()
    if not isinstance(body, dict):
        kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
        raise request.failure(kind, "The answer is JSON, but not an object", reply=reply)
    return body


def _message(body: Mapping[str, Any]) -> str | None:
    message = body.get("message")
    return message if isinstance(message, str) else None
