"""The control API through its client."""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from urllib.parse import urlencode

import pytest

from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import OMFlowClient

VENDOR = "omflow-1.2"


def test_effects_and_requests_are_counted(new: OMFlowClient, control: Control) -> None:
    new.open("simple")
    control.advance(60)
    new.query("simple", 1)
    new.push("simple", 2)
    assert control.effects(VENDOR) == {
        "opened": 1,
        "pushed": 1,
        "deleted": 0,
        "uploaded": 0,
        "requests": {"security": 1, "open": 1, "query": 1, "push": 1},
    }


def test_requests_are_remembered_without_secrets(new: OMFlowClient, control: Control) -> None:
    new.open("simple")
    login, opened = control.requests(VENDOR)
    assert login["endpoint"] == "security"
    assert "authorization" in login["headers"]
    assert opened["method"] == "POST"
    assert opened["path"] == "/rest/flowmanage/api/omdata/edit/simple"
    assert opened["content_length"] > 0
    assert opened["client_port"] == login["client_port"]
    assert new.code not in str(control.requests(VENDOR))
    assert "sesame" not in str(control.requests(VENDOR))


def test_records_tell_where_an_order_stands(new: OMFlowClient, control: Control) -> None:
    new.open("purchase")
    control.advance(60)
    (record,) = control.records(VENDOR)
    opened, reached = record.pop("history")
    assert (opened["what"], opened["by"], reached["what"]) == ("Opened", "airflow", "Reached Review")
    assert reached["at"] == pytest.approx(opened["at"] + 10, abs=5)
    push, approve, refuse, attach = record.pop("actions")
    assert attach["command"] == "attach"
    assert push == {
        "label": "Push “Review”",
        "command": "push",
        "arguments": {"api_path": "purchase", "data_id": "2"},
        "inputs": ["FORMITM_1", "FORMITM_2", "FORMITM_3", "FORMITM_4", "FORMITM_6"],
    }
    assert approve["label"] == "Decision: approved"
    assert refuse["arguments"] == {"api_path": "purchase", "data_id": "2", "quick_action": "action2"}
    assert record.pop("labels")["FORMITM_6"] == "Decision"
    assert record == {
        "vendor": VENDOR,
        "kind": "order",
        "id": "purchase/1",
        "state": "waiting",
        "standing": ["Review"],
        "stops": [],
        "fields": {"FORMITM_1": "a title"},
        "files": [],
        "error": None,
        "process": "purchase",
        "title": "a title",
    }
    assert control.records() == control.records(VENDOR)
    assert control.records("omflow-1.1") == []


def test_a_push_by_hand(new: OMFlowClient, control: Control) -> None:
    new.open("purchase")
    with pytest.raises(ControlError, match="nothing stands at 'purchase'"):
        control.push(VENDOR, "purchase", 2)
    control.advance(60)
    control.push(VENDOR, "purchase", "2")
    control.advance(60)
    assert control.records(VENDOR)[0]["stops"] == ["Review"]
    assert set(new.stops("purchase", 1)) == {"Legal", "Finance"}


def test_a_push_by_hand_fills_in(new: OMFlowClient, control: Control) -> None:
    new.open("purchase")
    control.advance(60)
    for wrong, reason in (
        ({"quick_action": "action3"}, "no quick action 'action3'; there are: action1, action2"),
        ({"values": {"FORMITM_9": "x"}}, "no field FORMITM_9; there are FORMITM_1, FORMITM_2"),
        ({"values": {"FORMITM_2": "x"}}, "Title is required; Amount must match"),
    ):
        with pytest.raises(ControlError, match=reason):
            control.command(VENDOR, "push", api_path="purchase", data_id=2, **wrong)
    values = {"FORMITM_1": "another", "FORMITM_3": "k"}
    control.push(VENDOR, "purchase", 2, quick_action="action1", values=values)
    assert control.records(VENDOR)[0]["fields"] == {**values, "FORMITM_6": "approved"}


@pytest.mark.parametrize(
    ("vendor", "command", "arguments"),
    [
        ("kiban", "answer", {"execution_id": "x"}),
        ("robusta", "fire", {"spid": "x"}),
        ("mybpm", "choose", {"bo_code": "REQUEST", "boi_id": "x", "choice": "Approve"}),
        ("blizwork", "run", {"workflow": "credit", "case": 1, "form": "review", "to": "approved"}),
    ],
)
def test_a_command_for_what_is_not_there_says_what_is(
    control: Control, vendor: str, command: str, arguments: dict[str, object]
) -> None:
    with pytest.raises(ControlError, match="there is nothing yet"):
        control.command(vendor, command, **arguments)


def test_processes_are_switched(new: OMFlowClient, control: Control) -> None:
    control.set_process(VENDOR, "simple", enabled=False)
    assert new.open("simple")["message"] == "該流程目前為停用狀態。"
    control.set_process(VENDOR, "simple", enabled=True, api=False)
    assert new.open("simple")["message"] == "該流程未啟用API呼叫。"
    control.set_process(VENDOR, "simple", api=True, deployed=False)
    assert new.open("simple")["status"] == "500"
    control.set_process(VENDOR, "simple", deployed=True)
    assert new.open("simple")["status"] == "200"


def test_reset_goes_back_to_the_beginning(new: OMFlowClient, control: Control) -> None:
    new.open("simple")
    control.add_user(VENDOR, "another", "secret", rights=["view"])
    control.set_process(VENDOR, "simple", enabled=False)
    control.fault(VENDOR, "open", "hang")
    control.reset()
    assert control.records() == []
    assert control.faults() == []
    assert control.effects(VENDOR)["requests"] == {}
    new.login()
    assert new.open("simple")["result"] == "1"
    with pytest.raises(ControlError, match="no user 'another'"):
        control.remove_user(VENDOR, "another")


@pytest.mark.parametrize(
    ("command", "arguments", "reason"),
    [
        ("explode", {}, "no command 'explode'; there are push"),
        ("push", {}, r"missing a required .*it takes api_path, data_id, quick_action \(optional\), values"),
        ("push", {"api_path": "simple", "data_id": "x"}, "it is a number"),
        ("set_process", {"api_path": "nowhere"}, "no process 'nowhere'; there are .*purchase"),
        ("set_process", {"api_path": "simple", "colour": True}, "no switch 'colour'; there are enabled"),
        ("add_user", {"name": "x"}, "password is missing"),
        ("add_user", {"name": "x", "password": "x", "rights": ["fly"]}, "no right fly"),
    ],
)
def test_a_command_that_cannot_be_is_refused(
    control: Control, command: str, arguments: dict[str, object], reason: str
) -> None:
    with pytest.raises(ControlError, match=reason):
        control.command(VENDOR, command, **arguments)


def test_other_mistakes_are_refused(control: Control) -> None:
    with pytest.raises(ControlError, match="no vendor 'omflow-3'"):
        control.effects("omflow-3")
    with pytest.raises(ControlError, match="no fault 'fault-0'"):
        control.hits("fault-0")
    with pytest.raises(ControlError, match="only moves forward"):
        control.advance(-1)
    with pytest.raises(ControlError, match="HTTP 404"):
        control._ask("GET", "nowhere")


def test_the_client_is_light() -> None:
    """Tests of Airflow processes import it; it must not bring a web framework."""
    code = (
        "import sys; import airflow_provider_workflows.sandbox.control;"
        "print([name for name in ('fastapi', 'starlette', 'uvicorn', 'airflow') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_two_sandboxes_do_not_know_each_other(server: SandboxServer, new: OMFlowClient) -> None:
    new.open("simple")
    with SandboxServer() as other:
        assert other.control.records() == []
        assert other.port != server.port


def called(
    server: SandboxServer,
    path: str = "/_control/faults",
    method: str = "DELETE",
    body: str | None = None,
    **headers: str,
) -> int:
    """Return the status of a control call with headers of its own."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    try:
        connection.request(method, path, body, headers=headers)
        return connection.getresponse().status
    finally:
        connection.close()


def test_calls_from_this_machine_are_answered(server: SandboxServer) -> None:
    port = server.port
    for host in (f"127.0.0.1:{port}", f"localhost:{port}", f"[::1]:{port}", "localhost", "127.0.0.2"):
        assert called(server, Host=host) == 200
        assert called(server, Host=host, Origin=f"http://{host}") == 200


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8099",
        "127.0.0.1.evil.example",
        "",
        "localhost.evil",
        "10.0.0.7",
        "0.0.0.0",
        "[bad",
        "[::]",
        "[fe80::1]:8099",
        "[::1",
        "[::1]evil.example",
        "evil@localhost",
        "localhost@evil.example",
        "localhost/evil.example",
        "localhost#evil.example",
        "localhost:evil",
        "localhost, evil.example",
        "2130706433",
        "0x7f000001",
        "localhost.",
    ],
)
def test_calls_by_a_foreign_host_name_are_refused(server: SandboxServer, host: str) -> None:
    assert called(server, Host=host) == 403


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "http://127.0.0.1:1",
        "http://localhost",
        "http://[::1]",
        "//{host}",
        "ftp://{host}",
        "http://{host}.evil.example",
        "http://evil.example@{host}",
        "http://{host}/",
        "http://{host} https://evil.example",
    ],
)
def test_calls_from_another_origin_are_refused(server: SandboxServer, origin: str) -> None:
    assert called(server, Origin=origin.format(host=f"127.0.0.1:{server.port}")) == 403


def raw(server: SandboxServer, request: str) -> bytes:
    """Return the answer to a request in its very bytes."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as connection:
        connection.sendall(request.replace("\n", "\r\n").encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


@pytest.mark.parametrize(
    "head",
    [
        "DELETE /_control/faults HTTP/1.1\n",  # without Host
        "DELETE /_control/faults HTTP/1.0\n",
        "DELETE /_control/faults HTTP/1.1\nHost: localhost\nHost: evil.example\n",
        "DELETE /_control/faults HTTP/1.1\nHost: evil.example\nHost: localhost\n",
        "DELETE http://localhost/_control/faults HTTP/1.1\nHost: evil.example\n",
        "DELETE /_control/faults HTTP/1.1\nHost: localhost\nOrigin: http://localhost\nOrigin: null\n",
    ],
)
def test_odd_requests_are_refused_and_have_no_effect(server: SandboxServer, head: str) -> None:
    server.control.fault(VENDOR, "open", "hang")
    assert raw(server, f"{head}Connection: close\n\n").split()[1] in (b"400", b"403", b"404")
    assert len(server.control.faults()) == 1


@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
def test_buttons_of_the_pages_work_from_here_only(
    server: SandboxServer, new: OMFlowClient, headers: dict[str, str]
) -> None:
    new.open("purchase")
    server.control.advance(60)
    path = f"/records/{VENDOR}/purchase/1"
    action = json.dumps(["push", {"api_path": "purchase", "data_id": "2"}])
    form = {"action": action}
    fields = {"Content-Type": "application/x-www-form-urlencoded", **headers}
    assert called(server, path, "POST", urlencode(form), **fields) == 403
    assert called(server, "/", "GET", **headers) == 403
    assert server.control.records(VENDOR)[0]["standing"] == ["Review"]
    ours = {**fields, "Host": f"127.0.0.1:{server.port}", "Origin": f"http://127.0.0.1:{server.port}"}
    assert called(server, path, "POST", urlencode(form), **ours) == 303
    assert server.control.records(VENDOR)[0]["standing"] != ["Review"]


@pytest.mark.parametrize("path", ["/_desk/faults", "/_desk/clock", "/_desk/reset", "/_desk/faults/clear"])
def test_no_button_works_from_elsewhere(server: SandboxServer, path: str) -> None:
    fields = {"Content-Type": "application/x-www-form-urlencoded"}
    assert called(server, path, "POST", "", **fields, Origin="https://evil.example") == 403


def test_a_host_name_can_be_allowed() -> None:
    with SandboxServer(allowed_hosts=("Codespace.example",)) as server:
        assert called(server, Host="codespace.example") == 200
        assert called(server, Host="codespace.example", Origin="http://codespace.example") == 200
        assert called(server, Host="CodeSpace.example:443", Origin="https://CodeSpace.example:443") == 200
        assert called(server, Host="other.example") == 403


def test_vendors_answer_by_any_name(server: SandboxServer) -> None:
    assert called(server, f"/{VENDOR}/accounts/api/security/get/", Host="omflow.example") != 403
