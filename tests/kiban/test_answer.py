"""What Kiban's refusals come to, and that no personal data comes along."""

from __future__ import annotations

import json
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.retry import diagnose
from airflow_provider_workflows.kiban.api.refusal import judge, read_complaint, without_values

MISSING = {
    "typeError": "REQUIRED_FIELDS",
    "errors": {"idWorkflooDefinition": "required"},
    "errorMessage": "",
}
NOT_THERE = {"typeError": "ELEMENT_NOT_EXIST_ERROR", "errors": None, "errorMessage": "scenarioId not found"}


def request(
    *,
    method: str = "POST",
    repeatable: bool = False,
    expects_json: bool = True,
    sent: Any = None,
    secrets: tuple[str, ...] = (),
) -> Request:
    return Request(
        vendor="Kiban Workfloo",
        operation="try",
        method=method,
        path="/x",
        repeatable=repeatable,
        expects_json=expects_json,
        confidential=True,
        json=sent,
        secrets=secrets,
        judge=judge,
    )


def reply(status: int, body: Any = None) -> Reply:
    content = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
    return Reply(status=status, body=content)


@pytest.mark.parametrize(
    ("status", "body", "kind", "code", "says"),
    [
        (400, MISSING, exceptions.Rejected, "REQUIRED_FIELDS", "idWorkflooDefinition: required"),
        (400, NOT_THERE, exceptions.Rejected, "ELEMENT_NOT_EXIST_ERROR", "scenarioId not found"),
        (404, NOT_THERE, exceptions.NotFound, "ELEMENT_NOT_EXIST_ERROR", "scenarioId not found"),
        (
            400,
            {"page": "FORMAT_ERROR; must be 1"},
            exceptions.Rejected,
            None,
            "page: FORMAT_ERROR; must be 1",
        ),
        (400, {"error": "wrong code", "remainingRetries": 2}, exceptions.Rejected, None, "tries left: 2"),
        (400, None, exceptions.Rejected, None, "refused the values"),
        (401, None, exceptions.AuthenticationFailed, None, "API key"),
        (401, {}, exceptions.AuthenticationFailed, None, "API key"),
        (403, None, exceptions.PermissionDenied, None, "lacks the permission"),
        (403, {"error": "no code is pending"}, exceptions.PermissionDenied, None, "no code is pending"),
        (404, None, exceptions.NotFound, None, "does not know"),
        (404, {}, exceptions.NotFound, None, "does not know"),
        (409, None, exceptions.Conflict, None, "or has left it"),
        (413, None, exceptions.Rejected, None, "too large"),
        (418, b"<html>", exceptions.Rejected, None, "refused"),
    ],
)
def test_refusals(status: int, body: Any, kind: type[BaseException], code: str | None, says: str) -> None:
    error = judge(request(), reply(status, body))
    assert type(error) is kind
    assert isinstance(error, exceptions.WorkflowError)
    assert (error.status, error.code) == (status, code)
    assert says in error.message


@pytest.mark.parametrize("status", [500, 503])
def test_a_server_error_on_a_read_is_temporary_and_on_a_write_a_doubt(status: int) -> None:
    assert type(diagnose(request(repeatable=True), reply(status))) is exceptions.ServiceUnavailable
    assert type(diagnose(request(), reply(status))) is exceptions.OutcomeUnknown


def test_a_conflict_on_a_read_is_temporary() -> None:
    read = request(method="GET", repeatable=True)
    assert type(judge(read, reply(409))) is exceptions.ServiceUnavailable
    # One that is sent and may be repeated is no read: the execution is elsewhere.
    assert type(judge(request(repeatable=True), reply(409))) is exceptions.Conflict


@pytest.mark.parametrize("body", [None, {"phase": "VALIDATE"}, {}], ids=["empty", "JSON", "{}"])
def test_success_without_a_body_or_with_one(body: Any) -> None:
    assert diagnose(request(expects_json=False), reply(200, body)) is None


def test_a_page_instead_of_an_empty_body_is_a_doubt() -> None:
    found = diagnose(request(expects_json=False), reply(200, b"<html>Sign in</html>"))
    assert type(found) is exceptions.OutcomeUnknown
    found = diagnose(request(expects_json=False, repeatable=True), reply(200, b"<html>"))
    assert type(found) is exceptions.UnreadableAnswer


def test_a_refusal_does_not_quote_what_was_sent() -> None:
    sent = {"rfc": "TOAA900101AB1", "set": [{"street": "Calle Ocho"}], "amount": 25000, "married": True}
    body = {
        "typeError": "FORMAT_ERROR",
        "errors": {"rfc": "TOAA900101AB1 of Calle Ocho is not valid, nor is 25000"},
        "errorMessage": "TOAA900101AB1",
    }
    error = judge(request(sent=sent), reply(400, body))
    assert error is not None
    assert "rfc: *** of *** is not valid, nor is ***" in str(error)
    assert error.excerpt is None


def test_nor_the_half_of_it_that_a_cut_leaves() -> None:
    name, key = "Guadalupe Hernandez", "callback-key-of-this-server"
    sent = request(sent={"name": name, "callback": {"headers": {"X-Key": key}}}, secrets=(key,))
    for at in range(90, 125):
        body = {"errors": {"name": f"{'x' * at}{name}", "callback": f"{'x' * at}{key}"}}
        error = judge(sent, reply(400, body))
        assert error is not None
        assert "Guada" not in str(error)
        assert "callback-" not in str(error)


def test_a_refusal_never_becomes_a_document() -> None:
    body = {"errors": {f"field{number}": "x" * 5000 for number in range(500)}, "errorMessage": "y" * 5000}
    error = judge(request(), reply(400, body))
    assert error is not None
    assert len(str(error)) < 4000


@pytest.mark.parametrize(
    "body",
    [b"", b"no JSON", b"[1]", b"null", b'{"errors": 7, "typeError": null, "errorMessage": null}', b'"x"'],
    ids=str,
)
def test_a_body_of_another_shape_says_nothing(body: bytes) -> None:
    assert read_complaint(reply(400, body)).describe(str) == ""


def test_short_values_are_left_as_they_tell_nothing() -> None:
    assert without_values("no a in required", {"x": "no", "y": "a", "z": None}) == "no a in required"
