"""What one BlizWork server holds while it runs."""

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

ENVIRONMENTS = ("production", "draft")


@dataclass(frozen=True)
class Notification:
    """A notification that was sent; whom it went to is nobody's business, only to how many."""

    number: int
    template: str
    recipients: int
    at: float

    @property
    def key(self) -> str:
        """What it is called among all that a server holds."""
        return f"notification-{self.number}"


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
        #: Cases and notifications by what they are called, oldest first.
        self.held: dict[str, Case | Notification] = {}
        self.notification_numbers = itertools.count(1)
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
