"""BlizWork's double by a plain client: envelopes, refusals, and what it keeps to itself."""

from __future__ import annotations

import base64
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from airflow_provider_workflows.sandbox.blizwork.declared import read_declared
from airflow_provider_workflows.sandbox.control import ControlError
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import choices

TOKEN, COMPANY, USER = "sandbox-token", "5f0c3a1be2d94a7c8b6e1d20", "airflow@example.com"
ACTING = {"companyId": COMPANY, "userId": USER}


class Client:
    """Calls the double as the vendor's pages tell, without a word of the package's own client."""

    def __init__(self, server: SandboxServer) -> None:
        self._url = server.vendor_url("blizwork")
        self.control = server.control
        self.session = requests.Session()
        self.session.trust_env = False

    def post(self, path: str, body: Any, *, token: str = TOKEN, slash: str = "") -> Any:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = self.session.post(f"{self._url}{path}/{token}{slash}", data=data, timeout=10)
        assert reply.status_code == 200
        return reply.json()

    def init(self, workflow: str = "one-step", **body: Any) -> Any:
        return self.post("/init", {**ACTING, "workflowId": workflow, **body})

    def exec(self, case: Any = 1, form: str = "request", to: str = "done", **body: Any) -> Any:
        asked = {
            "workflowId": "one-step",
            "caseNumber": case,
            "formId": form,
            "nextFormId": to,
            "formData": {},
        }
        return self.post("/exec", {**ACTING, **asked, **body})

    def case(self, workflow: str, number: int, include: int = 2) -> Any:
        body = {"userId": USER, "processId": workflow, "caseNumber": number, "include": include}
        return self.post("/process/case", body, slash="/")["payload"]


@pytest.fixture
def client(server: SandboxServer) -> Iterator[Client]:
    made = Client(server)
    yield made
    made.session.close()


def test_success_and_refusal_are_both_http_200(client: Client) -> None:
    assert client.init() == {
        "resultCode": 0,
        "resultMessage": "Operación realizada con éxito",
        "caseNumber": 1,
    }
    assert client.init("nowhere")["resultCode"] == 3


def test_the_other_envelope(client: Client) -> None:
    client.init()
    body = {"userId": USER, "processId": "one-step", "caseNumber": 1}
    found = client.post("/process/case", body, slash="/")
    assert (found["status"], set(found)) == (0, {"status", "message", "payload"})


@pytest.mark.parametrize("slash", ["", "/"])
def test_a_slash_after_the_token_does_not_matter(client: Client, slash: str) -> None:
    assert client.post("/init", {**ACTING, "workflowId": "one-step"}, slash=slash)["resultCode"] == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, 0),
        ({"companyId": "c2"}, 2),
        ({"userId": "former@example.com"}, 2),
        ({"userId": "no@x.y"}, 11),
        ({"execUserId": "no@x.y"}, 11),
        ({"execUserId": "analyst@example.com"}, 0),
        ({"execUserId": None}, 0),
        ({"workflowId": "One-Step"}, 3),
        ({"workflowId": "drafted"}, 3),
        ({"caseNumber": 9}, 4),
        ({"environment": "draft"}, 4),
        ({"environment": "test"}, 100),
        ({"caseNumber": "1"}, 100),
        ({"caseNumber": True}, 100),
        ({"formId": "nowhere"}, 6),
        ({"nextFormId": "nowhere"}, 9),
        ({"nextFormId": "request"}, 7),
        ({"formData": {"nowhere": "x"}}, 10),
        ({"formData": {"text": 1}}, 100),
        ({"formData": []}, 100),
        ({"formData": None}, 100),
        ({"skipExtensions": "yes"}, 100),
        ({"skipExtensions": True}, 0),
    ],
    ids=str,
)
def test_exec_refuses_as_the_vendor_lists(client: Client, change: dict[str, Any], code: int) -> None:
    client.init()
    assert client.exec(**change)["resultCode"] == code
    assert client.control.effects("blizwork")["executed"] == (code == 0)


def test_a_bad_token(client: Client) -> None:
    assert client.post("/init", {**ACTING, "workflowId": "one-step"}, token="bad")["resultCode"] == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"no JSON", b"7"])
def test_a_body_that_is_no_object(client: Client, body: bytes) -> None:
    assert client.post("/init", body)["resultCode"] == 100


def test_a_second_exec(client: Client) -> None:
    client.init()
    assert [client.exec()["resultCode"] for _ in range(2)] == [0, 5]
    client.init("loop")
    loop: Any = {"workflowId": "loop", "to": "check"}
    assert [client.exec(**loop)["resultCode"] for _ in range(2)] == [0, 6]
    assert client.control.effects("blizwork")["executed"] == 2


def test_the_history_of_a_case(client: Client) -> None:
    client.init("credit")
    client.exec(workflowId="credit", form="application", to="scoring", formData={"age": 30})
    found = client.case("credit", 1)
    steps = [(entry["currentActivity"], entry["nextActivity"]["formId"]) for entry in found["history"]]
    application = {"formId": "application"}
    assert steps == [(application, "application"), (application, "scoring")]
    assert re.match(r"\d{4}-\d\d-\d\dT", found["history"][0]["updatedOn"])
    assert found["fields"] == {"age": 30}
    assert found["createAudit"] == {"user": USER}


def test_a_history_may_begin_with_nothing(client: Client) -> None:
    client.control.command("blizwork", "set_history", begins="empty")
    client.init("credit")
    assert client.case("credit", 1)["history"] == []
    assert client.control.records("blizwork")[0]["standing"] == ["application"]
    client.exec(workflowId="credit", form="application", to="scoring")
    (entry,) = client.case("credit", 1)["history"]
    assert (entry["currentActivity"], entry["nextActivity"]) == (
        {"formId": "application"},
        {"formId": "scoring"},
    )
    client.control.reset()
    client.init("credit")
    assert len(client.case("credit", 1)["history"]) == 1
    with pytest.raises(ControlError, match="history cannot be 'odd'"):
        client.control.command("blizwork", "set_history", begins="odd")


def test_the_platform_runs_what_is_its_own_and_what_is_overdue(client: Client) -> None:
    client.init("credit")
    client.exec(workflowId="credit", form="application", to="scoring")
    assert client.control.records("blizwork")[0]["state"] == "running"
    assert client.exec(workflowId="credit", form="scoring", to="review")["resultCode"] == 8
    client.control.advance(3)
    assert client.control.records("blizwork")[0]["standing"] == ["review"]
    client.init("hasty")
    client.control.advance(31)
    assert client.control.records("blizwork")[1]["standing"] == ["late"]
    client.init("hasty")
    assert client.exec(2, workflowId="hasty", to="on-time")["resultCode"] == 0
    client.control.advance(31)
    assert client.control.records("blizwork")[2]["standing"] == ["on-time"]
    assert client.control.effects("blizwork")["executed"] == 2


def test_attachments_must_be_there(client: Client) -> None:
    content = base64.b64encode(b"%PDF").decode()
    body = {"userId": USER, "module": "form", "filename": "a.pdf", "file": content}
    file = client.post("/attachment/upload", body)["payload"]
    client.init("credit")
    where: Any = {"workflowId": "credit", "form": "application", "to": "scoring"}
    assert (
        client.exec(**where, formData={"contract": {**file, "fileUrl": "https://x.y"}})["resultCode"] == 100
    )
    assert client.exec(**where, formData={"contract": file})["resultCode"] == 0
    assert client.case("credit", 1)["fieldValues"] == [{"slug": "contract", "fileUrl": file["fileUrl"]}]
    assert client.post("/attachment/upload", {**body, "file": "no base64!"})["status"] == 100


def test_no_webhook_is_genuine(client: Client) -> None:
    assert client.post("/utils/validatecall", {"endpoint": "x", "token": "y"})["resultCode"] == 1


@pytest.mark.parametrize("in_path", [False, True])
def test_a_webhook_is_confirmed_once(client: Client, in_path: bool) -> None:
    token = client.control.command("blizwork", "handshake")

    def code() -> int:
        path = "/utils/validatecall" + (f"/{token}" if in_path else "")
        found = client.post(path, {} if in_path else {"endpoint": "x", "token": token})
        return int(found["resultCode"])

    assert [code(), code()] == [0, 1]
    assert TOKEN not in str(client.control.requests("blizwork"))


DECLARED = f"""
[blizwork]
token = "{TOKEN}"
company = "{COMPANY}"
case_cap = 2
case_cap_code = 3
files = [{{ url = "https://f.example/1" }}, {{ url = "https://f.example/2", deleted = true }}]

[[blizwork.users]]
email = "{USER}"

[[blizwork.users]]
email = "boss@example.com"
roles = ["boss"]

[blizwork.workflows.w]
start = "ask"
fields = {{ paper = "attachment" }}
[blizwork.workflows.w.forms]
ask = {{ to = ["sign"] }}
sign = {{ to = ["end"], role = "boss" }}
end = {{ end = true }}

[blizwork.workflows.bosses]
start = "ask"
role = "boss"
[blizwork.workflows.bosses.forms]
ask = {{ to = ["end"] }}
end = {{ end = true }}

[blizwork.workflows.own]
start = "ask"
private = true
[blizwork.workflows.own.forms]
ask = {{ to = ["end"] }}
end = {{ end = true }}
"""


@pytest.fixture
def declared(tmp_path: Path) -> Iterator[Client]:
    (path := tmp_path / "declared.toml").write_text(DECLARED)
    with SandboxServer(path) as server:
        made = Client(server)
        yield made
        made.session.close()


def test_roles_private_flows_and_a_cap_of_cases_can_be_declared(declared: Client) -> None:
    boss = {"execUserId": "boss@example.com"}
    assert declared.init("own", **boss)["resultCode"] == 3
    assert [declared.init("bosses", **who)["resultCode"] for who in ({}, boss)] == [2, 0]
    assert [declared.init("w")["resultCode"] for _ in range(2)] == [0, 3]
    assert declared.control.effects("blizwork")["opened"] == 2
    assert declared.exec(workflowId="w", form="ask", to="sign")["resultCode"] == 0
    sign: Any = {"workflowId": "w", "form": "sign", "to": "end"}
    assert [declared.exec(**sign, **who)["resultCode"] for who in ({}, boss)] == [2, 0]


def test_a_deleted_file_is_a_dead_link(declared: Client) -> None:
    declared.init("w")

    def code(number: int) -> int:
        paper = {"paper": {"fileName": "a", "fileUrl": f"https://f.example/{number}"}}
        return int(declared.exec(workflowId="w", form="ask", to="sign", formData=paper)["resultCode"])

    assert code(2) == 100
    declared.control.command("blizwork", "delete_file", url="https://f.example/1")
    assert code(1) == 100
    declared.control.reset()
    declared.init("w")
    assert code(1) == 0
    with pytest.raises(ControlError, match="no file"):
        declared.control.command("blizwork", "delete_file", url="https://f.example/2")


def test_the_plans_limit(client: Client) -> None:
    client.control.set_plan("blizwork", 0.5)
    assert [client.init()["resultCode"] for _ in range(2)] == [0, 200]
    client.control.advance(2)
    assert client.init()["resultCode"] == 0
    assert client.control.effects("blizwork")["opened"] == 2
    assert client.control.plan("blizwork")["accounts"] == {COMPANY: {"counted": 2, "refused": 1}}


def test_ordered_answers(client: Client) -> None:
    client.control.command("blizwork", "answer", endpoint="init", code=101, effect=True)
    client.control.command("blizwork", "answer", endpoint="exec", code=200, times=2)
    assert [client.init()["resultCode"] for _ in range(2)] == [101, 0]
    assert [client.exec()["resultCode"] for _ in range(3)] == [200, 200, 0]
    assert client.control.effects("blizwork")["opened"] == 2
    with pytest.raises(ControlError):
        client.control.command("blizwork", "answer", endpoint="init", code=7777)


@pytest.mark.parametrize(("method", "path"), [("GET", "/init/x"), ("POST", "/nowhere/x"), ("POST", "/")])
def test_other_addresses(client: Client, server: SandboxServer, method: str, path: str) -> None:
    reply = client.session.request(method, f"{server.vendor_url('blizwork')}{path}", timeout=5)
    assert (reply.status_code, reply.headers["content-type"]) == (404, "text/html")


def test_the_token_is_nowhere(client: Client, server: SandboxServer) -> None:
    client.init("credit")
    client.session.post(f"{server.vendor_url('blizwork')}/nowhere/{TOKEN}/more", timeout=5)
    client.session.get(f"{server.vendor_url('blizwork')}/init/{TOKEN}", timeout=5)
    seen = client.control.requests("blizwork")
    assert [request["path"] for request in seen] == ["/init/…", "/…", "/init/…"]
    shown = client.session.get(server.url, timeout=5).text + json.dumps(
        [seen, client.control.records("blizwork")]
    )
    assert "credit/1" in shown
    assert TOKEN not in shown


def test_the_page_runs_an_activity_by_hand(client: Client, server: SandboxServer) -> None:
    client.init("credit")
    address = f"{server.url}/records/blizwork/credit/1"
    offered = choices(client.session.get(address, timeout=5).text)
    assert [one.label for one in offered] == ["→ scoring", "→ withdrawn"]
    form = {**offered[1].form, "value.applicant": "Ana", "value.age": "41", "value.amount": "1.50"}
    wrong = client.session.post(address, data={**form, "value.age": "old"}, timeout=5)
    assert (wrong.status_code, "it takes applicant, age, amount" in wrong.text) == (400, True)
    assert 'value="old"' in wrong.text, "what was typed is not lost"
    for status in (200, 400):
        assert client.session.post(address, data=form, timeout=5).status_code == status
    (record,) = client.control.records("blizwork")
    assert (record["state"], record["stops"], record["actions"]) == ("finished", ["application"], [])
    assert client.control.effects("blizwork")["executed"] == 1
    assert record["fields"] == {"applicant": "Ana", "age": "41", "amount": "1.50"}
    with pytest.raises(ControlError, match=r"does not wait .*; it is closed"):
        client.control.command("blizwork", "run", workflow="credit", case=1, form="application", to="scoring")


def test_reset_restart_and_switches(client: Client) -> None:
    control = client.control
    client.init("hasty")
    control.command("blizwork", "set_workflow", workflow="one-step", enabled=False)
    control.command("blizwork", "add_user", email="new@x.y")
    control.command("blizwork", "set_token", token="another")
    assert client.init()["resultCode"] == 1
    control.advance(20)
    control.restart("blizwork")
    control.advance(20)
    assert control.records("blizwork")[0]["standing"] == ["request"], "its deadline began anew"
    control.reset()
    assert control.records("blizwork") == []
    assert client.init()["resultCode"] == 0
    assert client.init(execUserId="new@x.y")["resultCode"] == 11


def test_the_shipped_declaration() -> None:
    declared = read_declared(load_declaration()["blizwork"])
    assert {"credit", "one-step", "loop", "hasty", "drafted"} <= set(declared.workflows)


FORMS = "[workflows.w.forms]\na = {{ to = ['b'] }}\nb = {{ {b} }}\n"


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("company = 'c'", "token is missing"),
        ("token = 't'", "company is missing"),
        ("token = 't'\ncompany = 'c'\nspeed = 1", "unknown speed"),
        ("token = 't'\ncompany = 'c'\nhistory = 'odd'", "history cannot be 'odd', but empty or opening"),
        ("token = 't'\ncompany = 'c'\ncase_cap_code = 0", "case_cap_code cannot be 0"),
        ("token = 't'\ncompany = 'c'\nfiles = [{}]", "url is missing"),
        ("token = 't'\ncompany = 'c'\n[[users]]\nactive = true", "email is missing"),
        (
            "token = 't'\ncompany = 'c'\n[workflows.w]\nstart = 'x'\n" + FORMS.format(b="end = true"),
            "no form x",
        ),
        (
            "token = 't'\ncompany = 'c'\n[workflows.w]\nstart = 'a'\n" + FORMS.format(b=""),
            "nothing follows b",
        ),
        (
            "token = 't'\ncompany = 'c'\n[workflows.w]\nstart = 'a'\nfields = { x = 'date' }\n"
            + FORMS.format(b="end = true"),
            "field x cannot be of type 'date'",
        ),
        (
            "token = 't'\ncompany = 'c'\n[workflows.w]\nstart = 'a'\n"
            + FORMS.format(b="end = true, fields = ['y']"),
            "no field y",
        ),
    ],
    ids=lambda value: value if " " in value and "\n" not in value else "",
)
def test_declarations_that_cannot_be(text: str, named: str) -> None:
    with pytest.raises(DeclarationError, match=named):
        read_declared(tomllib.loads(text))


def test_without_a_declaration_there_is_no_such_server(tmp_path: Path) -> None:
    (path := tmp_path / "none.toml").write_text("")
    with SandboxServer(path) as bare, pytest.raises(ControlError, match="no vendor 'blizwork'"):
        bare.control.effects("blizwork")
