"""Reads Robusta's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request, can_be_id, refusal
from airflow_provider_workflows.exceptions import OutcomeUnknown, UnreadableAnswer, one_line

#: Documented statuses. There must be one for failure, but no source names it.
RUNNING = ("WAITING", "RUNNING")
SUCCEEDED = "SUCCEEDED"
#: Prefix of the keys of outputs in a status answer (vendor documentation).
OUTPUT_PREFIX = "__out_"
#: Characters of a status word, and of a SPID, which is a UUID.
LONGEST_WORD, LONGEST_SPID = 100, 100
#: A UUID so far. Others that a server gives are taken, too, but nothing that changes the meaning of a path,
#: or that a template leaves in place of an id.
_SPID = re.compile(r"[^\s/\\?#%{}]+")


@dataclass(frozen=True)
class Started:
    """
    An accepted process.

    :param spid: Robusta's id of the process, a UUID
    :param message: informational text in the server's language; None if there was none
    """

    spid: str
    message: str | None


@dataclass(frozen=True)
class Status:
    """
    The status of a process.

    :param word: the status in upper case
    :param message: informational text in the server's language; None if there was none
    :param outputs: outputs by name without prefix, as the server sends them once the process has ended
    """

    word: str
    message: str | None = None
    outputs: Mapping[str, Any] = field(default_factory=dict)


def is_spid(text: str) -> bool:
    """Return whether a text can be a SPID."""
    return can_be_id(text) and len(text) <= LONGEST_SPID and _SPID.fullmatch(text) is not None


def read_started(request: Request, reply: Reply) -> Started:
    """
    Read the answer to a start.

    :raises WorkflowError: the server refused the start
    :raises OutcomeUnknown: the answer has no SPID
    """
    body = _object(request, reply)
    spid = body.get("robustaSpid")
    if not isinstance(spid, str) or not is_spid(spid.strip()):
        # Error bodies are not documented, so this may be a refusal, or a process may have been saved.
        raise request.failure(
            OutcomeUnknown,
            "The answer has no valid robustaSpid, but a process may have been started",
            reply=reply,
        )
    return Started(spid.strip(), _message(request, body))


def read_status(request: Request, reply: Reply) -> Status:
    """
    Read the answer to a status request.

    :raises WorkflowError: the server refused the request, or the answer has no status
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
    return Status(one_line(word.strip(), LONGEST_WORD).upper(), _message(request, body), outputs)


def _object(request: Request, reply: Reply) -> dict[str, Any]:
    if reply.status >= 400:
        raise refusal(request, reply)
    body = reply.json
    if not isinstance(body, dict):
        kind = UnreadableAnswer if request.repeatable else OutcomeUnknown
        raise request.failure(kind, "The answer is JSON, but not in Robusta's format", reply=reply)
    return body


def _message(request: Request, body: Mapping[str, Any]) -> str | None:
    message = body.get("message")
    return request.quote(message) if isinstance(message, str) else None
