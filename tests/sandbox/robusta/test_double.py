"""Robusta's double: as stubborn as the facts say, told by a plain HTTP client."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import requests

from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.registry import load_declaration
from airflow_provider_workflows.sandbox.robusta.declared import read_declared
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import chosen

NOW = {"name": "InvoiceBot", "worker": "3", "runOnce": "Y", "runImmediately": "Y", "values": {"orderNo": "7"}}
LATER = {**NOW, "runImmediately": "N", "quartzDef": "0 0 9 ? * FRI"}


class Client:
    """Speaks to the mount as one user."""

    def __init__(self, url: str, login: tuple[str, str] | None = ("airflow", "sesame")) -> None:
        self.url = f"{url}/scheduler/connector-api/process"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.auth = login

    def start(self, body: Any) -> requests.Response:
        return self.session.post(f"{self.url}/start", data=json.dumps(body), timeout=10)

    def started(self, body: Any = NOW) -> str:
        spid: str = self.start(body).json()["robustaSpid"]
        return spid

    def status(self, spid: str) -> dict[str, Any]:
        found: dict[str, Any] = self.session.get(f"{self.url}/status/{spid}", timeout=10).json()
        return found


@pytest.fixture
def control(sandbox: SandboxServer) -> Control:
    return sandbox.control


@pytest.fixture
def client(sandbox: SandboxServer) -> Iterator[Client]:
    client = Client(sandbox.vendor_url("robusta"))
    yield client
    client.session.close()


def test_a_start_answers_a_spid_and_a_message(client: Client) -> None:
    answer = client.start(NOW)
    assert answer.status_code == 200
    assert set(answer.json()) == {"robustaSpid", "message"}
    assert str(uuid.UUID(answer.json()["robustaSpid"])) == answer.json()["robustaSpid"]
    assert answer.json()["message"] == "Process saved"


def test_a_run_waits_runs_and_ends_with_its_outputs(client: Client, control: Control) -> None:
    spid = client.started()
    assert client.status(spid) == {"status": "WAITING", "message": ""}
    control.advance(1.1)
    assert client.status(spid)["status"] == "RUNNING"
    control.advance(2)
    assert client.status(spid) == {
        "status": "SUCCEEDED",
        "message": "",
        "__out_total": "12",
        "__out_order": "7",
    }


def test_the_same_start_twice_saves_two(client: Client, control: Control) -> None:
    assert client.started() != client.started()
    assert control.effects("robusta")["saved"] == 2


#: Bodies that are refused, and the word that tells why.
WRONG: dict[str, tuple[Any, str]] = {
    "boolean flag": ({**NOW, "runOnce": True}, "runOnce"),
    "flag with a comma": ({**NOW, "runImmediately": "N,"}, "runImmediately"),
    "no flag": ({name: value for name, value in NOW.items() if name != "runOnce"}, "runOnce"),
    "flag with a blank in its name": ({**NOW, "run immediately": "Y"}, "unknown run immediately"),
    "number as worker": ({**NOW, "worker": 3}, "worker"),
    "number as value": ({**NOW, "values": {"orderNo": 7}}, "values"),
    "list as values": ({**NOW, "values": []}, "values"),
    "number as retryCount": ({**NOW, "retryCount": 2}, "retryCount"),
    "word as retryCount": ({**NOW, "retryCount": "two"}, "retryCount"),
    "ISO date": ({**NOW, "startDate": "2026-06-05T09:00:00"}, "startDate"),
    "Unix cron": ({**LATER, "quartzDef": "0 9 * * 5"}, "quartzDef"),
    "Unix day": ({**LATER, "quartzDef": "0 0 9 ? * FR"}, "day-of-week"),
    "no question mark": ({**LATER, "quartzDef": "0 0 9 * * *"}, "quartzDef"),
    "no name": ({**NOW, "name": ""}, "name"),
    "unknown name": ({**NOW, "name": "NoBot"}, "NoBot"),
    "unknown worker": ({**NOW, "worker": "99"}, "99"),
    "missing parameter": ({**NOW, "values": {}}, "orderNo"),
    "no object": ([], "object"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_body_is_refused_and_saves_nothing(client: Client, control: Control, name: str) -> None:
    body, said = WRONG[name]
    answer = client.start(body)
    assert answer.status_code == 400
    assert said in answer.json()["message"]
    assert control.effects("robusta")["saved"] == 0


def test_a_body_that_is_no_json(client: Client) -> None:
    answer = client.session.post(f"{client.url}/start", data=b"{", timeout=10)
    assert answer.status_code == 400


def test_without_worker_any_robot_takes_it(client: Client, control: Control) -> None:
    spid = client.started({name: value for name, value in NOW.items() if name != "worker"})
    control.advance(5)
    assert client.status(spid)["status"] == "SUCCEEDED"


@pytest.mark.parametrize(
    ("login", "status"),
    [
        (None, 401),
        (("airflow", "wrong"), 401),
        (("nobody", "sesame"), 401),
        (("guest", "guest"), 403),
    ],
    ids=str,
)
def test_who_may_not(sandbox: SandboxServer, login: Any, status: int) -> None:
    client = Client(sandbox.vendor_url("robusta"), login)
    assert client.start(NOW).status_code == status
    assert sandbox.control.effects("robusta")["saved"] == 0
    client.session.close()


@pytest.mark.parametrize("header", ["Bearer x", "Basic !", "Basic", "Basic YTph4g=="])
def test_authorization_that_cannot_be_read(sandbox: SandboxServer, header: str) -> None:
    client = Client(sandbox.vendor_url("robusta"), None)
    client.session.headers["Authorization"] = header
    answer = client.start(NOW)
    assert (answer.status_code, answer.headers["WWW-Authenticate"]) == (401, 'Basic realm="Robusta"')
    client.session.close()


@pytest.mark.parametrize("path", ["connector-API/process/start", "connector-api/process/stop"])
def test_paths_that_there_are_not(sandbox: SandboxServer, client: Client, path: str) -> None:
    url = f"{sandbox.vendor_url('robusta')}/scheduler/{path}"
    assert client.session.post(url, json=NOW, timeout=10).status_code == 404


def test_an_unknown_spid(client: Client) -> None:
    assert client.status("8f14e45f-ceea-467f-a9f3-0d1c2b3a4f5e")["status"] == 404


def test_a_spid_that_appears_late(client: Client, control: Control) -> None:
    spid = client.started({**NOW, "name": "LateBot"})
    assert client.status(spid)["status"] == 404
    control.advance(0.6)
    assert client.status(spid)["status"] == "WAITING"


@pytest.mark.parametrize(
    ("count", "status", "ran"), [("0", "FAILED", 1), ("1", "FAILED", 2), ("2", "SUCCEEDED", 3)]
)
def test_robusta_repeats_failed_runs(
    client: Client, control: Control, count: str, status: str, ran: int
) -> None:
    spid = client.started({**NOW, "name": "FlakyBot", "retryCount": count})
    control.advance(60)
    assert client.status(spid)["status"] == status
    assert control.effects("robusta")["ran"] == ran


def test_a_process_that_fails(client: Client, control: Control) -> None:
    spid = client.started({**NOW, "name": "FailingBot"})
    control.advance(60)
    assert client.status(spid)["status"] == "ERROR"
    (record,) = control.records("robusta")
    assert (record["state"], record["error"]) == ("failed", "Element not found: #login")
    assert record["stops"] == ["RUNNING", "ERROR"]


class TestScheduled:
    def test_a_process_with_a_quartz_expression_waits_for_a_person(
        self, client: Client, control: Control
    ) -> None:
        spid = client.started(LATER)
        control.advance(3600)
        assert client.status(spid)["status"] == "WAITING"
        control.command("robusta", "fire", spid=spid)
        control.advance(10)
        assert client.status(spid)["status"] == "SUCCEEDED"
        assert control.records("robusta")[0]["actions"] == []

    def test_a_recurring_one_may_run_again(self, client: Client, control: Control) -> None:
        spid = client.started({**LATER, "runOnce": "N"})
        for _ in range(2):
            control.command("robusta", "fire", spid=spid)
            control.advance(10)
        assert control.effects("robusta")["ran"] == 2
        assert control.records("robusta")[0]["actions"][0]["label"] == "Run now"

    def test_a_process_with_a_start_date_runs_then(self, client: Client, control: Control) -> None:
        when = datetime.fromtimestamp(control.advance(0) + 600, tz=ZoneInfo("Europe/Istanbul"))
        body = {name: value for name, value in LATER.items() if name != "quartzDef"}
        spid = client.started({**body, "startDate": f"{when:%Y-%m-%d %H:%M:%S}"})
        control.advance(590)
        assert client.status(spid)["status"] == "WAITING"
        assert control.effects("robusta")["ran"] == 0
        control.advance(20)
        assert client.status(spid)["status"] == "SUCCEEDED"

    def test_after_its_end_date_nothing_runs(self, client: Client, control: Control) -> None:
        spid = client.started({**LATER, "endDate": "2020-11-18 00:00:00"})
        control.command("robusta", "fire", spid=spid)
        control.advance(60)
        assert control.effects("robusta")["ran"] == 0


class TestByHand:
    def test_a_running_process_is_stopped(self, client: Client, control: Control) -> None:
        spid = client.started()
        (action,) = control.records("robusta")[0]["actions"]
        assert (action["label"], action["command"]) == ("Stop", "end")
        control.command("robusta", action["command"], **action["arguments"])
        control.advance(60)
        assert client.status(spid) == {"status": "STOPPED", "message": "Stopped by hand"}

    @pytest.mark.parametrize(
        ("command", "reason"), [("end", "has ended"), ("fire", "is running"), ("remove_user", "no user")]
    )
    def test_what_cannot_be_done(self, client: Client, control: Control, command: str, reason: str) -> None:
        spid = client.started()
        if command == "end":
            control.advance(60)
        arguments = {"name": "nobody"} if command == "remove_user" else {"spid": spid}
        with pytest.raises(ControlError, match=reason):
            control.command("robusta", command, **arguments)

    def test_an_unknown_process(self, control: Control) -> None:
        with pytest.raises(ControlError, match="no process"):
            control.command("robusta", "end", spid="x")

    def test_its_page_shows_it_and_stops_it(
        self, sandbox: SandboxServer, client: Client, control: Control
    ) -> None:
        spid = client.started()
        page = client.session.get(f"{sandbox.url}/records/robusta/{spid}", timeout=10).text
        assert f"SPID {spid}" in page
        assert "orderNo" in page
        pressed = chosen(page, "Stop")
        form = {**pressed.form, "value.status": "BROKEN", "value.message": "No robot"}
        client.session.post(sandbox.url + pressed.path, data=form, timeout=10)
        assert client.status(spid) == {"status": "BROKEN", "message": "No robot"}


def test_a_restart_keeps_what_was_saved_and_begins_its_work_again(client: Client, control: Control) -> None:
    spid = client.started()
    control.advance(0.9)
    control.restart("robusta")
    control.advance(0.9)
    assert client.status(spid)["status"] == "WAITING"
    control.advance(5)
    assert client.status(spid)["status"] == "SUCCEEDED"


def test_no_secret_on_the_page_or_in_the_control_api(sandbox: SandboxServer, control: Control) -> None:
    control.command("robusta", "add_user", name="kanarya", password="planted-password")
    client = Client(sandbox.vendor_url("robusta"), ("kanarya", "planted-password"))
    spid = client.started()
    client.session.auth = None
    told = json.dumps([control.requests("robusta"), control.records("robusta"), control.effects("robusta")])
    told += client.session.get(sandbox.url, timeout=10).text
    assert spid in told
    assert "planted-password" not in told
    assert "authorization" in json.dumps(control.requests("robusta"))
    client.session.close()


def test_the_shipped_processes() -> None:
    declared = read_declared(load_declaration()["robusta"])
    assert {"InvoiceBot", "CollectDocument", "FailingBot", "LongBot"} <= set(declared.processes)
    assert declared.zone == ZoneInfo("Europe/Istanbul")


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ({"time_zone": "Nowhere"}, "no time zone 'Nowhere'"),
        ({"robots": 1}, "unknown robots"),
        ({"workers": [3]}, "list of texts"),
        ({"users": [{"name": "x"}]}, "password is missing"),
        ({"processes": {"B": {"speed": 1}}}, "robusta process 'B': unknown speed"),
        ({"processes": {"B": {"phases": [{"status": "RUNNING"}]}}}, "seconds is missing"),
        ({"processes": {"B": {"ends": 1}}}, "ends cannot be 1"),
    ],
    ids=str,
)
def test_a_declaration_that_cannot_be(table: dict[str, Any], reason: str) -> None:
    with pytest.raises(DeclarationError, match=reason):
        read_declared(table)
