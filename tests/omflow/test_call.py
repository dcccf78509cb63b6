"""How every call travels: security code, renewal, size, multipart."""

from __future__ import annotations

import json
from contextlib import nullcontext
from io import BytesIO
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.body import Outgoing
from airflow_provider_workflows.core.protocol.message import Part, Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew
from airflow_provider_workflows.exceptions import InvalidInput, PermissionDenied
from airflow_provider_workflows.omflow.api.call import JSON_LIMIT, call, number, segment
from tests.omflow.driving import Driven, ok, refused

PATH = "/rest/flowmanage/api/x"


def calling(body: dict[str, Any] | None = None, **how: Any) -> Operation[Any]:
    return call("do something", PATH, body or {"a": 1}, **{"repeatable": False, **how})


def test_code_and_flag_go_along_with_the_body() -> None:
    driven = Driven(calling(), [ok(7)])
    assert driven.bodies == [{"security": "code-1", "omflow_restapi": 1, "a": 1}]
    assert driven.requests[0].secrets == ("code-1",)
    assert driven.result.checked() == 7
    assert driven.renewals == [Renew(None)]


@pytest.mark.parametrize("status", [403, "403"])
def test_a_refused_code_is_renewed_once(status: Any) -> None:
    driven = Driven(calling(), [refused(status), ok(7)], codes=["code-1", "code-2"])
    assert [body["security"] for body in driven.bodies] == ["code-1", "code-2"]
    assert driven.renewals == [Renew(None), Renew("code-1")]
    assert driven.requests[1].secrets == ("code-2",)


def test_nothing_is_sent_again_if_the_code_is_still_the_same() -> None:
    with pytest.raises(PermissionDenied) as caught:
        Driven(calling(), [refused()])
    assert "The security code is valid" in str(caught.value)


def test_a_third_refusal_is_final_and_names_what_it_can_be() -> None:
    with pytest.raises(PermissionDenied) as caught:
        Driven(calling(), [refused()] * 3, codes=["code-1", "code-2", "code-3", "code-4"])
    for possibility in (
        "codes were refused",
        "lack the permission",
        "data_id may not exist",
        "path may be wrong",
    ):
        assert possibility in str(caught.value)


def test_a_code_that_another_wait_renewed_meanwhile_is_used() -> None:
    # The cell then answers with a code that nobody here has seen, without fetching one.
    operation = calling()
    assert operation.send(None) == Renew(None)
    first = operation.send("code-1")
    assert isinstance(first, Request)
    assert operation.send(refused()) == Renew("code-1")
    second = operation.send("code-9")
    assert isinstance(second, Request)
    assert second.json["security"] == "code-9"
    # It was fetched before the server was restarted, which voids all codes.
    assert operation.send(refused()) == Renew("code-9")
    third = operation.send("code-10")
    assert isinstance(third, Request)
    assert third.json["security"] == "code-10"


@pytest.mark.parametrize("status", [200, 404, 500])
def test_other_answers_are_left_to_the_caller(status: int) -> None:
    driven = Driven(calling(), [ok(status=status)], codes=["code-1", "code-2"])
    assert driven.result.status == status


def test_a_403_of_http_is_not_the_codes_fault() -> None:
    with pytest.raises(PermissionDenied):
        Driven(calling(), [Reply(status=403, body=b"<html>")], codes=["code-1", "code-2"])


def test_no_error_quotes_the_code() -> None:
    quoting = refused(message="code-1 and code-2 are bad")
    with pytest.raises(PermissionDenied) as caught:
        Driven(calling(), [quoting, quoting], codes=["code-1", "code-2"])
    assert "code-2" not in str(caught.value)
    assert "code-2" not in repr(vars(caught.value))


@pytest.mark.parametrize(("fill", "allowed"), [(-1000, True), (0, False)], ids=["just below", "above"])
@pytest.mark.parametrize("files", [False, True], ids=["JSON", "multipart"])
def test_bodies_that_omflow_would_read_as_empty_are_not_sent(fill: int, allowed: bool, files: bool) -> None:
    large = Part(name="files", filename="a", size=2 * JSON_LIMIT, open=lambda: BytesIO(b""))
    operation = calling({"a": "x" * (JSON_LIMIT + fill)}, files=[large] if files else [])
    (request,) = Driven(operation, [ok()]).requests
    with nullcontext() if allowed else pytest.raises(InvalidInput, match=f"reads at most {JSON_LIMIT}"):
        Outgoing(request)


def test_size_is_counted_in_bytes() -> None:
    (request,) = Driven(calling({"a": "嗨" * (JSON_LIMIT // 3)}), [ok()]).requests
    with pytest.raises(InvalidInput):
        Outgoing(request)


def test_multipart_layout() -> None:
    def part(name: str, filename: str) -> Part:
        return Part(name=name, filename=filename, open=lambda: BytesIO(b"abc"), size=3)

    files = [part("files", "a.txt"), part("files", "b.txt"), part("FORMITM_5", "c.txt")]
    body = {"action": "create", "formdata": [{"id": "FORMITM_1", "value": "嗨"}], "start_input": {"a": 1}}
    (request,) = Driven(calling(body, files=files), [ok()]).requests
    assert request.json is None
    texts = {part.name: part.value for part in request.parts if part.value is not None}
    assert json.loads(texts.pop("formdata") or "") == body["formdata"]
    assert json.loads(texts.pop("start_input") or "") == {"a": 1}
    assert json.loads(texts.pop("files_item") or "") == ["FORMITM_5"]
    assert texts == {"security": "code-1", "omflow_restapi": "1", "action": "create"}
    sent = [(part.name, part.filename) for part in request.parts if part.open is not None]
    assert sent == [("files", "a.txt"), ("files", "b.txt"), ("FORMITM_5", "c.txt")]


def test_general_files_need_no_list_of_fields() -> None:
    files = [Part(name="files", filename="a.txt", open=lambda: BytesIO(b""))]
    (request,) = Driven(calling(files=files), [ok()]).requests
    assert "files_item" not in {part.name for part in request.parts}


@pytest.mark.parametrize("name", ["file", "formitm_5", "security", "action"])
def test_files_of_what_is_no_field_are_refused(name: str) -> None:
    files = [Part(name=name, filename="a.txt", open=lambda: BytesIO(b""))]
    with pytest.raises(InvalidInput):
        Driven(calling(files=files), [])


@pytest.mark.parametrize(("value", "sent"), [(7, 7), ("7", "7"), (" 007 ", "007"), (0, 0)], ids=repr)
def test_numbers(value: Any, sent: Any) -> None:
    assert number(value, "data_no") == sent
    assert type(number(value, "data_no")) is type(sent)


@pytest.mark.parametrize(
    "value", [None, "", "None", "1e5", "1.0", 1.0, -1, "-1", True, "\u0661", [1], "1,2"], ids=repr
)
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(InvalidInput, match="data_no must be a number"):
        number(value, "data_no")


@pytest.mark.parametrize(
    ("name", "quoted"),
    [("purchase", "purchase"), (" a b ", "a%20b"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("採", "%E6%8E%A1")],
)
def test_segment(name: str, quoted: str) -> None:
    assert segment(name) == quoted


@pytest.mark.parametrize("name", ["", " ", "None", None, 7, ["a"]], ids=repr)
def test_what_is_no_segment(name: Any) -> None:
    with pytest.raises(InvalidInput, match="api_path"):
        segment(name)
