"""Drives an operation by hand: the answers are given, and what was asked is kept."""

from __future__ import annotations

import json
from typing import Any

from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import diagnose
from airflow_provider_workflows.exceptions import WorkflowError

#: Its token has what must be quoted in a path.
API = BlizWorkApi(token="to/ken +ñ", user_id="a@x.y", company_id="c1")
QUOTED = "to%2Fken%20%2B%C3%B1"


def said(http: int = 200, /, **body: Any) -> Reply:
    """Return an answer of the vendor's."""
    return Reply(status=http, body=json.dumps(body).encode())


def done(**body: Any) -> Reply:
    return said(resultCode=0, resultMessage="ok", **body)


def refused(code: Any) -> Reply:
    return said(resultCode=code, resultMessage="no")


def ask(operation: Operation[Any], answer: Reply) -> tuple[Request, Any]:
    """
    Answer the one request of an operation as the drivers do, without repeating it.

    Returns the request, and the operation's result or the error that it raised.
    """
    request = next(operation)
    assert isinstance(request, Request)
    try:
        error = diagnose(request, answer)
        unexpected = operation.send(answer) if error is None else operation.throw(error)
    except StopIteration as end:
        return request, end.value
    except WorkflowError as raised:
        return request, raised
    raise AssertionError(f"a second request: {unexpected}")
