"""BlizWork's double: routes requests, speaks the vendor's envelopes, obeys the control API."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from typing import Any

from airflow_provider_workflows.sandbox.blizwork import acting, byhand, reading
from airflow_provider_workflows.sandbox.blizwork.declared import read_beginning, read_user
from airflow_provider_workflows.sandbox.blizwork.refusal import MESSAGES, Refusal
from airflow_provider_workflows.sandbox.blizwork.state import Body, State
from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.plan import OverPlanError, read_plan
from airflow_provider_workflows.sandbox.vendor import (
    Answer,
    Call,
    Command,
    CommandError,
    Head,
    Record,
    Routed,
)

_SWITCHES = ("enabled", "published", "private")
Work = Callable[[State, Body], dict[str, Any]]

# Paths above the token -> name of the endpoint and its work.
_ENDPOINTS: dict[str, tuple[str, Work]] = {
    "/init": ("init", acting.init),
    "/exec": ("exec", acting.execute),
    "/process/case": ("case", reading.case),
    "/process/case-list": ("list", reading.case_list),
    "/attachment/upload": ("upload", reading.upload),
    "/utils/send-notification": ("notify", reading.notify),
    "/utils/validatecall": ("validate", reading.validate),
    "/master-data": ("master-data", reading.rows),
    "/master-data/upsert": ("upsert", reading.upsert),
    "/master-data/delete": ("delete", reading.delete),
}
# Which answers say ``status`` and ``message`` for ``resultCode`` and ``resultMessage`` is a choice: some do.
_SAY_STATUS = frozenset({"case", "list", "upload", "master-data", "upsert", "delete"})

_NO_SUCH_PAGE = Answer(
    b"<!DOCTYPE html><html><head><title>Error</title></head><body><pre>Cannot serve this</pre></body></html>",
    status=404,
    content_type="text/html",
)


@dataclass
class _Ordered:
    """A result code that a test has ordered in place of the true answer."""

    code: int
    effect: bool
    times: int


class BlizWorkDouble:
    """
    One BlizWork server, for one organisation.

    :param declaration: the ``[blizwork]`` table.
    :raises DeclarationError: if the declaration cannot be used.
    """

    name = "blizwork"
    endpoint_names = (*(name for name, _ in _ENDPOINTS.values()), "other", "any")
    body_limit = 10 * 1024 * 1024  # a choice: the vendor states no limit

    def __init__(self, declaration: Table, clock: Clock) -> None:
        self.journal = Journal("opened", "executed", "uploaded", "notified", "upserted", "deleted")
        self._fresh: Callable[[], State] = partial(State, declaration, clock, self.journal)
        self._state = self._fresh()
        self.plan = read_plan(declaration, clock.now, place="[blizwork]")
        self._ordered: dict[str, _Ordered] = {}
        self._switches: Mapping[str, Command] = {
            "answer": self._order_answer,
            "set_token": self._set_token,
            "set_workflow": self._set_workflow,
            "add_user": self._add_user,
            "set_history": self._set_history,
            "handshake": self._handshake,
            "delete_file": self._delete_file,
        }

    @property
    def commands(self) -> Mapping[str, Command]:
        """What a person, or a test, can do to it."""
        return {"run": partial(byhand.run, self._state), **self._switches}

    @property
    def stops(self) -> Mapping[str, Collection[str]]:
        """Where cases wait for a person."""
        return byhand.stops_of(self._state)

    @property
    def agenda(self) -> Agenda:
        """What the platform does by itself."""
        return self._state.agenda

    def public_path(self, head: Head) -> str:
        """Return the path without the token; of an unknown path, nothing."""
        return f"{_split(head.path)[0]}/…"

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the endpoint, which the path tells."""
        return (self._endpoint(head)[0],)

    def route(self, call: Call) -> Routed:
        """Return the endpoint of a request, and its work."""
        name, work = self._endpoint(call.head)
        if work is None:
            return Routed(name, lambda: _NO_SUCH_PAGE)
        return Routed(name, lambda: self._serve(call, name, work))

    def _endpoint(self, head: Head) -> tuple[str, Work | None]:
        name, work = _ENDPOINTS.get(_split(head.path)[0], ("other", None))
        return (name, work) if head.method == "POST" and work is not None else ("other", None)

    def _serve(self, call: Call, name: str, work: Work) -> Answer:
        self.agenda.run_due()
        ordered = self._ordered.get(name)
        if ordered is not None and ordered.times > 0:
            ordered.times -= 1
            if ordered.effect:
                self._perform(call, name, work)
            return _envelope(name, ordered.code, MESSAGES[ordered.code], {})
        return self._perform(call, name, work)

    def _perform(self, call: Call, name: str, work: Work) -> Answer:
        try:
            handshake, token = _tokens(name, _split(call.head.path)[1])
            self._admit(token)
            body = _body(call)
            if handshake is not None:
                body = Body({**body.values, "token": handshake})
            return _envelope(name, 0, MESSAGES[0], work(self._state, body))
        except Refusal as refusal:
            return _envelope(name, refusal.code, refusal.message, {})

    def _admit(self, token: str) -> None:
        """Check the token, and count the transaction of the organisation, which it stands for."""
        declared = self._state.declared
        if token != declared.token:
            raise Refusal(1)
        try:
            self.plan.admit(declared.company)
        except OverPlanError:
            raise Refusal(200) from None

    def records(self) -> Sequence[Record]:
        """All cases and notifications."""
        return byhand.records_of(self.name, self._state)

    def restart(self) -> None:
        """Begin the platform's own work anew; nothing else is kept in memory only."""
        self.agenda.restart()

    def reset(self) -> None:
        """Back to the declaration."""
        self._state = self._fresh()
        self._ordered.clear()

    def _order_answer(self, *, endpoint: str, code: int, effect: bool = False, times: int = 1) -> None:
        """Answer the next calls of an endpoint with a result code, with the work done or not."""
        if endpoint not in self.endpoint_names or code not in MESSAGES:
            codes = ", ".join(map(str, MESSAGES))
            raise CommandError(
                f"no endpoint {endpoint!r} or no result code {code!r}; "
                f"there are the endpoints {', '.join(self.endpoint_names)} and the codes {codes}"
            )
        self._ordered[endpoint] = _Ordered(code, effect, times)

    def _set_token(self, *, token: str) -> None:
        self._state.declared.token = token

    def _set_workflow(self, *, workflow: str, **flags: bool) -> None:
        found = self._state.declared.workflows.get(workflow)
        if found is None or not set(flags) <= set(_SWITCHES):
            known = ", ".join(self._state.declared.workflows)
            raise CommandError(
                f"no workflow {workflow!r}, or it has no such switch; there are the workflows {known}, "
                f"and the switches {', '.join(_SWITCHES)}"
            )
        for name, value in flags.items():
            setattr(found, name, value)

    def _set_history(self, *, begins: str) -> None:
        try:
            self._state.declared.history = read_beginning(begins)
        except DeclarationError as error:
            raise CommandError(str(error)) from None

    def _handshake(self) -> str:
        """Return the handshake token of a webhook call, as if it had been made."""
        token = uuid.uuid4().hex[:24]
        self._state.handshakes.add(token)
        return token

    def _delete_file(self, *, url: str) -> None:
        if url not in self._state.file_urls:
            raise CommandError(f"there is no file {url}")
        self._state.file_urls.remove(url)

    def _add_user(self, **settings: Any) -> None:
        try:
            user = read_user(settings)
        except DeclarationError as error:
            raise CommandError(str(error)) from None
        self._state.declared.users[user.email] = user


def _split(path: str) -> tuple[str, str]:
    """Return the known path that a path begins with, and the token below it, without a slash at the end."""
    above = max((known for known in _ENDPOINTS if path.startswith(f"{known}/")), key=len, default="")
    return above, path.removeprefix(f"{above}/").removesuffix("/")


def _tokens(name: str, below: str) -> tuple[str | None, str]:
    """Return the handshake token of a path, which only the check of a webhook may have, and the API token."""
    handshake, slash, token = below.partition("/")
    return (handshake, token) if name == "validate" and slash else (None, below)


def _body(call: Call) -> Body:
    try:
        # Decimals, so that the types of fields are checked on what was sent.
        body = json.loads(call.body, parse_float=Decimal)
    except ValueError:
        raise Refusal(100) from None
    if not isinstance(body, dict):
        raise Refusal(100)
    return Body(body)


def _envelope(name: str, code: int, message: str, data: Mapping[str, Any]) -> Answer:
    keys = ("status", "message") if name in _SAY_STATUS else ("resultCode", "resultMessage")
    body = {keys[0]: code, keys[1]: message, **data}
    return Answer(json.dumps(body, ensure_ascii=False, default=str).encode())
