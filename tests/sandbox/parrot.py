"""A made-up vendor of the sandbox, as another distribution would bring it."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.plan import read_plan
from airflow_provider_workflows.sandbox.vendor import (
    Account,
    Action,
    Answer,
    Call,
    Head,
    Record,
    Routed,
    Vendor,
)

#: A word that would end an attribute and begin a script, on a page that does not escape it.
HOSTILE = "\"'><script>again</script>"


class Parrot:
    """A vendor that holds one word, and keeps a secret in its paths."""

    endpoint_names = ("say", "any")
    body_limit = 10

    def __init__(self, name: str, table: Table, clock: Clock) -> None:
        self.name = name
        self._declared = str(table.get("word", ""))
        self._word = self._declared
        self.agenda = Agenda(clock)
        self.journal = Journal("said")
        self.plan = read_plan(table, clock.now, place="[parrot]")
        self.commands = {"teach": self._teach}
        self.stops: dict[str, tuple[str, ...]] = {}

    def public_path(self, head: Head) -> str:
        return "/say/…"

    def endpoints(self, head: Head) -> tuple[str]:
        return ("say",)

    def route(self, call: Call) -> Routed:
        return Routed("say", lambda: self._say(call))

    def records(self) -> list[Record]:
        action = Action("Teach", "teach", {"word": HOSTILE})
        return [Record(self.name, "word", self._word, "waiting", actions=(action,))]

    def restart(self) -> None:
        self._word = ""

    def reset(self) -> None:
        self._word = self._declared

    def _say(self, call: Call) -> Answer:
        self.journal.effect("said")
        return Answer(self._word.encode() + call.body, content_type="text/plain")

    def _teach(self, *, word: str) -> None:
        self._word = word


def _account(table: Table) -> Account:
    return Account(login="keeper", password=table["keeper"])


VENDOR = Vendor(
    name="parrot",
    title="Parrot & Son",
    processes=Path(__file__).with_name("parrot.toml"),
    build=lambda table, clock: [Parrot(name, table, clock) for name in ("parrot", "parrot-old")],
    account=_account,
    account_keys=("keeper",),
    record="{word}",
    mounts={"parrot": {}, "parrot-old": {"accent": "old"}},
)
