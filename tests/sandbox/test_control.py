"""The control API through its client."""

from __future__ import annotations

import subprocess
import sys

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
    assert control.records(VENDOR) == [
        {
            "vendor": VENDOR,
            "kind": "order",
            "id": "purchase/1",
            "state": "waiting",
            "standing": ["Review"],
            "stops": [],
            "fields": {"FORMITM_1": "a title"},
            "files": [],
            "error": None,
            "actions": [
                {
                    "label": "Push “Review”",
                    "command": "push",
                    "arguments": {"api_path": "purchase", "data_id": "2"},
                }
            ],
        }
    ]
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
        ("explode", {}, "no command 'explode'"),
        ("push", {}, "missing 2 required"),
        ("set_process", {"api_path": "nowhere"}, "no process 'nowhere'"),
        ("set_process", {"api_path": "simple", "colour": True}, "no switch 'colour'"),
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
