"""A vendor more takes its folder and one entry, or another distribution's entry point: a made-up one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.connections import ready_connections
from airflow_provider_workflows.sandbox.declaration import DeclarationError
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.sandbox.client import chosen
from tests.sandbox.distribution import install
from tests.sandbox.parrot import HOSTILE


@pytest.fixture
def parrot(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    install(tmp_path, monkeypatch, parrot="tests.sandbox.parrot:VENDOR")


@pytest.fixture
def server(parrot: None) -> Iterator[SandboxServer]:
    with SandboxServer() as running:
        yield running


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


def test_it_answers_and_is_counted(server: SandboxServer, session: requests.Session) -> None:
    url = f"{server.vendor_url('parrot')}/say/secret-token"
    assert session.post(url, data=b"!", timeout=5).text == "hello!"
    assert session.post(url, data=b"x" * 11, timeout=5).text == "hello"
    assert server.control.effects("parrot") == {"said": 2, "requests": {"say": 2}}
    assert "secret-token" not in str(server.control.requests("parrot"))


def test_faults_commands_and_page_know_it(server: SandboxServer, session: requests.Session) -> None:
    control = server.control
    fault = control.fault("parrot", "say", "lost_answer")
    with pytest.raises(requests.ConnectionError):
        session.get(f"{server.vendor_url('parrot')}/say", timeout=5)
    assert (control.hits(fault), control.effects("parrot")["said"]) == (1, 1)
    control.command("parrot", "teach", word="bye")
    assert [record["id"] for record in control.records("parrot")] == ["bye"]
    page = session.get(server.url, timeout=5).text
    assert "<code>bye</code>" in page
    page = session.get(f"{server.url}/records/parrot/bye", timeout=5).text
    assert "word bye" in page
    assert chosen(page, "Teach").path == "/records/parrot/bye"
    control.restart("parrot")
    assert control.records("parrot")[0]["id"] == ""
    control.reset()
    assert control.records("parrot")[0]["id"] == "hello"


def test_the_page_escapes_all_that_it_is_given(server: SandboxServer, session: requests.Session) -> None:
    pressed = chosen(session.get(f"{server.url}/records/parrot/hello", timeout=5).text, "Teach")
    assert HOSTILE in json.loads(pressed.form["action"])[1].values()
    shown = session.post(server.url + pressed.path, data=pressed.form, timeout=5)
    assert shown.status_code == 404, "the word of that address is another one now"
    assert server.control.records("parrot")[0]["id"] == HOSTILE
    for path in ("/", "/records/parrot", f"/records/parrot/{quote(HOSTILE)}"):
        page = session.get(server.url + path, timeout=5)
        assert (page.status_code, "<script>again" in page.text) == (200, False)
        assert "&lt;script&gt;again" in page.text


@pytest.mark.usefixtures("parrot")
def test_it_has_connections_to_its_servers() -> None:
    connection = ready_connections()[-1]
    assert connection.fields("http://127.0.0.1:1") == {
        "conn_type": "parrot",
        "host": "http://127.0.0.1:1/parrot",
        "login": "keeper",
        "password": "crackers",
        "extra": {"ui_url": "http://127.0.0.1:1/records/parrot/{word}"},
    }
    assert (connection.conn_id, connection.vendor) == ("parrot_default", "Parrot & Son")
    (other,) = connection.others
    assert (other.mount, other.extra, other.conn_id) == ("parrot-old", {"accent": "old"}, "parrot_default")


@pytest.mark.usefixtures("parrot")
def test_its_accounts_are_its_own_unless_others_are_declared() -> None:
    (connection,) = ready_connections({"parrot": {"word": "bye"}})
    assert connection.password == "crackers"
    (connection,) = ready_connections({"parrot": {"keeper": "nuts"}})
    assert connection.password == "nuts"
    assert ready_connections({"parrot": {"keeper": ""}}) == ()


def test_nobody_knows_it_where_it_is_not_installed() -> None:
    assert "parrot" not in registry.load_declaration()
    with pytest.raises(DeclarationError, match="declaration: unknown parrot; known are blizwork"):
        SandboxServer({"parrot": {}})


BROKEN = """
from dataclasses import replace
from tests.sandbox.parrot import VENDOR
NAMESAKE = replace(VENDOR, name="robusta")
NO_VENDOR = "parrot"
CUCKOO = replace(VENDOR, name="cuckoo", processes=VENDOR.processes.with_name("nowhere.toml"))
MYNAH = replace(VENDOR, name="mynah")
NEST = replace(VENDOR, name="nest", processes=VENDOR.processes.with_name("nowhere.toml"), account_keys=())
"""


@pytest.mark.parametrize(
    ("vendors", "reason"),
    [
        ({"a": "no_such_module:VENDOR"}, "a = no_such_module:VENDOR of the distribution made-up cannot be"),
        (
            {"a": "flawed:VENDOR_X"},
            "a = flawed:VENDOR_X .* cannot be loaded: AttributeError",
        ),
        ({"a": "flawed:NO_VENDOR"}, "a = flawed:NO_VENDOR .* is no Vendor but str"),
        ({"a": "flawed:NAMESAKE"}, "two vendors of the sandbox are called 'robusta'"),
        ({"a": "flawed:CUCKOO"}, r"cannot read .*nowhere\.toml"),
        ({"a": "flawed:MYNAH"}, r"parrot\.toml: unknown parrot; known are mynah"),
        (
            {"a": "flawed:VENDOR", "b": "flawed:NEST"},
            "nest: another vendor is mounted at 'parrot', too",
        ),
    ],
)
def test_a_vendor_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, vendors: dict[str, str], reason: str
) -> None:
    (tmp_path / "flawed.py").write_text(BROKEN)
    install(tmp_path, monkeypatch, **vendors)
    declaration: dict[str, Any] | None = {"parrot": {}, "nest": {}} if len(vendors) > 1 else None
    with pytest.raises(DeclarationError, match=reason):
        SandboxServer(declaration)
