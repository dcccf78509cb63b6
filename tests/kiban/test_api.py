"""Operations by hand: what exactly is asked, and what is made of the answers."""

from __future__ import annotations

import base64
import datetime as dt
import json
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows import exceptions
from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Operation, Page
from airflow_provider_workflows.kiban.api.codes import BUSY_PAUSE
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.status import Step
from tests.kiban.driving import Driven, ok
from tests.kiban.server import PDF

PRODUCTION = KibanApi(key="the-key")
API = KibanApi(key="the-key", sandbox=True, callback_key="the-callback-key")
STARTED = {"id": "e1", "idUnykoo": 123}
BASE = "/api/v1/workfloo"
Make = Callable[[KibanApi], Operation[Any]]


def status(node_type: str = "FORM", *, node: str = "n1", **more: Any) -> dict[str, Any]:
    return {"id": "e1", "status": "PROGRESS", "currentNodeType": node_type, "currentNodeId": node, **more}


class TestStart:
    @pytest.mark.parametrize(
        ("arguments", "body"),
        [
            ({}, {}),
            ({"scenario_id": "s1"}, {"scenarioId": "s1"}),
            ({"form": {"a": "0123"}}, {"form": {"a": "0123"}}),
            ({"form": '{"a": 1}'}, {"form": {"a": 1}}),
            ({"document": {"d": PDF}}, {"document": {"d": PDF}}),
            (
                {"callback_url": "https://x.example/cb"},
                {"callbackUrl": "https://x.example/cb", "callbackXApiKey": "the-callback-key"},
            ),
        ],
        ids=["definition", "scenario", "form", "form as text", "document", "callback"],
    )
    def test_body(self, arguments: dict[str, Any], body: dict[str, Any]) -> None:
        driven = Driven(API.start("w1", **arguments), [ok(STARTED)])
        (request,) = driven.requests
        assert driven.result == "e1"
        assert (request.method, request.path) == ("POST", f"{BASE}?sandbox=true")
        assert request.json == {"idWorkflooDefinition": "w1", **body}
        assert not request.repeatable

    def test_without_the_legacy_id(self) -> None:
        assert Driven(API.start("w1"), [ok({"id": "e1"})]).result == "e1"

    def test_without_a_callback_key(self) -> None:
        driven = Driven(PRODUCTION.start("w1", callback_url="https://x.example/cb"), [ok(STARTED)])
        assert "callbackXApiKey" not in driven.requests[0].json
        assert driven.requests[0].path == BASE

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"workfloo_id": ""}, "workfloo_id"),
            ({"workfloo_id": "None"}, "workfloo_id"),
            ({"scenario_id": ""}, "scenario_id"),
            ({"form": [1]}, "form"),
            ({"document": {"card": "no base64!"}}, "document card"),
            ({"callback_url": "x.example"}, "callback_url"),
        ],
        ids=lambda value: str(value),
    )
    def test_wrong_arguments_are_named_and_nothing_is_sent(self, arguments: Any, named: str) -> None:
        with pytest.raises(exceptions.InvalidInput, match=named):
            Driven(API.start(**{"workfloo_id": "w1", **arguments}))

    def test_a_scenario_is_no_matter_of_production(self) -> None:
        with pytest.raises(exceptions.InvalidInput, match="scenario_id is for the sandbox"):
            Driven(PRODUCTION.start("w1", scenario_id="s1"))

    @pytest.mark.parametrize("body", [{}, {"id": None}, {"id": ""}, {"id": 7}, [], "e1"], ids=repr)
    def test_a_yes_without_an_id_is_a_doubt(self, body: Any) -> None:
        with pytest.raises(exceptions.OutcomeUnknown, match="reported success, but returned no valid id"):
            Driven(API.start("w1"), [ok(body)])

    def test_pool(self) -> None:
        answer = ok({"idWorkfloo": "e1", "idWorkflooDefinition": "w1"})
        driven = Driven(API.start_pool("p1", scenarios={"w1": "s1"}), [answer])
        assert driven.result == "e1"
        assert driven.requests[0].path == "/api/v1/pool?sandbox=true"
        assert driven.requests[0].json == {"idPoolDefinition": "p1", "sceneries": {"w1": "s1"}}
        assert not driven.requests[0].repeatable


READS: dict[str, tuple[Make, str, Any]] = {
    "status": (lambda api: api.status("e1"), f"{BASE}/status/e1", status()),
    "detail": (lambda api: api.detail("e1"), f"{BASE}/e1", {"nodes": None}),
    "list_executions": (lambda api: api.list_executions(), "/api/v2/workfloo?page=1&itemsPerPage=100", []),
    "file": (
        lambda api: api.file("e1", node_id="n1", name="a b.pdf"),
        "/api/v2/workfloo/e1/file?nodeId=n1&name=a%20b.pdf",
        {"fileBase64": PDF},
    ),
}
WRITES: dict[str, tuple[Make, str, str, Any, Any]] = {
    "form": (lambda api: api.send_form("e1", {"a": "x"}), "POST", "form", {"a": "x"}, None),
    "no form": (lambda api: api.send_form("e1", {}), "POST", "form", {}, None),
    "document": (lambda api: api.send_document("e1", {"d": PDF}), "POST", "document", {"d": PDF}, None),
    "set": (
        lambda api: api.send_document("e1", {"d": [{"file": PDF}]}),
        "POST",
        "document",
        {"d": [{"file": PDF}]},
        None,
    ),
    "correction": (lambda api: api.send_correction("e1", {"a": 1}), "POST", "correction", {"a": 1}, None),
    "review": (
        lambda api: api.send_review("e1", "NO", note="n", reviews=[{"fieldId": "a", "message": "m"}]),
        "POST",
        "review",
        {"decision": "NO", "reviewerNote": "n", "reviews": [{"fieldId": "a", "message": "m"}]},
        None,
    ),
    "nip/send": (lambda api: api.send_nip("e1"), "PATCH", "nip/send", None, None),
    "nip/send to": (
        lambda api: api.send_nip("e1", country_code="52", phone_number="55"),
        "PATCH",
        "nip/send",
        {"countryCode": "52", "phoneNumber": "55"},
        None,
    ),
    "nip/validate": (
        lambda api: api.validate_nip("e1", "123456"),
        "PATCH",
        "nip/validate",
        {"nip": "123456"},
        {"phase": "X"},
    ),
    "nip/resend": (lambda api: api.resend_nip("e1"), "PATCH", "nip/resend", None, {"phase": "X"}),
    "otp/validate": (
        lambda api: api.validate_otp("e1", "123456"),
        "PATCH",
        "otp/validate",
        {"token": "123456"},
        None,
    ),
    "otp/fallback": (lambda api: api.fallback_otp("e1"), "PATCH", "otp/fallback", None, None),
}


@pytest.mark.parametrize("name", READS)
def test_reads_may_be_repeated(name: str) -> None:
    make, path, body = READS[name]
    (request,) = Driven(make(PRODUCTION), [ok(body)]).requests
    assert (request.method, request.path, request.repeatable) == ("GET", path, True)
    (flagged,) = Driven(make(API), [ok(body)]).requests
    assert flagged.path == f"{path}{'&' if '?' in path else '?'}sandbox=true"


@pytest.mark.parametrize("name", WRITES)
def test_writes_are_sent_once(name: str) -> None:
    make, method, call, body, answer = WRITES[name]
    driven = Driven(make(PRODUCTION), [ok(answer)])
    (request,) = driven.requests
    assert (request.method, request.path, request.json) == (method, f"{BASE}/e1/{call}", body)
    assert not request.repeatable
    assert driven.result == (answer or {}).get("phase")


@pytest.mark.parametrize("name", [*READS, *WRITES])
def test_answers_are_confidential_and_secrets_are_known(name: str) -> None:
    make, answer = (READS[name][0], READS[name][2]) if name in READS else (WRITES[name][0], WRITES[name][4])
    (request,) = Driven(make(API), [ok(answer)]).requests
    assert request.confidential
    assert {"the-key", "the-callback-key"} <= set(request.secrets)
    if "validate" in name:
        assert "123456" in request.secrets


@pytest.mark.parametrize("name", ["status", "detail", "file"])
@pytest.mark.parametrize("body", [b"null", b"[1]", b'"x"', b"7"], ids=repr)
def test_an_answer_of_another_shape(name: str, body: bytes) -> None:
    with pytest.raises(exceptions.UnreadableAnswer):
        Driven(READS[name][0](API), [Reply(status=200, body=body)])


def test_file_is_decoded() -> None:
    content = base64.b64encode(b"%PDF\x00").decode()
    driven = Driven(API.file("e1", node_id="n1", name="x"), [ok({"fileBase64": content})])
    assert driven.result == b"%PDF\x00"
    with pytest.raises(exceptions.UnreadableAnswer, match="no file"):
        Driven(API.file("e1", node_id="n1", name="x"), [ok({"fileBase64": "no base64!"})])


def made_in(*answers: Reply, **arguments: Any) -> Driven:
    content = ok({"fileBase64": base64.b64encode(b"%PDF").decode()})
    return Driven(API.file("e1", node_id="n1", name="x", **arguments), [*answers, content])


class TestFileThatIsBeingMade:
    @pytest.mark.parametrize(
        ("answer", "pause"),
        [
            (ok({"status": "PROCESSING", "retryAfter": 7}, status=202), 7),
            (ok({"status": "PROCESSING", "retryAfter": 7}, status=202, **{"retry-after": "9"}), 9),
            (ok({"status": "PROCESSING"}, status=202), 5),
            (ok({"retryAfter": "soon"}, status=202), 5),
            (ok({"retryAfter": True}, status=202), 5),
            (ok({"retryAfter": 0}, status=202), 5),
            (ok({"retryAfter": -3}, status=202), 1),
            (ok([1], status=202), 5),
        ],
        ids=["body", "header", "neither", "text", "bool", "0", "-3", "list"],
    )
    def test_it_asks_again_when_it_is_told_to(self, answer: Reply, pause: float) -> None:
        driven = made_in(answer)
        assert (driven.slept, driven.result) == ([pause], b"%PDF")
        assert len({request.path for request in driven.requests}) == 1

    def test_however_long_the_pause_it_ends_with_a_last_request(self) -> None:
        never = ok({"retryAfter": 10**400}, status=202)
        driven = made_in(never, ok({"retryAfter": 4}, status=202), patience=302)
        assert driven.slept == [300, 2]

    def test_beyond_patience_it_is_a_temporary_error(self) -> None:
        making = ok({"retryAfter": 20}, status=202)
        with pytest.raises(exceptions.ServiceUnavailable, match="still making the file after 50 s") as told:
            Driven(API.file("e1", node_id="n1", name="x", patience=50), [making] * 4)
        assert told.value.retry_after == 20
        with pytest.raises(exceptions.ServiceUnavailable):
            Driven(API.file("e1", node_id="n1", name="x", patience=0), [making])


class TestValidateField:
    def test_request_and_answer(self) -> None:
        answer = {"status": "VALID", "filled": {"city": "x"}, "errors": None}
        driven = Driven(API.validate_field("e1", "post/code", '{"post/code": "01000"}'), [ok(answer)])
        (request,) = driven.requests
        assert (request.method, request.repeatable) == ("POST", True)
        assert request.path == f"{BASE}/e1/field/post%2Fcode/validate?sandbox=true"
        assert request.json == {"values": {"post/code": "01000"}}
        assert driven.result == answer

    def test_an_execution_elsewhere_is_a_conflict_and_no_read_that_passes(self) -> None:
        with pytest.raises(exceptions.Conflict):
            Driven(API.validate_field("e1", "a", {}), [ok(status=409)])

    @pytest.mark.parametrize("body", [None, [], {}, {"status": None}, {"status": 1}], ids=repr)
    def test_an_answer_of_another_shape(self, body: Any) -> None:
        with pytest.raises(exceptions.UnreadableAnswer):
            Driven(API.validate_field("e1", "a", {}), [Reply(status=200, body=json.dumps(body).encode())])

    def test_wrong_arguments(self) -> None:
        for field, values in (("", {}), ("a", [1])):
            with pytest.raises(exceptions.InvalidInput):
                Driven(API.validate_field("e1", field, values))


class TestListing:
    @pytest.mark.parametrize("status", ["ABANDONED", "SUSPENDED"])
    def test_a_status_that_kiban_cannot_filter_is_filtered_here(self, status: str) -> None:
        link = '<https://workfloo.kiban.com/api/v2/workfloo?page=2>; rel="next"'
        items = [{"id": "e1", "status": "SUCCESS"}, {"id": "e2", "status": status}, {"id": "e3"}]
        driven = Driven(API.list_executions(status=status), [ok(items, link=link)])
        assert "status=" not in driven.requests[0].path
        assert driven.result == Page((items[1],), 2)
        # A page with none of them is not the last.
        assert Driven(API.list_executions(status=status), [ok(items[:1], link=link)]).result == Page((), 2)

    @pytest.mark.parametrize("status", ["SUCCESS", "ERROR", "PROGRESS"])
    def test_a_status_that_kiban_filters_is_left_to_it(self, status: str) -> None:
        driven = Driven(API.list_executions(status=status), [ok([{"id": "e1", "status": status}])])
        assert f"&status={status}&" in driven.requests[0].path
        assert len(driven.result.items) == 1

    def test_parameters(self) -> None:
        since = dt.datetime(2026, 1, 2, tzinfo=dt.UTC)
        filters = {"origin": "API", "nodes.form.searchableBy.rfc_pf": "TOAA900101AB1"}
        operation = PRODUCTION.list_executions(
            status="SUCCESS",
            since=since,
            until="2026-01-03T00:00:00-06:00",
            start=2,
            size=50,
            content=True,
            filters=filters,
        )
        (request,) = Driven(operation, [ok([])]).requests
        assert request.path == (
            "/api/v2/workfloo?page=2&itemsPerPage=50&status=SUCCESS&from=2026-01-02T00%3A00%3A00%2B00%3A00"
            "&to=2026-01-03T00%3A00%3A00-06%3A00&content=true&origin=API"
            "&nodes.form.searchableBy.rfc_pf=TOAA900101AB1"
        )
        # Neither errors nor the libraries' logs tell whom one searched for.
        assert request.shown == "/api/v2/workfloo"
        assert "TOAA900101AB1" in request.secrets

    def test_page(self) -> None:
        link = '<https://workfloo.kiban.com/api/v2/workfloo?page=3>; rel="next"'
        driven = Driven(API.list_executions(start=2), [ok([{"id": "e1"}], link=link)])
        assert driven.result == Page(({"id": "e1"},), 3)

    def test_last_page(self) -> None:
        assert Driven(API.list_executions(), [ok([])]).result == Page((), None)

    def test_null_is_an_empty_page(self) -> None:
        assert Driven(API.list_executions(), [Reply(status=200, body=b"null")]).result == Page((), None)

    @pytest.mark.parametrize("body", [{"items": []}, ["e1"]], ids=["the first history's", "no objects"])
    def test_no_list_of_executions(self, body: Any) -> None:
        with pytest.raises(exceptions.UnreadableAnswer):
            Driven(API.list_executions(), [ok(body)])

    @pytest.mark.parametrize(
        ("arguments", "named"),
        [
            ({"start": 0}, "start"),
            ({"size": 0}, "size"),
            ({"size": 10001}, "10000"),
            ({"since": "yesterday"}, "since"),
            ({"filters": {"page": "2"}}, "page"),
            ({"filters": {"sandbox": "false"}}, "sandbox"),
        ],
        ids=str,
    )
    def test_wrong_arguments(self, arguments: dict[str, Any], named: str) -> None:
        with pytest.raises(exceptions.InvalidInput, match=named):
            Driven(API.list_executions(**arguments))


class TestCodes:
    @pytest.mark.parametrize("wrong", [{"country_code": "52"}, {"phone_number": "55"}], ids=str)
    def test_country_and_phone_go_together(self, wrong: dict[str, str]) -> None:
        for operation in (API.send_nip("e1", **wrong), API.resend_nip("e1", **wrong)):
            with pytest.raises(exceptions.InvalidInput, match="together"):
                Driven(operation)

    def test_callback_of_a_nip_goes_into_headers(self) -> None:
        driven = Driven(API.send_nip("e1", callback_url="https://x.example/cb"), [ok()])
        assert driven.requests[0].headers == {
            "urlCallback": "https://x.example/cb",
            "xApiKeyCallback": "the-callback-key",
        }
        driven = Driven(PRODUCTION.send_nip("e1", callback_url="https://x.example/cb"), [ok()])
        assert driven.requests[0].headers == {"urlCallback": "https://x.example/cb"}

    @pytest.mark.parametrize("make", [API.validate_nip, API.validate_otp], ids=["nip", "otp"])
    def test_a_code_is_text(self, make: Any) -> None:
        with pytest.raises(exceptions.InvalidInput, match="must be a non-empty id"):
            Driven(make("e1", 123456))

    def test_wrong_code(self) -> None:
        refused = ok({"error": "the code 123456 is wrong", "remainingRetries": 2}, status=400)
        with pytest.raises(exceptions.Rejected, match=r"the code \*\*\* is wrong; tries left: 2"):
            Driven(API.validate_otp("e1", "123456"), [refused])

    BUSY = ok(status("FORM_PROCESSING"))
    WAITING = ok(status("LINK", verification={"remainingRetries": 2}))
    NO_CODE = ok(status("FORM"))
    DENIED = ok(None, status=403)

    @pytest.mark.parametrize("between", [BUSY, WAITING], ids=["at work", "the code is still pending"])
    def test_a_busy_execution_is_tried_again(self, between: Reply) -> None:
        driven = Driven(API.validate_otp("e1", "123456"), [self.DENIED, between, ok()])
        assert driven.slept == [BUSY_PAUSE]
        assert [request.operation for request in driven.requests] == [
            "validate OTP",
            "get status",
            "validate OTP",
        ]

    @pytest.mark.parametrize("end", [NO_CODE, ok(status("LINK", word=1)), ok({"status": "ERROR"})])
    def test_no_code_pending_is_final(self, end: Reply) -> None:
        with pytest.raises(exceptions.PermissionDenied):
            Driven(API.fallback_otp("e1"), [self.DENIED, end])

    def test_busy_for_good_is_temporary(self) -> None:
        with pytest.raises(exceptions.ServiceUnavailable, match="busy"):
            Driven(API.validate_otp("e1", "123456"), [self.DENIED, self.BUSY] * 3)

    def test_denied_for_good_while_the_code_is_pending(self) -> None:
        with pytest.raises(exceptions.PermissionDenied):
            Driven(API.validate_otp("e1", "123456"), [self.DENIED, self.WAITING] * 3)


class TestAwaitMove:
    STEP = Step("n1", "FORM")

    def test_at_once(self) -> None:
        driven = Driven(API.await_move("e1", self.STEP, patience=30), [ok(status("FORM_PROCESSING"))])
        assert driven.slept == []
        assert driven.result.node_type == "FORM_PROCESSING"

    def test_another_node_of_the_same_type_is_a_move(self) -> None:
        driven = Driven(API.await_move("e1", self.STEP, patience=30), [ok(status(node="n2"))])
        assert driven.result.node_id == "n2"

    def test_after_a_moment(self) -> None:
        answers = [ok(status()), ok(status()), ok(status(node="n2"))]
        assert Driven(API.await_move("e1", self.STEP, patience=30), answers).slept == [0.5, 1]

    def test_patience_ends_with_a_last_look(self) -> None:
        driven = Driven(API.await_move("e1", self.STEP, patience=8), [ok(status())] * 6)
        assert driven.slept == [0.5, 1, 2, 3, 1.5]
        assert driven.result.step == self.STEP
