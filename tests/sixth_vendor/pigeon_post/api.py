"""Pigeon Post's API as operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.core.protocol.message import Reply, Request, refusal, with_query
from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.exceptions import OutcomeUnknown

VENDOR = "Pigeon Post"


@dataclass(frozen=True, kw_only=True)
class Letter:
    """A letter in the loft's book."""

    number: str
    text: str


class PigeonApi:
    """The calls of one loft."""

    def __init__(self, *, ring: str, flock: str) -> None:
        self._ring = ring
        self._flock = flock

    def send(self, to: str, text: str) -> Operation[str]:
        """Send a letter, once; returns its number."""
        body = {"to": to, "text": text, "flock": self._flock}
        request = self._request("send letter", "POST", "/letters", repeatable=False, json=body)
        letter = _body(request, (yield request)).get("letter")
        if not isinstance(letter, str):
            raise request.failure(OutcomeUnknown, "The answer names no letter")
        return letter

    def look(self, letter: str) -> Operation[dict[str, Any]]:
        """Ask where a letter is."""
        request = self._request("look", "GET", f"/letters/{quote(letter, safe='')}", repeatable=True)
        return _body(request, (yield request))

    def list_letters(self, *, start: int = 0) -> Operation[Page[Letter]]:
        """Read one page of the loft's book, oldest letters first."""
        request = self._request(
            "list letters", "GET", with_query("/letters", {"start": start}), repeatable=True
        )
        body = _body(request, (yield request))
        letters = (Letter(number=number, text=text) for number, text in body["letters"])
        return Page(tuple(letters), next=body["next"])

    def _request(self, operation: str, method: str, path: str, **more: Any) -> Request:
        headers, secrets = {"X-Ring": self._ring}, (self._ring,)
        return Request(
            vendor=VENDOR,
            operation=operation,
            method=method,
            path=path,
            headers=headers,
            secrets=secrets,
            **more,
        )


def _body(request: Request, reply: Reply) -> dict[str, Any]:
    if reply.status >= 400:
        raise refusal(request, reply)
    body: dict[str, Any] = reply.json
    return body
