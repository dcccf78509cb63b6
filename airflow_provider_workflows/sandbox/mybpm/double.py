"""MyBPM's double: routes requests, checks tokens, obeys the control API."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.mybpm.byhand import Desk, records_of, stops_of
from airflow_provider_workflows.sandbox.mybpm.declared import BusinessObject, read_declared
from airflow_provider_workflows.sandbox.mybpm.reading import (
    Dialect,
    columns,
    listed,
    page,
    shown,
    structure,
)
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal
from airflow_provider_workflows.sandbox.mybpm.sessions import Caller, Sessions
from airflow_provider_workflows.sandbox.mybpm.store import Instance, Store
from airflow_provider_workflows.sandbox.mybpm.writing import Writer
from airflow_provider_workflows.sandbox.plan import read_plan
from airflow_provider_workflows.sandbox.vendor import (
    Answer,
    Call,
    Command,
    CommandError,
    Head,
    Record,
    Routed,
)

_PATHS = {
    "/api/v1/json/auth/get-access-by-password": "login",
    "/api/v1/boi/create": "create",
    "/api/v1/boi/load": "load",
    "/api/v1/boi/load-many": "load_many",
    "/api/v1/business-object-instance/v2/load-api-bracket-boi-table": "list",
    "/api/v1/boi/load-nested-with-sort": "nested",
    "/api/v1/boi/upsert": "upsert",
    "/api/v1/metadata/load-bo-structure": "structure",
}


class MyBPMDouble:
    """
    One MyBPM server.

    Its calls by id instead of by code (``…-with-id``) are left out, as the provider does not use them.

    :param declaration: the ``[mybpm]`` table.
    :raises DeclarationError: if the declaration cannot be used.
    """

    name = "mybpm"
    endpoint_names = (*_PATHS.values(), "other", "any")
    # No limit is documented.
    body_limit = 16 * 1024 * 1024

    def __init__(self, declaration: Table, clock: Clock) -> None:
        self._declared = read_declared(declaration)
        self._clock = clock
        self.plan = read_plan(declaration, clock.now, place="[mybpm]")
        self.journal = Journal("created", "updated", "linked", "unlinked")
        self._endpoints: Mapping[str, Callable[[Mapping[str, Any], Caller], Any]] = {
            "create": self._create,
            "load": self._load,
            "load_many": self._load_many,
            "list": self._list,
            "nested": self._nested,
            "upsert": self._upsert,
            "structure": lambda body, caller: structure(self._object(body, "boCode")),
        }
        self._switches: Mapping[str, Command] = {
            "set_dialect": self._set_dialect,
            "add_user": self._add_user,
            "remove_user": self._remove_user,
            "expire_logins": lambda: self._sessions.forget(),
            "issued": lambda: self._sessions.issued,
        }
        self.reset()

    @property
    def commands(self) -> Mapping[str, Command]:
        """What a person, or a test, can do to it."""
        return {**Desk(self._store).commands, **self._switches}

    @property
    def stops(self) -> Mapping[str, Collection[str]]:
        """Where instances wait for a person."""
        return stops_of(self._declared.objects.values())

    def reset(self) -> None:
        """Back to the declaration."""
        self.agenda = Agenda(self._clock)
        self._dialect = Dialect()
        self._sessions = Sessions(self._declared, self.agenda)
        self._store = Store(self._declared, self.agenda)
        self._writer = Writer(self._store, self._declared.objects, self.journal)

    def restart(self) -> None:
        """Lose the session tokens; begin interrupted steps again."""
        self._sessions.forget()
        self.agenda.restart()

    def public_path(self, head: Head) -> str:
        """Return the path as it is: MyBPM wants its token in a header."""
        return head.path

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the endpoint of a path."""
        return (_PATHS.get(head.path, "other"),)

    def route(self, call: Call) -> Routed:
        """Return the endpoint of a request, and its work."""
        name = _PATHS.get(call.head.path, "other")
        return Routed(name, lambda: self._serve(name, call))

    def records(self) -> Sequence[Record]:
        """All instances that somebody has created."""
        return records_of(self.name, self._store)

    def _serve(self, name: str, call: Call) -> Answer:
        self.agenda.run_due()
        try:
            if name == "other":
                raise Refusal(404, f"no such path: {call.head.path}")
            if call.head.method != "POST":
                raise Refusal(405, "everything is a POST, reads too")
            body = _decoded(call)
            if name == "login":
                caller = self._sessions.login(body)
                self.plan.admit(caller.name)
                return _answer({"token": self._sessions.issue(caller)})
            caller = self._sessions.caller(call.head.headers)
            self.plan.admit(caller.name)
            return _answer(self._endpoints[name](body, caller))
        except Refusal as refusal:
            return _answer({"message": refusal.message}, status=refusal.status)

    def _upsert(self, body: Mapping[str, Any], caller: Caller) -> Any:
        return self._shown(self._writer.upsert(self._object(body, "boCode"), body), body, caller)

    def _create(self, body: Mapping[str, Any], caller: Caller) -> Any:
        return self._shown(self._writer.create(self._object(body, "boCode"), body), body, caller)

    def _load(self, body: Mapping[str, Any], caller: Caller) -> Any:
        return self._read(self._instance(body, "boCode", "boiId"), body, caller)

    def _load_many(self, body: Mapping[str, Any], caller: Caller) -> Any:
        bo, wanted = self._object(body, "boCode"), body.get("boiIds")
        if not isinstance(wanted, list):
            raise Refusal(400, "boiIds must be an array")
        found = [self._store.find(bo.code, str(boi_id)) for boi_id in wanted]
        shown = [self._read(one, body, caller) for one in found if one is not None]
        # An object in place of an array of one, as the vendor's documentation shows it.
        return shown[0] if len(shown) == 1 else shown

    def _list(self, body: Mapping[str, Any], caller: Caller) -> Any:
        bo = self._object(body, "boCode")
        found = page(listed(self._store, bo, body), body, limit=self._declared.page_limit)
        return {"records": [self._row(one, body, caller) for one in found]}

    def _row(self, one: Instance, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        return columns(body, one, self._shown(one, {}, caller), caller, self._dialect)

    def _nested(self, body: Mapping[str, Any], caller: Caller) -> Any:
        parent = self._instance(body, "parentBoCode", "parentBoiId")
        found = self._store.nested(parent, str(body.get("parentFieldCode")))
        paged = page(found, body, limit=self._declared.page_limit)
        return {"records": [self._shown(one, body, caller) for one in paged]}

    def _read(self, one: Instance, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        """Return an instance, which the caller has read by now; a list or a write is no reading (chosen)."""
        one.readers.add(caller.name)
        return self._shown(one, body, caller)

    def _shown(self, one: Instance, body: Mapping[str, Any], caller: Caller) -> dict[str, Any]:
        return shown(one, caller, self._dialect, languages=body.get("multiLanguage") is True)

    def _object(self, body: Mapping[str, Any], key: str) -> BusinessObject:
        bo = self._declared.objects.get(str(body.get(key)))
        if bo is None:
            raise Refusal(404, f"there is no business object {body.get(key)!r}")
        return bo

    def _instance(self, body: Mapping[str, Any], bo_key: str, boi_key: str) -> Instance:
        bo = self._object(body, bo_key)
        one = self._store.find(bo.code, str(body.get(boi_key)))
        if one is None:
            raise Refusal(404, f"there is no {bo.code} {body.get(boi_key)}")
        return one

    def _set_dialect(self, *, flat: bool) -> None:
        self._dialect.flat = flat

    def _add_user(self, *, email: str, password: str) -> None:
        self._sessions.users[email] = password

    def _remove_user(self, *, email: str) -> None:
        if self._sessions.users.pop(email, None) is None:
            raise CommandError(f"no user {email!r}; there are {', '.join(self._sessions.users)}")


def _decoded(call: Call) -> Mapping[str, Any]:
    try:
        body = json.loads(call.body)
    except (ValueError, RecursionError):
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body must be an object")
    return body


def _answer(body: Any, *, status: int = 200) -> Answer:
    return Answer(json.dumps(body, ensure_ascii=False).encode(), status=status)
