"""What a body means, by the error table of the recorded server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows.omflow.answer import read_answer
from airflow_provider_workflows.protocol import errors
from airflow_provider_workflows.protocol.message import Reply, Request

READ = Request(vendor="OMFlow", operation="query order", method="POST", path="/rest/x", repeatable=True)
ONCE = Request(vendor="OMFlow", operation="open order", method="POST", path="/rest/x", repeatable=False)


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize("status", [200, "200"], ids=["number", "text"])
@pytest.mark.parametrize("result", [1, "1", "", None, [], {"a": 1}], ids=repr)
def test_success(status: Any, result: Any) -> None:
    answer = read_answer(READ, reply({"status": status, "message": "ok", "result": result}))
    assert (answer.status, answer.checked()) == (200, result)


def test_absent_result_is_none() -> None:
    assert read_answer(READ, reply({"status": "200", "message": "ok"})).checked() is None


@pytest.mark.parametrize(
    ("status", "message", "once", "read"),
    [
        (403, "您沒有權限", errors.PermissionDenied, errors.PermissionDenied),
        (404, "缺少必填欄位。", errors.Rejected, errors.Rejected),
        (500, "'NoneType' object has no attribute 'api'", errors.NotFound, errors.NotFound),
        (500, "get() returned more than one OmUser -- it returned 2!", *[errors.InvalidConnection] * 2),
        (500, "'type'", errors.Rejected, errors.Rejected),
        (500, "This QueryDict instance is immutable", errors.Rejected, errors.Rejected),
        (500, "invalid literal for int() with base 10: 'x'", errors.OutcomeUnknown, errors.Rejected),
        (500, "'NoneType' object has no attribute 'type'", errors.OutcomeUnknown, errors.ServiceUnavailable),
        (500, "database is locked", errors.OutcomeUnknown, errors.ServiceUnavailable),
        (502, "?", errors.OutcomeUnknown, errors.ServiceUnavailable),
    ],
    ids=lambda value: str(value)[:30],
)
def test_failures(status: int, message: str, once: type, read: type) -> None:
    for request, kind in ((ONCE, once), (READ, read)):
        for shown in (status, str(status)):
            body = {"status": shown, "message": message, "result": None}
            with pytest.raises(errors.WorkflowError) as caught:
                read_answer(request, reply(body)).checked()
            assert caught.type is kind
            assert caught.value.code == status
            assert message in str(caught.value)


def test_missing_parameters_are_named() -> None:
    details = {"status": 404, "result": ["action", "data_no"], "message": "缺少"}
    with pytest.raises(errors.Rejected, match="missing or empty action, data_no"):
        read_answer(ONCE, reply({"status": 404, "message": "x", "result": details})).checked()


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, None, {}, {"status": None}, {"status": "ok"}, {"status": [200]}, {"state": 200}],
    ids=repr,
)
def test_json_of_another_shape(body: Any) -> None:
    with pytest.raises(errors.UnreadableAnswer):
        read_answer(READ, reply(body))
    with pytest.raises(errors.OutcomeUnknown):
        read_answer(ONCE, reply(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, errors.Rejected),
        (401, errors.AuthenticationFailed),
        (403, errors.PermissionDenied),
        (404, errors.NotFound),
        (407, errors.AuthenticationFailed),
        (413, errors.Rejected),
    ],
)
def test_refusals_from_outside_the_application(status: int, kind: type) -> None:
    # A proxy, or the framework: nothing was carried out.
    with pytest.raises(errors.WorkflowError) as caught:
        read_answer(ONCE, reply(b"<html>no</html>", status))
    assert caught.type is kind
    assert caught.value.status == status
