"""What a body means, by the error table of the recorded server."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.omflow.api.call import read_answer

READ = Request(vendor="OMFlow", operation="query order", method="POST", path="/rest/x", repeatable=True)
ONCE = Request(vendor="OMFlow", operation="open order", method="POST", path="/rest/x", repeatable=False)


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "message", "meaning"),
    [
        (403, "您沒有權限進行此操作。", "(status 403: not permitted, or the security code is not accepted)"),
        (
            404,
            "缺少必填欄位。",
            "(status 404: refused, because something is missing, unknown, or not possible now)",
        ),
        (500, "資料庫錯誤", "(status 500: an error inside the server)"),
        (404, "Omdata_1 matching query does not exist.", ""),
        (418, "茶壺", ""),
    ],
    ids=str,
)
def test_a_message_that_is_not_in_english_has_its_meaning_beside_it(
    status: int, message: str, meaning: str
) -> None:
    with pytest.raises(exceptions.WorkflowError) as caught:
        read_answer(READ, reply({"status": status, "message": message})).checked()
    said = caught.value.message
    assert message in said
    assert said.partition(message)[2].lstrip("'\" ").startswith(meaning)
    assert ("(status" in said) == bool(meaning)


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
        (403, "您沒有權限", exceptions.PermissionDenied, exceptions.PermissionDenied),
        (404, "缺少必填欄位。", exceptions.Rejected, exceptions.Rejected),
        (500, "'NoneType' object has no attribute 'api'", exceptions.NotFound, exceptions.NotFound),
        (500, "get() returned more than one OmUser -- it returned 2!", *[exceptions.InvalidConnection] * 2),
        (500, "'type'", exceptions.Rejected, exceptions.Rejected),
        (500, "This QueryDict instance is immutable", exceptions.Rejected, exceptions.Rejected),
        (500, "invalid literal for int() with base 10: 'x'", exceptions.OutcomeUnknown, exceptions.Rejected),
        (
            500,
            "'NoneType' object has no attribute 'type'",
            exceptions.OutcomeUnknown,
            exceptions.ServiceUnavailable,
        ),
        (500, "database is locked", exceptions.OutcomeUnknown, exceptions.ServiceUnavailable),
        (502, "?", exceptions.OutcomeUnknown, exceptions.ServiceUnavailable),
    ],
    ids=lambda value: str(value)[:30],
)
def test_failures(status: int, message: str, once: type, read: type) -> None:
    for request, kind in ((ONCE, once), (READ, read)):
        for shown in (status, str(status)):
            body = {"status": shown, "message": message, "result": None}
            with pytest.raises(exceptions.WorkflowError) as caught:
                read_answer(request, reply(body)).checked()
            assert caught.type is kind
            assert caught.value.code == status
            assert message in str(caught.value)


def test_missing_parameters_are_named() -> None:
    details = {"status": 404, "result": ["action", "data_no"], "message": "缺少"}
    with pytest.raises(exceptions.Rejected, match="missing or empty fields action, data_no"):
        read_answer(ONCE, reply({"status": 404, "message": "x", "result": details})).checked()


@pytest.mark.parametrize(
    "body",
    [[], "text", 7, None, {}, {"status": None}, {"status": "ok"}, {"status": [200]}, {"state": 200}],
    ids=repr,
)
def test_json_of_another_shape(body: Any) -> None:
    with pytest.raises(exceptions.UnreadableAnswer):
        read_answer(READ, reply(body))
    with pytest.raises(exceptions.OutcomeUnknown):
        read_answer(ONCE, reply(body))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, exceptions.Rejected),
        (401, exceptions.AuthenticationFailed),
        (403, exceptions.PermissionDenied),
        (404, exceptions.NotFound),
        (407, exceptions.AuthenticationFailed),
        (413, exceptions.Rejected),
    ],
)
def test_refusals_from_outside_the_application(status: int, kind: type) -> None:
    # A proxy, or the framework: nothing was carried out.
    with pytest.raises(exceptions.WorkflowError) as caught:
        read_answer(ONCE, reply(b"<html>no</html>", status))
    assert caught.type is kind
    assert caught.value.status == status
