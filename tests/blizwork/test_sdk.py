"""
The vendor's own client, ``blizworkapi`` as it is published, against the sandbox.

It is changed in nothing but its constant for the server. It reads the keys of a document that no page
describes, so it shows that the sandbox has them. A new case may look in two ways; it shows what each needs.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import distribution
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from tests.blizwork.cases import opened
from tests.blizwork.conftest import COMPANY, TOKEN, USER, BlizWorkServer

sdk: Any = pytest.importorskip("blizworkapi", reason="the vendor's client is installed only for development")

FORM = {"applicant": "Ana", "age": 30, "amount": 1000.5}
#: How much of a case is read -> keys that its document then has.
LEVELS = {
    sdk.CaseDataLevel.CASE_ONLY: set(),
    sdk.CaseDataLevel.PLUS_USER_INFO: {"users"},
    sdk.CaseDataLevel.PLUS_CASE_HISTORY: {"users", "history"},
    sdk.CaseDataLevel.PLUS_PROCESS_DEFINITION: {"users", "history", "processDefinition"},
    sdk.CaseDataLevel.PLUS_COMPANY_INFO: {"users", "history", "processDefinition", "company"},
}
MORE = {"users", "history", "processDefinition", "company"}
HISTORY = sdk.CaseDataLevel.PLUS_CASE_HISTORY.value
DEFINITION = sdk.CaseDataLevel.PLUS_PROCESS_DEFINITION.value


@pytest.fixture(autouse=True)
def api(blizwork: BlizWorkServer, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The client's access to the sandbox; a request to any other host fails the test."""
    monkeypatch.setattr(sdk, "API_BASE_URI", blizwork.url)
    # Otherwise the client works in draft, and prints its URLs.
    monkeypatch.setenv("NODE_ENV", "production")
    monkeypatch.setenv("NO_PROXY", "*")
    known = urlsplit(blizwork.url).netloc
    send = requests.adapters.HTTPAdapter.send

    def guarded(self: Any, request: Any, **how: Any) -> Any:
        host = urlsplit(request.url).netloc
        assert host == known, f"a request to {host}"
        return send(self, request, **how)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", guarded)
    return sdk.BlizWorkAPIInstance(TOKEN, USER)


@pytest.fixture(params=["opening", "empty"])
def begins(request: pytest.FixtureRequest, blizwork: BlizWorkServer) -> str:
    blizwork.control.command("blizwork", "set_history", begins=request.param)
    return str(request.param)


@pytest.fixture
def process(api: Any) -> Any:
    return sdk.BlizWorkProcess(api, "credit")


def test_it_is_the_published_one() -> None:
    installed = distribution("blizworkapi")
    (module,) = (one for one in installed.files or () if one.name == "blizworkapi.py")
    assert (installed.version, Path(sdk.__file__).name) == ("0.1.0", "blizworkapi.py")
    assert module.hash is not None
    digest = hashlib.new(module.hash.mode, Path(sdk.__file__).read_bytes()).digest()
    assert base64.urlsafe_b64encode(digest).decode().rstrip("=") == module.hash.value


@pytest.mark.parametrize("host", ["https://api.blizwork.com", "http://127.0.0.1:1"])
def test_another_host_is_refused(
    blizwork: BlizWorkServer, process: Any, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setattr(sdk, "API_BASE_URI", host)
    with pytest.raises(AssertionError, match=f"a request to {urlsplit(host).netloc}"):
        process.case_summary_list({})


@pytest.mark.parametrize("level", LEVELS, ids=lambda level: level.name)
class TestReadings:
    def test_a_fresh_case(self, process: Any, begins: str, level: Any) -> None:
        case = process.get_case_from_production(opened("credit"), level.value)
        assert set(case.case_document) & MORE == LEVELS[level]
        known = (case.companyId(), case.environment(), case.process(), case.version(), case.number())
        assert known == (COMPANY, "production", "credit", 1, 1)
        assert case.initiator() == USER
        assert case.get_field_value("applicant", "nobody") == "nobody"
        assert case.get_download_url("contract") is None
        if "history" not in LEVELS[level]:
            assert case.history() is None
            with pytest.raises(KeyError, match="Case has no history"):
                case.current_form()
        elif begins == "empty":
            assert (case.history(), case.form("application")) == ([], [])
        else:
            assert case.current_form()["nextActivity"]["formId"] == "application"
            assert case.form("review") == []

    def test_an_advanced_case(self, blizwork: BlizWorkServer, process: Any, begins: str, level: Any) -> None:
        file = BlizWorkHook().upload_attachment("a.pdf", b"%PDF")
        number, form = opened("credit"), {**FORM, "contract": file}
        BlizWorkHook().exec_activity("credit", number, "application", "scoring", form)
        blizwork.control.advance(3)
        case = process.get_case_from_production(number, level.value)
        assert {name: case.get_field_value(name) for name in ("applicant", "age")} == {
            "applicant": "Ana",
            "age": 30,
        }
        assert case.get_download_url("contract") == file["fileUrl"]
        assert case.initiator() == USER
        if "history" in LEVELS[level]:
            assert case.current_form()["nextActivity"]["formId"] == "review"
            date = case.get_form_execution_date(case.latest_form("scoring"))
            assert len(date.split("-")) == 3
            with pytest.raises(RuntimeError, match="not found"):
                case.latest_form("review")

    def test_a_closed_case(self, process: Any, begins: str, level: Any) -> None:
        number = opened("credit")
        BlizWorkHook().exec_activity("credit", number, "application", "withdrawn")
        case = process.get_case_from_production(number, level.value)
        if "history" in LEVELS[level]:
            assert case.current_form()["nextActivity"] is None
            assert BlizWorkHook().load_case("credit", number).is_closed()


class TestExec:
    @pytest.mark.parametrize("level", [DEFINITION, sdk.CaseDataLevel.PLUS_COMPANY_INFO.value])
    def test_runs_the_pending_activity(self, blizwork: BlizWorkServer, process: Any, level: int) -> None:
        case = process.get_case_from_production(opened("credit"), level)
        after = case.exec("scoring", FORM)
        assert after.get_field_value("amount") == "1000.5"
        assert len(after.form("application")) == len(case.form("application")) + 1
        shown = BlizWorkHook().load_case("credit", case.number())
        assert shown.pending == after.current_form()["nextActivity"]["formId"] == "scoring"
        assert blizwork.effects()["executed"] == 1

    def test_a_later_activity_in_both_beginnings(
        self, blizwork: BlizWorkServer, process: Any, begins: str
    ) -> None:
        number = opened("credit")
        BlizWorkHook().exec_activity("credit", number, "application", "scoring")
        blizwork.control.advance(3)
        after = process.get_case_from_production(number, DEFINITION).exec("approved", {"decision": "yes"})
        assert after.current_form()["nextActivity"] is None
        assert blizwork.record(f"credit/{number}")["state"] == "finished"

    def test_it_cannot_run_the_first_activity_of_an_empty_history(
        self, blizwork: BlizWorkServer, process: Any
    ) -> None:
        """So an empty history is the less likely of the two."""
        blizwork.control.command("blizwork", "set_history", begins="empty")
        case = process.get_case_from_production(opened("credit"), DEFINITION)
        with pytest.raises(IndexError):
            case.exec("scoring", FORM)

    def test_a_refusal(self, process: Any) -> None:
        case = process.get_case_from_production(opened("credit"), DEFINITION)
        with pytest.raises(RuntimeError, match="El siguiente formulario no existe"):
            case.exec("nowhere", {})

    def test_without_the_definition_the_organisation_is_needed(self, process: Any) -> None:
        case = process.get_case_from_production(opened("credit"), HISTORY)
        with pytest.raises(ValueError, match="Missing processDefinition"):
            case.exec("scoring", FORM)
        assert case.exec("scoring", FORM, companyId=COMPANY).number() == 1

    def test_extensions_may_be_skipped(self, process: Any) -> None:
        case = process.get_case_from_production(opened("credit"), DEFINITION)
        assert case.exec("withdrawn", {}, skipExtensions=True).current_form()["nextActivity"] is None


class TestWebhook:
    def test_a_genuine_call_is_confirmed_once(self, api: Any, blizwork: BlizWorkServer) -> None:
        sent = {"environment": "production", "processId": "credit", "processVersion": 1, "caseNumber": 1}
        sent["handshakeToken"] = blizwork.control.command("blizwork", "handshake")
        utils = sdk.BlizWorkUtils(api)
        assert utils.validate_call(sent).is_ok()
        again = utils.validate_call(sent)
        assert (again.is_ok(), again.http_status, again.blizwork_status) == (False, 200, 1)

    def test_one_that_nobody_made(self, api: Any, blizwork: BlizWorkServer) -> None:
        sent = {"environment": "production", "handshakeToken": "642c8f141be17c78c05bcb4c"}
        assert not sdk.BlizWorkUtils(api).validate_call(sent).is_ok()
        assert blizwork.requests("validate") == 1

    def test_a_draft_is_not_asked_about(self, api: Any, blizwork: BlizWorkServer) -> None:
        assert sdk.BlizWorkUtils(api).validate_call({"environment": "draft"}).is_ok()
        assert blizwork.requests("validate") == 0


class TestOthers:
    def test_draft(self, api: Any, blizwork: BlizWorkServer) -> None:
        blizwork.connect(extra={"environment": "draft"})
        case = sdk.BlizWorkProcess(api, "drafted").get_case_from_draft(opened("drafted"), HISTORY)
        assert (case.environment(), case.number()) == ("draft", 1)
        with pytest.raises(RuntimeError, match="not found in production"):
            sdk.BlizWorkProcess(api, "drafted").get_case_from_production(1)

    def test_summaries(self, process: Any) -> None:
        opened("credit"), opened("credit")
        found = process.case_summary_list({"caseNumber": 2})
        assert (found.is_ok(), [row["caseNumber"] for row in found.payload]) == (True, [2])

    def test_master_data(self, api: Any) -> None:
        table = sdk.BlizWorkMasterDataTable(api, "branches")
        assert table.upsert({"code": "W1"}, {"name": "West"}).is_ok()
        assert table.get_dictionary({}, "code")["W1"] == {"code": "W1", "name": "West"}
        assert table.delete({"code": "W1"}).is_ok()
        assert table.get_records({"code": "W1"}).payload == []

    def test_a_file_goes_as_text_only(self, api: Any) -> None:
        utils = sdk.BlizWorkUtils(api)
        # Which of the two depends on the JSON library that requests finds.
        with pytest.raises((TypeError, ValueError, requests.exceptions.InvalidJSONError)):
            utils.upload_file(USER, "a.pdf", b"\xff\xd8")
        text = base64.b64encode(b"%PDF").decode()
        assert utils.upload_file(USER, "a.pdf", text).payload["fileName"] == "a.pdf"

    def test_a_wrong_token(self, process: Any, blizwork: BlizWorkServer) -> None:
        blizwork.control.command("blizwork", "set_token", token="another")
        with pytest.raises(RuntimeError, match="El token es inválido"):
            process.get_case_from_production(1)
