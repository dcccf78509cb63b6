"""What each result code comes to, in each of the vendor's envelopes."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_workflows.blizwork.api.answer import REFUSALS, Judge, ResultCode, payload
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.retry import diagnose
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    NotFound,
    OutcomeUnknown,
    PermanentError,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    UnreadableAnswer,
    WorkflowError,
)
from tests.blizwork.driving import refused, said


def request(*, repeatable: bool = False, rate: float | None = None) -> Request:
    return Request(
        vendor="BlizWork",
        operation="exec activity",
        method="POST",
        path="/exec/secret",
        shown_path="/exec/***",
        repeatable=repeatable,
        secrets=("secret",),
        judge=Judge(rate),
    )


#: Code -> the error of a once-only call, of a repeatable one, and part of its text.
CODES: dict[int, tuple[type[WorkflowError], type[WorkflowError], str]] = {
    1: (AuthenticationFailed, AuthenticationFailed, "token is invalid or expired"),
    2: (PermissionDenied, PermissionDenied, "user is not authorised"),
    3: (NotFound, NotFound, "workflow does not exist, is disabled or is private"),
    4: (NotFound, NotFound, "case number does not exist"),
    5: (Rejected, Rejected, "case is closed"),
    6: (Rejected, Rejected, "form does not exist or was already run"),
    7: (Rejected, Rejected, r"action \(next form id\) is invalid"),
    8: (Rejected, Rejected, "form cannot be run"),
    9: (Rejected, Rejected, r"action \(next form id\) does not exist"),
    10: (Rejected, Rejected, "field of the form does not exist"),
    11: (PermissionDenied, PermissionDenied, "user is not registered"),
    100: (Rejected, Rejected, "malformed"),
    101: (OutcomeUnknown, ServiceUnavailable, "unexpected error"),
    200: (
        Throttled,
        Throttled,
        "limit of the organisation's plan is exceeded, and the call was not carried out",
    ),
}


@pytest.mark.parametrize("repeatable", [False, True], ids=["once", "repeatable"])
@pytest.mark.parametrize("code", CODES)
def test_what_a_result_code_means(code: int, repeatable: bool) -> None:
    once, again, text = CODES[code]
    error = diagnose(request(repeatable=repeatable), refused(code))
    assert type(error) is (again if repeatable else once)
    assert error.code == code == ResultCode(code)
    with pytest.raises(WorkflowError, match=rf"(?i){text}.*BlizWork says: no"):
        raise error


def test_every_code_has_its_row() -> None:
    assert set(CODES) == set(ResultCode) - {ResultCode.DONE}
    assert set(REFUSALS) == set(CODES) - {ResultCode.UNEXPECTED}
    meanings = [meaning for _, meaning in REFUSALS.values()]
    assert len(set(meanings)) == len(meanings), "each outcome reads differently"


def test_codes_that_time_can_mend() -> None:
    errors = {code: diagnose(request(repeatable=True), refused(code)) for code in CODES}
    assert {code for code, error in errors.items() if isinstance(error, TemporaryError)} == {101, 200}
    assert all(isinstance(errors[code], PermanentError) for code in set(CODES) - {101, 200})


@pytest.mark.parametrize("repeatable", [False, True], ids=["once", "repeatable"])
def test_code_200_is_no_success(repeatable: bool) -> None:
    """The trap of traps: HTTP 200 with result code 200 means that nothing was done."""
    assert isinstance(diagnose(request(repeatable=repeatable), refused(200)), Throttled)


@pytest.mark.parametrize(("rate", "pause"), [(None, None), (0.0, None), (0.5, 2.0), (5.0, 0.2)])
def test_pause_after_too_many_calls_follows_the_plan(rate: float | None, pause: float | None) -> None:
    error = diagnose(request(rate=rate), refused(200))
    assert isinstance(error, Throttled)
    assert error.retry_after == pause


def test_only_throttling_asks_for_a_pause() -> None:
    error = diagnose(request(rate=0.5, repeatable=True), refused(101))
    assert isinstance(error, ServiceUnavailable)
    assert error.retry_after is None


@pytest.mark.parametrize(
    ("repeatable", "kind"), [(False, OutcomeUnknown), (True, ServiceUnavailable)], ids=["once", "repeatable"]
)
@pytest.mark.parametrize("code", [12, -1, 999])
def test_a_code_that_nobody_documents(code: int, repeatable: bool, kind: type[WorkflowError]) -> None:
    error = diagnose(request(repeatable=repeatable), refused(code))
    assert type(error) is kind
    assert error.code == code


@pytest.mark.parametrize(
    "body",
    [
        {"resultCode": 0, "resultMessage": "ok"},
        {"resultCode": "0", "resultMessage": "ok"},
        {"resultCode": 0, "caseNumber": 4},
        {"status": 0, "message": "ok", "payload": {}},
        {"resultCode": 0, "status": 3},
    ],
    ids=str,
)
def test_success(body: dict[str, Any]) -> None:
    assert diagnose(request(), said(**body)) is None


@pytest.mark.parametrize(
    "body",
    [
        {"resultCode": 3, "resultMessage": "no"},
        {"resultCode": "3", "resultMessage": "no"},
        {"status": 3, "message": "no"},
        {"resultCode": 3, "status": 0, "message": "no"},
    ],
    ids=str,
)
def test_both_envelopes(body: dict[str, Any]) -> None:
    error = diagnose(request(), said(**body))
    assert isinstance(error, NotFound)
    assert "BlizWork says: no" in error.message


@pytest.mark.parametrize(
    ("status", "kind"), [(200, OutcomeUnknown), (400, Rejected), (401, AuthenticationFailed), (404, NotFound)]
)
@pytest.mark.parametrize(
    "body",
    [b"[]", b"null", b'"0"', b"{}", b'{"resultCode": true}', b'{"resultCode": null}', b'{"status": "up"}'],
)
def test_an_answer_that_is_not_the_vendors(status: int, body: bytes, kind: type[WorkflowError]) -> None:
    assert type(diagnose(request(), Reply(status=status, body=body))) is kind


def test_a_repeatable_call_may_ask_again_after_a_foreign_answer() -> None:
    assert isinstance(diagnose(request(repeatable=True), Reply(status=200, body=b"{}")), UnreadableAnswer)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
def test_the_code_says_more_than_the_status(status: int) -> None:
    """Which HTTP status goes with an error is not documented."""
    error = diagnose(request(), said(status, resultCode=10, resultMessage="no"))
    assert (type(error), error and error.code) == (Rejected, 10)


def test_success_takes_the_status_as_well() -> None:
    answer = said(404, resultCode=0, resultMessage="ok")
    assert isinstance(diagnose(request(repeatable=True), answer), NotFound)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 407, 413, 422])
@pytest.mark.parametrize("body", [{"resultCode": 0, "caseNumber": 7}, {"status": "0"}], ids=str)
def test_a_refusal_that_says_done_leaves_a_doubt_of_a_call_that_is_made_once(status: int, body: Any) -> None:
    error = diagnose(request(), said(status, **body))
    assert type(error) is OutcomeUnknown
    assert error.status == status


def test_a_5xx_is_no_answer_whatever_its_body_says() -> None:
    assert isinstance(diagnose(request(), said(500, resultCode=3, resultMessage="no")), OutcomeUnknown)


@pytest.mark.parametrize("body", [{"resultCode": 0}, {"status": 0, "message": "ok"}], ids=str)
def test_data_that_is_missing(body: dict[str, Any]) -> None:
    with pytest.raises(UnreadableAnswer, match="not in BlizWork's format"):
        payload(request(repeatable=True), said(**body))


def test_an_error_shows_neither_token_nor_url() -> None:
    error = diagnose(request(), said(resultCode=1, resultMessage="bad token secret at /exec/secret"))
    assert error is not None
    assert "secret" not in f"{error}{error!r}{vars(error)}"
    assert error.path == "/exec/***"
