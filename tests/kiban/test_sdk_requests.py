"""What this package sends to Kiban is what Kiban's own SDK sends, and fits the SDK's strict models."""

from __future__ import annotations

import datetime as dt
import inspect
import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest

from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.status import Step
from airflow_provider_workflows.kiban.api.steps import read_answer
from airflow_provider_workflows.kiban.effects.answer_step import Before
from airflow_provider_workflows.kiban.hooks import KibanHook
from tests.kiban.driving import Driven, ok
from tests.kiban.sdk import Strict, connected, lost, model
from tests.kiban.server import PDF, KibanServer
from tests.kiban.test_hooks import operations

#: What an answer may need to hold, for any call.
ANSWER = json.dumps({"id": "e1", "idWorkfloo": "e1", "status": "VALID", "phase": "X", "fileBase64": PDF})
SINCE = dt.datetime(2026, 1, 2, 3, 4, 5, tzinfo=dt.UTC)


@dataclass
class Recorder:
    """A server that keeps what it is asked, and answers everything with success."""

    url: str = ""
    heard: list[dict[str, Any]] = field(default_factory=list)

    def last(self) -> dict[str, Any]:
        return self.heard.pop()


@pytest.fixture
def recorder() -> Iterator[Recorder]:
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            url = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = self.rfile.read(length)
            is_list = url.path == "/api/v2/workfloo"
            recorder.heard.append(
                {
                    "call": (self.command, unquote(url.path)),
                    "query": dict(parse_qsl(url.query)),
                    "key": self.headers.get("x-api-key"),
                    "body": json.loads(body) if body else None,
                    "type": self.headers.get("Content-Type") if body else None,
                }
            )
            answer = b"[]" if is_list else ANSWER.encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_GET = do_POST = do_PATCH = answer  # noqa: N815

        def log_message(self, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        recorder.url = f"http://127.0.0.1:{server.server_port}"
        yield recorder
        server.shutdown()
        thread.join()


REVIEWS = [{"fieldId": "a", "message": "m", "sourceNodeId": "n"}]
PHONE = {"countryCode": "52", "phoneNumber": "55"}
START = {"idWorkflooDefinition": "w1", "scenarioId": "s1", "form": {"a": "x"}, "document": {"d": PDF}}
CALLBACK = {"callbackUrl": "https://x.example/cb", "callbackXApiKey": "the-callback-key"}
FILTERS = {
    "origin": "API",
    "name": "Loan",
    "_id": "e1",
    "labels": "a;b",
    "nodes.form.searchableBy.rfc_pf": "TOAA",
    "nodes.form.searchableBy.rfc_pm": "TOA",
    "nodes.form.searchableBy.first_name": "Ana",
    "nodes.form.searchableBy.second_name": "Eva",
    "nodes.form.searchableBy.last_name_1": "Torres",
    "nodes.form.searchableBy.last_name_2": "Ruiz",
    "nodes.form.searchableBy.company_name": "Paper",
}
OurCall = Callable[[KibanHook], Any]
TheirCall = Callable[[Strict], Any]
#: By our method: our call, and the SDK's.
PAIRS: dict[str, tuple[OurCall, TheirCall]] = {
    "start": (
        lambda hook: hook.start(
            "w1",
            scenario_id="s1",
            form={"a": "x"},
            document={"d": PDF},
            callback_url="https://x.example/cb",
        ),
        lambda sdk: sdk.execute_workfloo(model("Execute", **START, **CALLBACK)),
    ),
    "start, the least": (
        lambda hook: hook.start("w1"),
        lambda sdk: sdk.execute_workfloo(model("Execute", idWorkflooDefinition="w1")),
    ),
    "start_pool": (
        lambda hook: hook.start_pool("p1", scenarios={"w1": "s1"}),
        lambda sdk: sdk.execute_pool(model("Pool.Execute", idPoolDefinition="p1", sceneries={"w1": "s1"})),
    ),
    "status": (lambda hook: hook.status("e1"), lambda sdk: sdk.get_workfloo_status("e1")),
    "detail": (lambda hook: hook.detail("e1"), lambda sdk: sdk.get_workfloo("e1")),
    "list_executions": (
        lambda hook: hook.list_executions(
            status="ERROR", since=SINCE, until=SINCE, start=2, size=7, content=True, filters=FILTERS
        ),
        lambda sdk: sdk.list_workfloos_v2(
            status="ERROR",
            var_from=SINCE.isoformat(),
            to=SINCE.isoformat(),
            page=2,
            items_per_page=7,
            content=True,
            id="e1",
            **{
                name.replace(".", "_").replace("searchableBy", "searchable_by"): value
                for name, value in FILTERS.items()
                if name != "_id"
            },
        ),
    ),
    "file": (
        lambda hook: hook.file("e1", node_id="n1", name="a b/ü.pdf"),
        lambda sdk: sdk.get_workfloo_file_v2("e1", "n1", "a b/ü.pdf"),
    ),
    "validate_field": (
        lambda hook: hook.validate_field("e1", "post_code", {"post_code": "01000", "n": 1}),
        lambda sdk: sdk.validate_workfloo_field(
            "e1", "post_code", model("ValidateFieldRequest", values={"post_code": "01000", "n": 1})
        ),
    ),
    "send_form": (
        lambda hook: hook.send_form("e1", {"a": "x", "n": 1, "none": None}),
        lambda sdk: sdk.execute_workfloo_form("e1", {"a": "x", "n": 1, "none": None}),
    ),
    "send_document": (
        lambda hook: hook.send_document("e1", {"d": PDF, "set": [{"file": PDF}]}),
        lambda sdk: sdk.execute_workfloo_document("e1", {"d": PDF, "set": [{"file": PDF}]}),
    ),
    "send_correction": (
        lambda hook: hook.send_correction("e1", {"a": "x"}),
        lambda sdk: sdk.submit_workfloo_correction("e1", {"a": "x"}),
    ),
    "send_review": (
        lambda hook: hook.send_review("e1", "NO", note="n", reviews=REVIEWS),
        lambda sdk: sdk.review_workfloo_validation(
            "e1", model("ReviewRequest", decision="NO", reviewerNote="n", reviews=REVIEWS)
        ),
    ),
    "answer": (
        lambda hook: hook.answer("e1", read_answer(form={"a": "x"})),
        lambda sdk: sdk.execute_workfloo_form("e1", {"a": "x"}),
    ),
    "send_nip": (lambda hook: hook.send_nip("e1"), lambda sdk: sdk.send_workfloo_nip("e1")),
    "send_nip, to": (
        lambda hook: hook.send_nip("e1", country_code="52", phone_number="55"),
        lambda sdk: sdk.send_workfloo_nip(
            "e1", controller_workfloo_model_nip_send_request=model("NipSendRequest", **PHONE)
        ),
    ),
    "resend_nip": (lambda hook: hook.resend_nip("e1"), lambda sdk: sdk.resend_workfloo_nip("e1")),
    "resend_nip, to": (
        lambda hook: hook.resend_nip("e1", country_code="52", phone_number="55"),
        lambda sdk: sdk.resend_workfloo_nip(
            "e1", controller_workfloo_model_nip_resend_request=model("NipResendRequest", **PHONE)
        ),
    ),
    "validate_nip": (
        lambda hook: hook.validate_nip("e1", "012345"),
        lambda sdk: sdk.validate_workfloo_nip("e1", model("NipValidateRequest", nip="012345")),
    ),
    "validate_otp": (
        lambda hook: hook.validate_otp("e1", "012345"),
        lambda sdk: sdk.validate_workfloo_otp("e1", model("OtpValidateRequest", token="012345")),
    ),
    "fallback_otp": (lambda hook: hook.fallback_otp("e1"), lambda sdk: sdk.fallback_workfloo_otp("e1")),
}
#: Sends what another method does.
SAME_AS = {"await_move": "status"}
#: Calls of the SDK with a newer version, which this package uses.
OLD = {"list_workfloos", "get_workfloo_file"}


@pytest.mark.parametrize("name", PAIRS)
def test_the_same_request(kiban: KibanServer, recorder: Recorder, name: str) -> None:
    ours, theirs = PAIRS[name]
    kiban.connect(host=recorder.url, extra={"callback_x_api_key": "the-callback-key"})
    ours(KibanHook())
    sent = recorder.last()
    with connected(recorder.url, checked=False) as sdk:
        theirs(sdk)
    assert sent == recorder.last()
    assert recorder.heard == []


def test_every_method_has_its_pair() -> None:
    assert {name.partition(",")[0] for name in PAIRS} | set(SAME_AS) == set(operations())


def test_every_call_of_the_sdk_is_used() -> None:
    class Noting:
        def __init__(self) -> None:
            self.used: set[str] = set()

        def __getattr__(self, name: str) -> Any:
            return lambda *args, **kwargs: self.used.add(name)

    noting = Noting()
    for _, theirs in PAIRS.values():
        theirs(noting)  # type: ignore[arg-type]
    assert noting.used | OLD == calls_of_the_sdk()


def calls_of_the_sdk() -> set[str]:
    from kiban.workfloo import PoolApi, WorkflooApi

    return {
        name
        for api in (PoolApi, WorkflooApi)
        for name, _ in inspect.getmembers(api, inspect.isfunction)
        if not name.startswith("_") and not name.endswith(("_with_http_info", "_without_preload_content"))
    }


# What operators and the notifier send: bodies with a mark, and each kind of answer.

API = KibanApi(key="k", sandbox=True, callback_key="the-callback-key")
RECORD = Record(
    mark="af-loans-apply-0123456789ab",
    generation=0,
    intended_at=1.0,
    baseline=Before(Step("n1", "FORM")).to_json(),
)


def start_operator(**arguments: Any) -> Any:
    from airflow_provider_workflows.kiban.operators import KibanStartWorkflooOperator

    return KibanStartWorkflooOperator(task_id="start", workfloo_id="w1", **arguments)


def answer_operator(**arguments: Any) -> Any:
    from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator

    return KibanAnswerStepOperator(task_id="answer", execution_id="e1", **arguments)


def body_of(operator: Any) -> dict[str, Any]:
    """Return the body that an operator sends, without an effect before or after it."""
    submitting = operator.effect({}).submit(API, RECORD, again=False)
    (request,) = Driven(submitting, [ok({"id": "e1"})]).requests
    body: dict[str, Any] = json.loads(json.dumps(request.json))
    return body


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"scenario_id": "s1"},
        {"form": {"a": "0123", "n": 1.5, "none": None}},
        {"form": '{"a": 1}', "run_key_field": "key"},
        {"run_key_field": "key"},
        {"document": {"d": PDF, "set": [{"file": PDF}]}},
        {"callback_url": "https://x.example/cb"},
    ],
    ids=str,
)
def test_the_start_operators_body_fits(arguments: dict[str, Any]) -> None:
    body = body_of(start_operator(**arguments))
    assert list(lost(body, model("Execute", **body).to_dict())) == []
    assert ("key" in body.get("form", {})) is ("run_key_field" in arguments)


def test_the_start_operators_files_fit(tmp_path: Path) -> None:
    (tmp_path / "id.pdf").write_bytes(b"%PDF")
    body = body_of(start_operator(document_files={"d": str(tmp_path / "id.pdf")}))
    assert list(lost(body, model("Execute", **body).to_dict())) == []


@pytest.mark.parametrize(
    "review",
    [
        {"decision": "APPROVED"},
        {"decision": "REJECTED", "reviewerNote": "n", "reviews": REVIEWS},
        {"decision": "REJECTED", "reviews": [{"fieldId": "a"}]},
        {"decision": "APPROVED", "reviews": []},
    ],
    ids=str,
)
def test_the_answer_operators_review_fits(review: dict[str, Any]) -> None:
    body = body_of(answer_operator(review=review))
    assert list(lost(body, model("ReviewRequest", **body).to_dict())) == []


@pytest.mark.parametrize(
    "arguments", [{"form": {"a": 1}}, {"document": {"d": PDF}}, {"correction": {"a": None}}], ids=str
)
def test_the_answer_operators_other_bodies_are_objects(arguments: dict[str, Any]) -> None:
    """The SDK takes any object for them."""
    (values,) = arguments.values()
    assert body_of(answer_operator(**arguments)) == values
