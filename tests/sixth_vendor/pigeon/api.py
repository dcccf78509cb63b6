"""Pigeon Post's API as operations."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow_provider_workflows.protocol.errors import OutcomeUnknown
from airflow_provider_workflows.protocol.message import Reply, Request
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.protocol.status import refusal

VENDOR = "Pigeon Post"


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

    def book(self) -> Operation[dict[str, str]]:
        """Read the texts of all letters, by their numbers."""
        request = self._request("book", "GET", "/letters", repeatable=True)
        return dict(_body(request, (yield request))["letters"])

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
    body: dict[str, Any] = reply.json()
    return body
