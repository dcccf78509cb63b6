"""What one BlizWork server holds while it runs, and as a person or a test looks at it."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_workflows.sandbox.blizwork.cases import Case, Cases
from airflow_provider_workflows.sandbox.blizwork.declared import Workflow, read_declared
from airflow_provider_workflows.sandbox.blizwork.refusal import Refusal
from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.vendor import Action, Record

ENVIRONMENTS = ("production", "draft")


@dataclass(frozen=True)
class Body:
    """The object in a request's body."""

    values: Mapping[str, Any]

    def take(self, name: str, kind: type, *, optional: bool = False) -> Any:
        """
        Return a value of a type; a number as text, or a boolean as a number, is none.

        :raises Refusal: 100 if it is missing or of another type.
        """
        value = self.values.get(name)
        if value is None and optional:
            return None
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise Refusal(100, name)
        return value

    def text(self, name: str) -> str:
        """Return a text that is not empty."""
        value = self.take(name, str)
        if not value:
            raise Refusal(100, name)
        return str(value)


class State:
    """
    Processes, users, cases, files and tables.

    :raises DeclarationError: if the declaration cannot be used.
    """

    def __init__(self, declaration: Table, clock: Clock, journal: Journal) -> None:
        self.declared = read_declared(declaration)
        self.journal = journal
        self.agenda = Agenda(clock)
        self.cases = Cases(self.agenda, journal)
        self.file_urls = {one.url for one in self.declared.files if not one.deleted}
        self.file_numbers = itertools.count(1)
        #: Template and number of recipients of each notification sent; whom it went to is nobody's business.
        self.notifications: list[tuple[str, int]] = []
        #: Tokens of webhook calls that have not been confirmed yet.
        self.handshakes: set[str] = set()

    def environment(self, body: Body) -> str:
        """Of a request; production if it names none (a choice: the vendor is silent)."""
        environment = body.values.get("environment", "production")
        if environment not in ENVIRONMENTS:
            raise Refusal(100, "environment")
        return str(environment)

    def user(self, email: str) -> str:
        """
        Return the e-mail of a user who may act.

        :raises Refusal: 11 if unknown, 2 if not active.
        """
        user = self.declared.users.get(email)
        if user is None:
            raise Refusal(11)
        if not user.active:
            raise Refusal(2)
        return user.email

    def workflow(self, name: str, environment: str) -> Workflow:
        """
        Return a process that can be used.

        :raises Refusal: 3 if it is missing, disabled, private or not published.
        """
        workflow = self.declared.workflows.get(name)
        if workflow is None or not workflow.enabled or workflow.private:
            raise Refusal(3)
        if environment == "production" and not workflow.published:
            raise Refusal(3)
        return workflow


def records_of(vendor: str, state: State) -> list[Record]:
    """All cases of a server, and the notifications that it sent."""
    return [*(_record(vendor, case) for case in state.cases.all()), *_notifications(vendor, state)]


def _notifications(vendor: str, state: State) -> list[Record]:
    return [
        Record(
            vendor=vendor,
            kind="notification",
            id=f"notification-{number}",
            state="finished",
            fields={"template": template, "recipients": str(recipients)},
        )
        for number, (template, recipients) in enumerate(state.notifications, start=1)
    ]


def _record(vendor: str, case: Case) -> Record:
    files = [value for value in case.values.values() if isinstance(value, dict)]
    texts = {name: str(value) for name, value in case.values.items() if not isinstance(value, dict)}
    return Record(
        vendor=vendor,
        kind="case",
        id=f"{case.workflow.id}/{case.number}",
        state=state_of(case),
        standing=() if case.pending is None else (case.pending.id,),
        stops=case.passed,
        fields=texts,
        files=tuple({"name": file["fileName"], "url": file["fileUrl"]} for file in files),
        actions=tuple(_actions(case)),
    )


def state_of(case: Case) -> str:
    """Return the case's state; an activity that the platform runs by itself is running."""
    if case.pending is None:
        return "finished"
    return "waiting" if case.pending.seconds is None else "running"


def _actions(case: Case) -> list[Action]:
    form = case.pending
    if form is None or form.seconds is not None:
        return []
    place = {"workflow": case.workflow.id, "case": str(case.number), "form": form.id}
    return [Action(f"Run “{form.id}” → “{to}”", "run", {**place, "to": to}) for to in form.to]
