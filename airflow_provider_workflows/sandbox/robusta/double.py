"""Robusta's double: two endpoints behind Basic, and the Scheduler behind them."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.plan import read_plan
from airflow_provider_workflows.sandbox.robusta.byhand import STOPS, Desk, records_of
from airflow_provider_workflows.sandbox.robusta.declared import User, read_declared
from airflow_provider_workflows.sandbox.robusta.order import BadOrderError, Order, read_order
from airflow_provider_workflows.sandbox.robusta.scheduler import Scheduler
from airflow_provider_workflows.sandbox.vendor import (
    Answer,
    Call,
    Command,
    CommandError,
    Head,
    Record,
    Routed,
)

# Paths know no other case: the capitals of a published translation lead nowhere.
START = "/scheduler/connector-api/process/start"
STATUS = "/scheduler/connector-api/process/status/"
BODY_LIMIT = 10 * 1024 * 1024


class RefusedError(Exception):
    """A request refused with an HTTP status. None is documented, so these are the usual ones."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


class RobustaDouble:
    """
    One Orchestrator.

    :param declaration: the ``[robusta]`` table.
    :raises DeclarationError: if the declaration cannot be used.
    """

    name = "robusta"
    stops = STOPS
    endpoint_names = ("start", "status", "other", "any")
    body_limit = BODY_LIMIT

    def __init__(self, declaration: Table, clock: Clock) -> None:
        self._declaration = declaration
        self._clock = clock
        self.plan = read_plan(declaration, clock.now, place="[robusta]")
        self.journal = Journal("saved", "ran")
        self._switches: Mapping[str, Command] = {
            "add_user": self._add_user,
            "remove_user": self._remove_user,
        }
        self.reset()

    @property
    def commands(self) -> Mapping[str, Command]:
        """What a person, or a test, can do to it."""
        return {**Desk(self._scheduler).commands, **self._switches}

    def public_path(self, head: Head) -> str:
        """Return the path as it is: Basic is in a header."""
        return head.path

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the one endpoint of a path."""
        if head.path == START and head.method == "POST":
            return ("start",)
        return ("status",) if head.path.startswith(STATUS) and head.method == "GET" else ("other",)

    def route(self, call: Call) -> Routed:
        """Return the endpoint of a request, and its work."""
        (endpoint,) = self.endpoints(call.head)
        work = {"start": self._start, "status": self._status, "other": self._nowhere}[endpoint]

        def perform() -> Answer:
            self.agenda.run_due()
            try:
                self._admit(call.head.headers.get("authorization", ""))
                return _json(200, work(call))
            except RefusedError as refused:
                return _refusal(refused, call.head.path)

        return Routed(endpoint, perform)

    def _admit(self, authorization: str) -> None:
        user = self._user(authorization)
        if user is None:
            raise RefusedError(401, "Bad credentials")
        if not user.scheduler:
            raise RefusedError(403, "Access is denied")
        self.plan.admit(user.name)

    def _user(self, authorization: str) -> User | None:
        kind, _, value = authorization.partition(" ")
        try:
            # Passwords in ASCII, as the one published client sends them.
            name, _, password = base64.b64decode(value, validate=True).decode("ascii").partition(":")
        except (binascii.Error, ValueError):
            return None
        user = self._users.get(name) if kind.lower() == "basic" else None
        return user if user is not None and user.password == password else None

    def _start(self, call: Call) -> dict[str, Any]:
        try:
            order = read_order(call.body, self._declared.zone)
        except BadOrderError as error:
            raise RefusedError(400, str(error)) from None
        process = self._declared.processes.get(order.name)
        if process is None:
            raise RefusedError(400, f"Process not found: {order.name}")
        if order.worker is not None and order.worker not in self._declared.workers:
            # Without a worker any robot takes it: the double's choice, no source says.
            raise RefusedError(400, f"Worker not found: {order.worker}")
        self._require(order, process.parameters)
        return {"robustaSpid": self._scheduler.save(order, process).spid, "message": "Process saved"}

    @staticmethod
    def _require(order: Order, parameters: Collection[str]) -> None:
        missing = [name for name in parameters if name not in order.values]
        if missing:
            raise RefusedError(400, f"Missing parameter: {', '.join(missing)}")

    def _status(self, call: Call) -> dict[str, Any]:
        spid = call.head.path.removeprefix(STATUS)
        saved = self._scheduler.saved.get(spid)
        if saved is None or self.agenda.now() < saved.known_from:
            raise RefusedError(404, f"Process instance not found: {spid}")
        outputs = {f"__out_{name}": value for name, value in saved.outputs.items()}
        return {"status": saved.status, "message": saved.message, **outputs}

    def _nowhere(self, call: Call) -> dict[str, Any]:
        raise RefusedError(404, "No message available")

    def records(self) -> Sequence[Record]:
        """All processes saved."""
        return records_of(self.name, self._scheduler)

    def restart(self) -> None:
        """Begin interrupted work again; what was saved is on disk."""
        self.agenda.restart()

    def reset(self) -> None:
        """Back to the declaration: nothing saved, users as declared."""
        self._declared = read_declared(self._declaration)
        self._users = dict(self._declared.users)
        self.agenda = Agenda(self._clock)
        self._scheduler = Scheduler(self.agenda, self.journal)

    def _add_user(self, *, name: str, password: str, scheduler: bool = True) -> None:
        self._users[name] = User(name, password, scheduler)

    def _remove_user(self, *, name: str) -> None:
        if self._users.pop(name, None) is None:
            raise CommandError(f"no user {name!r}; there are {', '.join(self._users)}")


def _refusal(refused: RefusedError, path: str) -> Answer:
    body = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds"),
        "status": refused.status,
        "message": refused.message,
        "path": path,
    }
    challenge = (("WWW-Authenticate", 'Basic realm="Robusta"'),) if refused.status == 401 else ()
    return _json(refused.status, body, headers=challenge)


def _json(status: int, body: Any, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(json.dumps(body, ensure_ascii=False).encode(), status=status, headers=headers)
