"""Robusta's operations driven by hand: what is sent, and what each answer means."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.robusta.api.answer import Started, Status
from airflow_provider_workflows.robusta.api.operations import NO_PROCESS, RobustaApi

SPID = "8f14e45f-ceea-467f-a9f3-0d1c2b3a4f5e"
PASSWORD = "geheim:pass"
BASIC = base64.b64encode(f"airflow:{PASSWORD}".encode()).decode()
STATUS_PATH = "/scheduler/connector-api/process/status/"


def api() -> RobustaApi:
    return RobustaApi(login="airflow", password=PASSWORD)


def reply(body: Any, status: int = 200) -> Reply:
    return Reply(status=status, body=body if isinstance(body, bytes) else json.dumps(body).encode())


def finish(operation: Operation[Any], *answers: Any) -> Any:
    """Feed an operation its answers; what it returns or raises."""
    step = next(operation)
    for answer in answers:
        try:
            step = operation.throw(answer) if isinstance(answer, Exception) else operation.send(answer)
        except StopIteration as end:
            return end.value
    raise AssertionError(f"it wants more: {step}")


def start(**arguments: Any) -> Operation[Started]:
    return api().start_process("InvoiceBot", worker="3", values={"orderNo": 7}, **arguments)


def request_of(operation: Operation[Any]) -> Request:
    step = next(operation)
    assert isinstance(step, Request)
    return step


class TestStart:
    def test_request(self) -> None:
        sent = request_of(start())
        assert (sent.method, sent.path) == ("POST", "/scheduler/connector-api/process/start")
        assert sent.json["values"] == {"orderNo": "7"}
        assert not sent.repeatable

    def test_credentials_go_as_basic_and_are_known_as_secrets(self) -> None:
        sent = request_of(start())
        assert sent.headers["Authorization"] == f"Basic {BASIC}"
        assert set(sent.secrets) == {PASSWORD, BASIC}
        assert PASSWORD not in repr(sent)
        assert BASIC not in repr(sent)

    def test_answer(self) -> None:
        done = finish(start(), reply({"robustaSpid": SPID, "message": "Process saved"}))
        assert done == Started(SPID, "Process saved")

    @pytest.mark.parametrize("message", [{}, {"message": None}, {"message": 7}], ids=str)
    def test_message_is_informational_and_may_be_missing(self, message: dict[str, Any]) -> None:
        assert finish(start(), reply({"robustaSpid": SPID, **message})) == Started(SPID, None)

    @pytest.mark.parametrize(
        "body", [{}, {"message": "Hata"}, {"robustaSpid": ""}, {"robustaSpid": 7}, [], "x", None], ids=repr
    )
    def test_an_answer_without_spid_is_a_doubt(self, body: Any) -> None:
        with pytest.raises(OutcomeUnknown) as caught:
            finish(start(), reply(body))
        assert caught.value.status == 200

    @pytest.mark.parametrize(
        ("status", "kind"),
        [
            (400, Rejected),
            (401, AuthenticationFailed),
            (403, PermissionDenied),
            (404, NotFound),
            (405, Rejected),
            (409, Rejected),
            (415, Rejected),
        ],
    )
    def test_refusals(self, status: int, kind: type[WorkflowError]) -> None:
        with pytest.raises(kind) as caught:
            finish(start(), reply({"message": f"no, {PASSWORD} and {BASIC}"}, status))
        assert type(caught.value) is kind
        assert PASSWORD not in str(caught.value)
        assert BASIC not in str(caught.value)
        assert "no, *** and ***" in str(caught.value)

    def test_wrong_input_sends_nothing(self) -> None:
        with pytest.raises(InvalidInput, match="run_once"):
            next(start(run_once="perhaps"))


class TestStatus:
    def test_request(self) -> None:
        sent = request_of(api().process_status(SPID))
        assert (sent.method, sent.path) == ("GET", STATUS_PATH + SPID)
        assert sent.repeatable
        assert sent.json is None
        assert sent.headers["Authorization"] == f"Basic {BASIC}"

    @pytest.mark.parametrize("word", ["WAITING", "RUNNING", "SUCCEEDED", "FAILED"])
    def test_word(self, word: str) -> None:
        assert finish(api().process_status(SPID), reply({"status": word})) == Status(word)

    @pytest.mark.parametrize("word", ["succeeded", " Succeeded\n", "SUCCEEDED "], ids=repr)
    def test_word_in_any_case_and_with_blanks(self, word: str) -> None:
        assert finish(api().process_status(SPID), reply({"status": word})).word == "SUCCEEDED"

    def test_outputs_are_the_keys_with_the_prefix_and_of_any_type(self) -> None:
        body = {
            "status": "SUCCEEDED",
            "message": "bitti",
            "__out_total": "12",
            "__out_pages": 3,
            "__out_status": None,
            "__out___out_x": ["a"],
            "other": 1,
        }
        found = finish(api().process_status(SPID), reply(body))
        assert found.message == "bitti"
        assert found.outputs == {"total": "12", "pages": 3, "status": None, "__out_x": ["a"]}

    @pytest.mark.parametrize("body", [{}, {"status": ""}, {"status": 1}, {"status": None}, [], "x"], ids=repr)
    def test_no_status_is_no_answer(self, body: Any) -> None:
        with pytest.raises(UnreadableAnswer):
            finish(api().process_status(SPID), reply(body))

    @pytest.mark.parametrize(
        ("status", "kind"), [(400, Rejected), (401, AuthenticationFailed), (403, PermissionDenied)]
    )
    def test_refusals(self, status: int, kind: type[WorkflowError]) -> None:
        with pytest.raises(kind):
            finish(api().process_status(SPID, grace=5), reply({}, status))

    def test_unknown_spid_is_looked_for_again_within_the_grace(self) -> None:
        operation = api().process_status(SPID, grace=2)
        request = next(operation)
        for _ in range(2):
            assert operation.send(reply({}, 404)) == Sleep(1.0)
            assert operation.send(None) == request
        with pytest.raises(NotFound, match="does not know this SPID"):
            operation.send(reply({}, 404))

    def test_unknown_spid_that_appears(self) -> None:
        found = finish(
            api().process_status(SPID, grace=2), reply({}, 404), None, reply({"status": "WAITING"})
        )
        assert found == Status("WAITING")

    @pytest.mark.parametrize("grace", [0, -1, 0.5])
    def test_unknown_spid_without_grace(self, grace: float) -> None:
        with pytest.raises(NotFound):
            finish(api().process_status(SPID, grace=grace), reply({}, 404))

    @pytest.mark.parametrize(("spid", "quoted"), [("-a_1.b~", "-a_1.b~"), ("a:b+ü", "a%3Ab%2B%C3%BC")])
    def test_a_spid_of_any_characters_that_a_server_gives(self, spid: str, quoted: str) -> None:
        request = next(api().process_status(spid))
        assert isinstance(request, Request)
        assert request.path == f"/scheduler/connector-api/process/status/{quoted}"

    @pytest.mark.parametrize(
        "spid", ["", " ", "None", None, 7, "a/b", "..", ".", "a b", "a?b", "a%2e", "{a}", "a\0"], ids=repr
    )
    def test_what_cannot_be_a_spid_asks_nobody(self, spid: Any) -> None:
        with pytest.raises(InvalidInput, match="spid must be"):
            next(api().process_status(spid))


class TestReach:
    def test_it_reads_the_status_of_nobody(self) -> None:
        sent = request_of(api().reach())
        assert (sent.method, sent.path) == ("GET", STATUS_PATH + NO_PROCESS)
        assert sent.repeatable

    @pytest.mark.parametrize("status", [200, 204, 400, 404, 405, 410])
    def test_any_answer_of_the_server_is_enough(self, status: int) -> None:
        assert finish(api().reach(), reply(b"<html>", status)) is None

    def test_so_is_a_failure_inside(self) -> None:
        assert finish(api().reach(), ServiceUnavailable("no", status=500)) is None

    @pytest.mark.parametrize("status", [502, 503, None])
    def test_a_gateways_failure_is_none(self, status: int | None) -> None:
        with pytest.raises(ServiceUnavailable):
            finish(api().reach(), ServiceUnavailable("no", status=status))

    @pytest.mark.parametrize(("status", "kind"), [(401, AuthenticationFailed), (403, PermissionDenied)])
    def test_a_plain_no_to_the_login_is_none(self, status: int, kind: type[WorkflowError]) -> None:
        with pytest.raises(kind):
            finish(api().reach(), reply(b"", status))
