"""A vendor more takes its own module and one entry in the registry: proven with a made-up one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.sandbox.vendor import Action, Answer, Call, Head, Record, Routed


class Parrot:
    """A vendor that holds one word, and keeps a secret in its paths."""

    name = "parrot"
    endpoint_names = ("say", "any")
    body_limit = 10

    def __init__(self, table: Table, clock: Clock) -> None:
        self._declared = str(table.get("word", ""))
        self._word = self._declared
        self.agenda = Agenda(clock)
        self.journal = Journal("said")
        self.commands = {"teach": self._teach}

    def public_path(self, head: Head) -> str:
        return "/say/…"

    def endpoints(self, head: Head) -> tuple[str]:
        return ("say",)

    def route(self, call: Call) -> Routed:
        return Routed("say", lambda: self._say(call))

    def records(self) -> list[Record]:
        action = Action("Teach", "teach", {"word": "again"})
        return [Record("parrot", "word", self._word, "waiting", actions=(action,))]

    def restart(self) -> None:
        self._word = ""

    def reset(self) -> None:
        self._word = self._declared

    def _say(self, call: Call) -> Answer:
        self.journal.effect("said")
        return Answer(self._word.encode() + call.body, content_type="text/plain")

    def _teach(self, *, word: str) -> None:
        self._word = word


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[SandboxServer]:
    monkeypatch.setitem(registry.BUILDERS, "parrot", lambda table, clock: [Parrot(table, clock)])
    declaration = tmp_path / "processes.toml"
    declaration.write_text("[parrot]\nword = 'hello'\n")
    with SandboxServer(declaration) as running:
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
    assert "word bye" in page
    assert "<button>Teach</button>" in page
    control.restart("parrot")
    assert control.records("parrot")[0]["id"] == ""
    control.reset()
    assert control.records("parrot")[0]["id"] == "hello"
