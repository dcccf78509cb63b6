"""The sandbox's Kiban on the wire: answers, refusals and effects as the vendor's sources tell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
import requests

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.kiban import VENDOR
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.server import SandboxServer

KEY = "kiban-sandbox-key"
LOAN = "64b5f0c2a1d3e4f5a6b7c801"
LOAN_SCENARIO = "64b5f0c2a1d3e4f5a6b7a001"
ONBOARDING = "64b5f0c2a1d3e4f5a6b7c802"
REVIEW = "64b5f0c2a1d3e4f5a6b7c806"
EXPIRING = "64b5f0c2a1d3e4f5a6b7c809"
BRANCHING = "64b5f0c2a1d3e4f5a6b7c811"
BRANCHING_SCENARIO = "64b5f0c2a1d3e4f5a6b7a011"
ADDRESS = "64b5f0c2a1d3e4f5a6b7c812"
PRINTING = "64b5f0c2a1d3e4f5a6b7c813"
NOBODY = "f" * 24
FORM = {"first_name": "Ana", "last_name": "Torres", "amount": 5}
V1 = "/api/v1/workfloo"


class Client:
    """Speaks to the double with one key, independent of the package's own hook."""

    def __init__(self, url: str, key: str | None = KEY) -> None:
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers.update({} if key is None else {"x-api-key": key})
        self.url = url

    def call(self, method: str, path: str, body: Any = None, **query: Any) -> requests.Response:
        parameters = {"sandbox": "true", **query}
        return self.session.request(method, f"{self.url}{path}", json=body, params=parameters, timeout=10)

    def start(self, definition: str = LOAN, **body: Any) -> str:
        answer = self.call("POST", V1, {"idWorkflooDefinition": definition, **body})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["id"])

    def status(self, execution_id: str) -> Any:
        return self.call("GET", f"{V1}/status/{execution_id}").json()


@pytest.fixture
def server(sandbox: SandboxServer) -> SandboxServer:
    return sandbox


@pytest.fixture
def control(server: SandboxServer) -> Control:
    return server.control


@pytest.fixture
def client(server: SandboxServer) -> Iterator[Client]:
    made = Client(server.vendor_url("kiban"))
    yield made
    made.session.close()


@pytest.mark.parametrize(
    "key", [None, "wrong", f"Bearer {KEY}", ""], ids=["none", "wrong", "Bearer", "empty"]
)
@pytest.mark.parametrize("path", [V1, f"{V1}/status/{NOBODY}", "/api/v2/workfloo"])
def test_401_has_no_body(server: SandboxServer, key: str | None, path: str) -> None:
    answer = Client(server.vendor_url("kiban"), key).call("GET", path)
    assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "content"),
    [
        (
            "POST",
            V1,
            {},
            400,
            {
                "typeError": "REQUIRED_FIELDS",
                "errors": {"idWorkflooDefinition": "required"},
                "errorMessage": "",
            },
        ),
        (
            "POST",
            V1,
            {"idWorkflooDefinition": ONBOARDING},
            400,
            {
                "typeError": "ELEMENT_NOT_EXIST_ERROR",
                "errors": None,
                "errorMessage": "scenarioId not found",
            },
        ),
        (
            "POST",
            V1,
            {"idWorkflooDefinition": LOAN, "scenarioId": NOBODY},
            404,
            {
                "typeError": "ELEMENT_NOT_EXIST_ERROR",
                "errors": None,
                "errorMessage": "scenarioId not found",
            },
        ),
        (
            "POST",
            V1,
            {"idWorkflooDefinition": NOBODY},
            404,
            {
                "typeError": "ELEMENT_NOT_EXIST_ERROR",
                "errors": None,
                "errorMessage": "idWorkflooDefinition not found",
            },
        ),
        ("POST", V1, {"idWorkflooDefinition": 7}, 400, None),
        ("POST", V1, {"idWorkflooDefinition": LOAN, "form": "x"}, 400, None),
        ("POST", V1, [LOAN], 400, None),
        ("POST", "/api/v1/pool", {"idPoolDefinition": NOBODY}, 404, ...),
        ("POST", "/api/v1/pool", {}, 400, ...),
        ("GET", f"{V1}/status/{NOBODY}", None, 404, {}),
        ("GET", f"{V1}/{NOBODY}", None, 404, None),
        ("GET", f"{V1}/status/nonsense", None, 400, None),
        ("GET", f"{V1}/{NOBODY}/file", None, 400, ...),
        ("GET", f"/api/v2/workfloo/{NOBODY}/file", None, 400, ...),
        ("GET", f"/api/v2/workfloo/{NOBODY}/file?nodeId=a&name=b", None, 404, None),
        ("POST", f"{V1}/{NOBODY}/form", {}, 404, None),
        ("POST", f"{V1}/{NOBODY}/field/a/validate", {}, 404, None),
        ("PATCH", f"{V1}/{NOBODY}/nip/validate", {}, 404, None),
        ("PATCH", f"{V1}/{NOBODY}/cancel", {}, 404, None),
        ("GET", V1, None, 400, {"page": "ERROR_QUERY_PARAM_FORMAT; page is required"}),
        (
            "GET",
            "/api/v2/workfloo?page=x",
            None,
            400,
            {"page": "ERROR_QUERY_PARAM_FORMAT; page must be a number"},
        ),
        ("GET", "/api/v2/workfloo?page=0", None, 400, {"page": "FORMAT_ERROR; must be 1 or more"}),
        (
            "GET",
            "/api/v2/workfloo?itemsPerPage=10001",
            None,
            400,
            {"itemsPerPage": "FORMAT_ERROR; must be in [1, 10000]"},
        ),
        (
            "GET",
            "/api/v2/workfloo?from=yesterday",
            None,
            400,
            {"from": "FORMAT_ERROR; must be a date of ISO 8601"},
        ),
        (
            "GET",
            f"{V1}?page=1&itemsPerPage=9&to=2026-01-02T03:04:05",
            None,
            400,
            {"to": "FORMAT_ERROR; must be a date of RFC 3339"},
        ),
        (
            "GET",
            "/api/v2/workfloo?status=ABANDONED",
            None,
            400,
            {"status": "FORMAT_ERROR; must be one of SUCCESS, ERROR, PROGRESS"},
        ),
        ("GET", "/api/v2/workfloo?format=xml", None, 400, ...),
    ],
)
def test_refusals(
    client: Client, control: Control, method: str, path: str, body: Any, status: int, content: Any
) -> None:
    answer = client.call(method, path, body)
    assert answer.status_code == status
    if content is None:
        assert answer.content == b""
    elif content is not ...:
        assert answer.json() == content
    effects = control.effects("kiban")
    assert (effects["started"], effects["answered"], effects["codes_sent"]) == (0, 0, 0)


def test_403_has_no_body(server: SandboxServer, client: Client) -> None:
    execution_id = client.start()
    outsider = Client(server.vendor_url("kiban"), "kiban-outsider-key")
    for method, path in (("GET", f"{V1}/status/{execution_id}"), ("GET", "/api/v2/workfloo")):
        answer = outsider.call(method, path)
        assert (answer.status_code, answer.content) == (403, b"")


def test_the_legacy_id_may_be_missing(client: Client) -> None:
    with_it = client.call("POST", V1, {"idWorkflooDefinition": LOAN}).json()
    without = client.call("POST", V1, {"idWorkflooDefinition": REVIEW}).json()
    assert isinstance(with_it["idUnykoo"], int)
    assert set(without) == {"id"}


def test_an_answered_step_is_shown_for_a_moment_and_taken_once(client: Client, control: Control) -> None:
    execution_id = client.start()
    assert client.status(execution_id)["currentNodeType"] == ""
    control.advance(5)
    before = client.status(execution_id)
    assert (before["currentNodeType"], before["currentNodeName"]) == ("FORM", "Applicant")
    form = f"{V1}/{execution_id}/form"
    assert client.call("POST", form, FORM).content == b""
    assert client.status(execution_id) == before
    assert client.call("POST", form, FORM).status_code == 409
    control.advance(0.4)
    working = client.status(execution_id)
    assert working["currentNodeType"] == "FORM_PROCESSING"
    assert "form" not in working
    assert client.call("GET", f"{V1}/{execution_id}").json()["nodes"] is None
    control.advance(0.5)
    assert client.status(execution_id)["currentNodeType"] == "RULESET_PROGRESS"
    control.advance(2)
    assert client.status(execution_id)["status"] == "SUCCESS"
    assert control.effects("kiban")["answered"] == 1


def test_a_field_that_is_shown_on_a_condition_is_required_only_then(client: Client, control: Control) -> None:
    execution_id = client.start()
    control.advance(5)
    answer = client.call("POST", f"{V1}/{execution_id}/form", {**FORM, "married": "yes"})
    assert answer.json()["errors"] == {"spouse": "required"}


def test_links_name_the_vendors_own_host(client: Client) -> None:
    for _ in range(3):
        client.start()
    link = client.call("GET", "/api/v2/workfloo", itemsPerPage=1, page=2).headers["Link"]
    assert link.count("https://workfloo.kiban.com/api/v2/workfloo?") == 2
    assert 'page=1&sandbox=true>; rel="prev"' in link or 'page=1>; rel="prev"' in link
    assert 'rel="next"' in link
    assert "Link" not in client.call("GET", "/api/v2/workfloo").headers


def test_the_first_history_has_an_envelope(client: Client) -> None:
    ids = [client.start() for _ in range(3)]
    page = client.call("GET", V1, page=1, itemsPerPage=2).json()
    assert (page["currentPage"], page["hasNextPage"]) == (1, True)
    assert [item["id"] for item in page["items"]] == ids[:0:-1]


def test_a_date_without_an_offset_is_taken_by_the_second_history_only(client: Client) -> None:
    client.start()
    for date, length in (("2026-01-01T00:00:00", 1), ("2999-01-01", 0), ("2999-01-01T00:00:00+01:00", 0)):
        assert len(client.call("GET", "/api/v2/workfloo", **{"from": date}).json()) == length


@pytest.mark.parametrize(
    ("filters", "found"),
    [
        ({"name": "oan app"}, True),
        ({"name": "Onboarding"}, False),
        ({"nodes.form.searchableBy.rfc_pf": "toaa9"}, True),
        ({"nodes.form.searchableBy.rfc_pf": "900101AB1"}, False),
        ({"nodes.form.searchableBy.first_name": "ANA"}, True),
        ({"nodes.form.searchableBy.company_name": ""}, False),
        ({"labels": "low risk"}, True),
        ({"labels": "accepted;low risk"}, True),
        ({"labels": "accepted;high risk"}, False),
        ({"origin": "API"}, True),
        ({"origin": "FRONT"}, False),
        ({"status": "SUCCESS"}, True),
        ({"status": "ERROR"}, False),
    ],
    ids=str,
)
@pytest.mark.parametrize("path", [f"{V1}?page=1&itemsPerPage=9", "/api/v2/workfloo"], ids=["v1", "v2"])
def test_filters(client: Client, control: Control, path: str, filters: dict[str, str], found: bool) -> None:
    client.start(form={**FORM, "rfc": "TOAA900101AB1"})
    control.advance(10)
    body = client.call("GET", path, **filters).json()
    assert len(body if isinstance(body, list) else body["items"]) == found


def test_a_corrected_answer_is_found_by_its_new_value_only() -> None:
    declared = load_declaration()
    declared["kiban"]["workfloos"]["review"]["nodes"][0]["fields"][0]["searchable_by"] = "first_name"
    with SandboxServer(declared) as server:
        client = Client(server.vendor_url("kiban"))
        execution = client.start(REVIEW, form={"first_name": "Ana"})
        server.control.advance(10)
        review = {"decision": "REJECTED", "reviews": [{"fieldId": "first_name", "message": "Check it"}]}
        client.call("POST", f"{V1}/{execution}/review", review)
        client.call("POST", f"{V1}/{execution}/correction", {"first_name": "Eva"})
        for name, length in (("eV", 1), ("Eva", 1), ("Ana", 0)):
            query = {"nodes.form.searchableBy.first_name": name}
            assert len(client.call("GET", "/api/v2/workfloo", **query).json()) == length
        client.session.close()


def test_an_exact_id_is_a_filter(client: Client) -> None:
    ids = [client.start() for _ in range(2)]
    assert [one["id"] for one in client.call("GET", "/api/v2/workfloo", _id=ids[0]).json()] == ids[:1]
    assert client.call("GET", "/api/v2/workfloo", _id=ids[0][:-1]).json() == []


def test_a_page_may_be_smaller_than_the_vendors_sdk_says(client: Client, control: Control) -> None:
    assert client.call("GET", "/api/v2/workfloo", itemsPerPage=10000).status_code == 200
    control.command("kiban", "list_as", most_items=1000)
    assert client.call("GET", "/api/v2/workfloo", itemsPerPage=1001).json() == {
        "itemsPerPage": "FORMAT_ERROR; must be in [1, 1000]"
    }
    assert client.call("GET", "/api/v2/workfloo", itemsPerPage=1000).status_code == 200


def test_an_abandoned_one_is_listed_and_cannot_be_filtered(client: Client, control: Control) -> None:
    cancelled = client.start()
    control.command("kiban", "cancel", execution_id=cancelled)
    (item,) = client.call("GET", "/api/v2/workfloo").json()
    assert (item["id"], item["status"]) == (cancelled, "ABANDONED")


@pytest.mark.parametrize("always", [False, True])
def test_whether_each_start_needs_a_scenario(client: Client, control: Control, always: bool) -> None:
    control.command("kiban", "ask_scenario", always=always)
    bare = client.call("POST", V1, {"idWorkflooDefinition": LOAN})
    assert bare.status_code == (400 if always else 200)
    if always:
        assert bare.json()["errorMessage"] == "scenarioId not found"
    assert client.call("POST", V1, {"idWorkflooDefinition": ONBOARDING}).status_code == 400
    assert client.start(LOAN, scenarioId=LOAN_SCENARIO)
    # Production has no scenarios.
    assert client.call("POST", V1, {"idWorkflooDefinition": LOAN}, sandbox="false").status_code == 200


def test_an_otp_with_an_error_branch_goes_on_there(client: Client, control: Control) -> None:
    execution_id = client.start(BRANCHING, scenarioId=BRANCHING_SCENARIO)
    control.advance(5)
    path = f"{V1}/{execution_id}/otp/validate"
    answers = [client.call("PATCH", path, {"token": "999999"}) for _ in range(3)]
    assert [one.status_code for one in answers] == [400, 400, 200]
    assert answers[1].json()["remainingRetries"] == 1
    assert answers[2].content == b""
    control.advance(5)
    status = client.status(execution_id)
    assert (status["status"], status["currentNodeName"]) == ("PROGRESS", "Back office")
    nodes = client.call("GET", f"{V1}/{execution_id}").json()["nodes"]
    assert [node["name"] for node in nodes] == ["Phone"]


def test_a_file_that_is_being_made(client: Client, control: Control) -> None:
    execution_id = client.start(PRINTING)
    control.advance(5)
    (node,) = client.call("GET", f"{V1}/{execution_id}").json()["nodes"]
    which = {"nodeId": node["id"], "name": "report.pdf"}
    first, second = f"{V1}/{execution_id}/file", f"/api/v2/workfloo/{execution_id}/file"
    assert (answer := client.call("GET", first, **which)).status_code == 503
    assert "Retry-After" not in answer.headers
    control.advance(15)
    answer = client.call("GET", second, **which)
    assert (answer.status_code, answer.headers["Retry-After"]) == (202, "5")
    assert answer.json() == {"status": "PROCESSING", "retryAfter": 5}
    # Asking again begins no other making.
    control.advance(5)
    for path in (first, second):
        answer = client.call("GET", path, **which)
        assert (answer.status_code, set(answer.json())) == (200, {"fileBase64"})
    for wrong in ({**which, "name": "x"}, {**which, "nodeId": NOBODY}):
        assert client.call("GET", second, **wrong).status_code == 404


class TestValidateField:
    GIVEN: ClassVar[dict[str, str]] = {"country": "MX", "post_code": "01000"}

    @pytest.fixture
    def execution_id(self, client: Client, control: Control) -> str:
        execution_id = client.start(ADDRESS)
        control.advance(5)
        return execution_id

    @staticmethod
    def validate(client: Client, execution_id: str, values: Any, field: str = "post_code") -> Any:
        path = f"{V1}/{execution_id}/field/{field}/validate"
        return client.call("POST", path, {"values": values})

    @pytest.mark.parametrize(
        ("values", "status", "told"),
        [
            (GIVEN, "VALID", {"filled": {"city": "Ciudad de México"}, "reused": False}),
            ({"post_code": "01000"}, "PENDING_INPUTS", {"missingInputs": ["country"]}),
            ({**GIVEN, "post_code": ""}, "PENDING_INPUTS", {"missingInputs": ["post_code"]}),
            ({**GIVEN, "post_code": "0x"}, "FORMAT_ERROR", {"errors": {"post_code": "FORMAT_ERROR"}}),
            ({**GIVEN, "post_code": "99999"}, "INVALID", {"filled": None, "reused": False}),
        ],
        ids=lambda value: value if isinstance(value, str) else "",
    )
    def test_wrong_data_is_no_refusal(
        self, client: Client, execution_id: str, values: Any, status: str, told: dict[str, Any]
    ) -> None:
        answer = self.validate(client, execution_id, values)
        assert (answer.status_code, answer.json()["status"]) == (200, status)
        assert told.items() <= answer.json().items()
        assert client.status(execution_id)["currentNodeType"] == "FORM"

    def test_the_same_values_are_checked_once(self, client: Client, execution_id: str) -> None:
        first, again = (self.validate(client, execution_id, self.GIVEN).json() for _ in range(2))
        assert (first["reused"], again["reused"]) == (False, True)
        assert first["checkId"] == again["checkId"]

    def test_the_form_takes_only_what_was_offered(self, client: Client, execution_id: str) -> None:
        offered = self.validate(client, execution_id, self.GIVEN).json()["options"]["colony"]
        form = f"{V1}/{execution_id}/form"
        refused = client.call("POST", form, {**self.GIVEN, "colony": "Elsewhere"})
        assert (refused.status_code, set(refused.json()["errors"])) == (400, {"colony"})
        assert client.call("POST", form, {**self.GIVEN, "colony": offered[0]}).status_code == 200
        # The execution has left the form.
        assert self.validate(client, execution_id, self.GIVEN).status_code == 409

    def test_what_has_no_validator(self, client: Client, execution_id: str) -> None:
        assert self.validate(client, execution_id, self.GIVEN, "city").status_code == 400
        assert self.validate(client, execution_id, self.GIVEN, "nobodys").status_code == 404
        assert self.validate(client, execution_id, [1]).status_code == 400

    def test_the_status_names_what_a_validator_fills(self, client: Client, execution_id: str) -> None:
        (section,) = client.status(execution_id)["form"]["formFieldSection"]
        field = next(one for one in section["fields"] if one["id"] == "post_code")
        assert field["fieldMetadata"]["validator"]["fill"] == ["city", "colony"]


@pytest.mark.parametrize("written", ["csv", "CSV"])
def test_the_second_history_as_csv(client: Client, written: str) -> None:
    execution_id = client.start()
    answer = client.call("GET", "/api/v2/workfloo", format=written)
    assert answer.headers["Content-Type"] == "text/csv"
    assert answer.text.splitlines()[1].startswith(f"{execution_id},Loan application,PROGRESS,")


@pytest.mark.parametrize("key", ["content", "execution", ""])
def test_the_content_stands_where_it_is_told_to(client: Client, control: Control, key: str) -> None:
    execution_id = client.start(form=FORM)
    control.command("kiban", "list_as", content_key=key)
    for nodes in (None, ["Applicant", "Decision"]):
        (item,) = client.call("GET", "/api/v2/workfloo", content="true").json()
        content = item[key] if key else item
        assert content["id"] == item["id"] == execution_id
        assert (content["nodes"] and [node["name"] for node in content["nodes"]]) == nodes
        control.advance(10)
    (item,) = client.call("GET", "/api/v2/workfloo").json()
    assert "nodes" not in item.get(key, item)


def test_an_item_with_its_content_is_the_execution(client: Client) -> None:
    execution_id = client.start(form=FORM)
    (item,) = client.call("GET", "/api/v2/workfloo", content="true").json()
    assert item == client.call("GET", f"{V1}/{execution_id}").json()
    assert {"nodes", "created", "modified"} <= set(item)
    assert not {"createdAt", "modifiedAt", "content"} & set(item)


def test_executions_may_be_listed_late(client: Client, control: Control) -> None:
    control.command("kiban", "list_as", delay=10)
    execution_id = client.start()
    assert client.call("GET", "/api/v2/workfloo").json() == []
    assert client.status(execution_id)["status"] == "PROGRESS"
    control.advance(10)
    assert len(client.call("GET", "/api/v2/workfloo").json()) == 1


def test_what_a_form_has_no_field_for_is_not_shown(client: Client, control: Control) -> None:
    execution_id = client.start(form={**FORM, "nobodys": "x"})
    control.advance(10)
    nodes = client.call("GET", f"{V1}/{execution_id}").json()["nodes"]
    assert nodes[0]["form"]["fields"] == FORM


def test_an_unknown_filter_finds_nothing(client: Client) -> None:
    client.start()
    assert client.call("GET", "/api/v2/workfloo", shoe_size="44").json() == []
    assert len(client.call("GET", "/api/v2/workfloo", name="Loan application").json()) == 1


def test_production_does_not_know_the_sandboxs_executions(client: Client) -> None:
    execution_id = client.start()
    assert client.call("GET", f"{V1}/status/{execution_id}", sandbox="false").status_code == 404
    assert client.call("GET", "/api/v2/workfloo", sandbox="false").json() == []


def test_only_what_a_person_cancelled_tells_when(client: Client, control: Control) -> None:
    expired, cancelled = client.start(EXPIRING), client.start()
    control.command("kiban", "cancel", execution_id=cancelled)
    control.advance(100)
    assert client.status(expired)["status"] == client.status(cancelled)["status"] == "ABANDONED"
    assert "cancelledAt" not in client.status(expired)
    assert {"cancelledAt", "cancelledBy"} <= set(client.status(cancelled))


def test_records_and_what_a_person_may_do(client: Client, control: Control) -> None:
    execution_id = client.start(REVIEW)
    control.advance(5)
    (record,) = control.records("kiban")
    assert (record["kind"], record["id"], record["state"], record["standing"]) == (
        "execution",
        execution_id,
        "waiting",
        ["Person"],
    )
    for label in (
        "Answer “Person”",
        "Reject “Back office”",
        "Correct “Back office”",
        "Approve “Back office”",
    ):
        (record,) = control.records("kiban")
        action = next(one for one in record["actions"] if one["label"] == label)
        control.command("kiban", action["command"], **action["arguments"])
        control.advance(5)
    (record,) = control.records("kiban")
    assert (record["state"], record["stops"], record["actions"]) == (
        "finished",
        ["Person", "Back office"],
        [],
    )


def test_the_pages_show_them_and_no_key(server: SandboxServer, client: Client, control: Control) -> None:
    control.command("kiban", "add_key", key="planted-key")
    started = client.start(callbackUrl="https://x.example/cb", callbackXApiKey="planted-callback-key")
    control.advance(5)
    page = client.session.get(server.url, timeout=5).text
    page += client.session.get(f"{server.url}/records/kiban/{started}", timeout=5).text
    assert "Answer “Applicant”" in page
    assert "Tax number (RFC)" in page
    assert "1 started" in page
    said = page + str(control.records("kiban")) + str(control.requests("kiban"))
    for secret in (KEY, "planted-key", "planted-callback-key"):
        assert secret not in said


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("answer", {"execution_id": NOBODY}),
        ("reject", {"execution_id": NOBODY}),
        ("cancel", {"execution_id": NOBODY}),
        ("publish", {"workfloo": "nobody"}),
        ("add_key", {"key": ""}),
        ("add_key", {"key": "x", "workfloos": ["nobody"]}),
    ],
)
def test_commands_that_cannot_be_carried_out(control: Control, command: str, arguments: Any) -> None:
    with pytest.raises(ControlError):
        control.command("kiban", command, **arguments)


def test_nothing_can_be_answered_where_nobody_is_waited_for(client: Client, control: Control) -> None:
    execution_id = client.start()
    for command in ("answer", "reject"):
        with pytest.raises(ControlError):
            control.command("kiban", command, execution_id=execution_id)


def test_a_definition_can_be_withdrawn(client: Client, control: Control) -> None:
    control.command("kiban", "publish", workfloo="loan", published=False)
    assert client.call("POST", V1, {"idWorkflooDefinition": LOAN}).status_code == 404


def test_a_restart_begins_interrupted_work_again(client: Client, control: Control) -> None:
    execution_id = client.start()
    control.restart("kiban")
    control.advance(5)
    assert client.status(execution_id)["currentNodeType"] == "FORM"


NODE = {"name": "Ask", "kind": "FORM"}
VALIDATED = {"id": "a", "validator": {"accept": []}}


@pytest.mark.parametrize(
    ("table", "says"),
    [
        ({"keyz": []}, "keyz"),
        ({"keys": [{}]}, "key is missing"),
        ({"keys": [{"key": "x", "workfloos": ["nobody"]}]}, "nobody"),
        ({"pools": {"p": "nobody"}}, "nobody"),
        ({"workfloos": {"w": {"id": "short", "nodes": [NODE]}}}, "24 hexadecimal digits"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": []}}}, "nodes are missing"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [NODE, NODE]}}}, "two have one name"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "kind": "X"}]}}}, "kind is none of"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "back_to": "Nobody"}]}}}, "no node Nobody"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "on_error": "Nobody"}]}}}, "no node Nobody"),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "fields": [{}]}]}}}, "has no id"),
        (
            {"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "fields": [VALIDATED]}]}}},
            "validator",
        ),
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "documents": [{}]}]}}}, "has no id"),
        (
            {"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "fields": [{"id": "a", "regex": "("}]}]}}},
            "regex",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_declaration_that_cannot_be_used(table: Any, says: str) -> None:
    with pytest.raises(DeclarationError, match=says):
        VENDOR.build(table, Clock())
