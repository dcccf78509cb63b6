"""The double of Pigeon Post, as a vendor of the sandbox."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.plan import read_plan
from airflow_provider_workflows.sandbox.vendor import Answer, Call, Command, Head, Record, Routed

#: Letters on a page of the book.
PAGE = 2


class Loft:
    """A loft whose pigeons take thirty seconds, and lose letters to nowhere."""

    name = "pigeon"
    endpoint_names = ("send", "look", "book", "any")
    body_limit = 1000

    def __init__(self, table: Table, clock: Clock) -> None:
        self._ring = table.get("ring")
        self._clock = clock
        self.journal = Journal("sent")
        self.plan = read_plan(table, clock.now, place="[pigeon]")
        self.commands: dict[str, Command] = {"set_ring": self._set_ring}
        self.stops: dict[str, tuple[str, ...]] = {}
        self.reset()

    def public_path(self, head: Head) -> str:
        return head.path

    def endpoints(self, head: Head) -> tuple[str]:
        if head.method == "POST":
            return ("send",)
        return ("book" if head.path == "/letters" else "look",)

    def route(self, call: Call) -> Routed:
        (endpoint,) = self.endpoints(call.head)
        work = {"send": self._send, "look": self._look, "book": self._book}[endpoint]
        return Routed(endpoint, lambda: self._serve(call, work))

    def records(self) -> list[Record]:
        return [Record(self.name, "letter", number, state) for number, state in self._letters.items()]

    def restart(self) -> None:
        self.agenda.restart()

    def reset(self) -> None:
        self.agenda = Agenda(self._clock)
        self._letters: dict[str, str] = {}
        self._texts: dict[str, str] = {}

    def _set_ring(self, ring: str) -> None:
        self._ring = ring

    def _serve(self, call: Call, work: Any) -> Answer:
        self.agenda.run_due()
        if call.head.headers.get("x-ring") != self._ring:
            return Answer(b"{}", status=401)
        self.plan.admit("ring")
        return Answer(json.dumps(work(call)).encode())

    def _send(self, call: Call) -> dict[str, str]:
        self.journal.effect("sent")
        number = f"letter-{len(self._letters) + 1}"
        self._letters[number] = "flying"
        letter = json.loads(call.body)
        self._texts[number] = letter["text"]
        end = "lost" if letter["to"] == "nowhere" else "arrived"
        self.agenda.after(30, lambda: self._letters.update({number: end}))
        return {"letter": number}

    def _look(self, call: Call) -> dict[str, str]:
        number = call.head.path.removeprefix("/letters/")
        return {"state": self._letters.get(number, "unknown"), "signed_by": "Ada"}

    def _book(self, call: Call) -> dict[str, Any]:
        start = int(parse_qs(call.head.query)["start"][0])
        letters, end = list(self._texts.items()), start + PAGE
        return {"letters": letters[start:end], "next": end if end < len(letters) else None}
