"""Requests and replies."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from airflow_provider_workflows.core.protocol.message import Reply, Request


def make_request(**changes: Any) -> Request:
    request = Request(vendor="Vendor", operation="do it", method="POST", path="/do", repeatable=True)
    return replace(request, **changes)


def make_reply(status: int = 200, body: bytes = b"{}", **headers: str) -> Reply:
    """A reply; underscores in the names of headers become hyphens."""
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(status=status, headers=names, body=body)
