"""The sandbox's Kiban on the wire: answers, refusals and effects as the vendor's sources tell them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import requests

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.kiban import build
from airflow_provider_workflows.sandbox.server import SandboxServer

KEY = "kiban-sandbox-key"
LOAN = "64b5f0c2a1d3e4f5a6b7c801"
ONBOARDING = "64b5f0c2a1d3e4f5a6b7c802"
REVIEW = "64b5f0c2a1d3e4f5a6b7c806"
EXPIRING = "64b5f0c2a1d3e4f5a6b7c809"
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
        ("POST", f"{V1}/{NOBODY}/form", {}, 404, None),
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
            "/api/v2/workfloo?itemsPerPage=1001",
            None,
            400,
            {"itemsPerPage": "FORMAT_ERROR; must be in [1, 1000]"},
        ),
        (
            "GET",
            "/api/v2/workfloo?from=yesterday",
            None,
            400,
            {"from": "FORMAT_ERROR; must be a date of RFC 3339"},
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


def test_the_start_page_shows_them_and_no_key(
    server: SandboxServer, client: Client, control: Control
) -> None:
    control.command("kiban", "add_key", key="planted-key")
    client.start(callbackUrl="https://x.example/cb", callbackXApiKey="planted-callback-key")
    control.advance(5)
    page = client.session.get(server.url, timeout=5).text
    assert "Answer “Applicant”" in page
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
        ({"workfloos": {"w": {"id": LOAN, "nodes": [{**NODE, "fields": [{}]}]}}}, "has no id"),
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
        build(table, Clock())
