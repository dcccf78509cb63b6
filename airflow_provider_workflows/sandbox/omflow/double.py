"""OMFlow's double: routes requests, speaks the vendor's envelope, obeys the control API."""

from __future__ import annotations

import html
import json
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.omflow import byhand, editing, files, reading
from airflow_provider_workflows.sandbox.omflow.declared import read_user
from airflow_provider_workflows.sandbox.omflow.dialect import Dialect
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say, say
from airflow_provider_workflows.sandbox.omflow.model import User
from airflow_provider_workflows.sandbox.omflow.request import BODY_LIMIT, RestRequest, read_request
from airflow_provider_workflows.sandbox.omflow.state import State
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

Reply = tuple[Say, Any]
Endpoint = Callable[[State, RestRequest, User], Reply]

_SWITCHES = ("enabled", "deployed", "api", "input_mapped")
_SECURITY = "/accounts/api/security/get"
_EDIT = "/rest/flowmanage/api/omdata/edit/"
# Paths that end in an api_path, and whole paths, each with the name of the endpoint.
_BY_PROCESS: dict[str, tuple[str, Callable[[State, RestRequest, User, str], Reply]]] = {
    "/rest/flowmanage/api/omdata-data-id/get/": ("query", reading.query),
    "/rest/flowmanage/api/omdata/list/": ("list", reading.list_orders),
}


def _raise(status: int, message: Say | str, **values: str) -> Endpoint:
    def endpoint(state: State, request: RestRequest, user: User) -> Reply:
        raise Refusal(status, message, **values)

    return endpoint


_BAD_URL = _raise(403, Say.BAD_URL)
_WHOLE: dict[str, tuple[str, Endpoint]] = {
    "/rest/flowmanage/api/omdata/load": ("load", reading.load),
    "/rest/flowmanage/api/omdata-file/upload": ("upload", files.upload_files),
    "/rest/flowmanage/api/omdata-file/list": ("files", files.list_files),
    "/rest/flowmanage/api/omdata-worklog/create": ("worklog", reading.create_note),
    "/rest/flowmanage/api/omdata-worklog/list": ("worklog", reading.list_notes),
    "/rest/flowmanage/api/flow-active-api-format/get": ("samples", reading.samples),
    "/rest/app/server-version/get": ("version", reading.version),
    # Two that answer with the server's own exceptions (recorded).
    "/rest/flowmanage/api/omdata-history/list": ("other", _raise(500, "'NoneType' object is not iterable")),
    "/rest/my-mission/api/my-mission/list": (
        "other",
        _raise(404, Say.QUERY_ERROR, error="'NoneType' object has no attribute 'objects'"),
    ),
}

_FORBIDDEN = Answer(
    b"<!DOCTYPE html><html lang='en'><head><title>403 Forbidden</title></head><body><h1>Forbidden</h1>"
    b"<p>CSRF verification failed. Request aborted.</p></body></html>",
    status=403,
    content_type="text/html",
)


def _not_found(path: str) -> Answer:
    title = f"Page not found at {html.escape(path)}"
    head = f"<!DOCTYPE html><html lang='en'><head><title>{title}</title></head>"
    return Answer(
        f"{head}<body><h1>{title}</h1></body></html>".encode(), status=404, content_type="text/html"
    )


class OMFlowDouble:
    """
    One OMFlow server.

    :param dialect: of its version.
    :param declaration: the ``[omflow]`` table.
    :raises DeclarationError: if the declaration cannot be used.
    """

    endpoint_names = (
        "security",
        "open",
        "push",
        "delete",
        "query",
        "list",
        "load",
        "upload",
        "files",
        "worklog",
        "samples",
        "version",
        "other",
        "any",
    )
    body_limit = BODY_LIMIT

    def __init__(self, dialect: Dialect, declaration: Table, clock: Clock) -> None:
        self.name = f"omflow-{dialect.version}"
        self.plan = read_plan(declaration, clock.now, place="[omflow]")
        self.journal = Journal("opened", "pushed", "deleted", "uploaded")
        self._fresh: Callable[[], State] = partial(State, declaration, clock, self.journal, dialect)
        self._state = self._fresh()
        self._switches: Mapping[str, Command] = {
            "add_user": self._add_user,
            "remove_user": self._remove_user,
            "set_process": self._set_process,
            "expire_logins": lambda: self._state.sessions.forget(),
            "issued": lambda: self._state.sessions.issued,
        }

    @property
    def commands(self) -> Mapping[str, Command]:
        """What a person, or a test, can do to it."""
        return {
            "push": partial(byhand.push, self._state),
            "attach": partial(byhand.attach, self._state),
            **self._switches,
        }

    @property
    def stops(self) -> Mapping[str, Collection[str]]:
        """Where orders wait for a person."""
        return byhand.stops_of(self._state)

    @property
    def agenda(self) -> Agenda:
        """Work of the engine that is still to do."""
        return self._state.agenda

    def public_path(self, head: Head) -> str:
        """Return the path as it is: OMFlow wants its code in the body."""
        return head.path

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the endpoints that a request can be for: only an edit's body shows which of three it is."""
        if head.path.startswith(_EDIT):
            return tuple(editing.ENDPOINT_OF_ACTION.values())
        return (self._endpoint(head.path)[0],)

    def route(self, call: Call) -> Routed:
        """Return the endpoint of a request, and its work."""
        path = call.head.path
        if path.rstrip("/") == _SECURITY:
            return Routed("security", lambda: self._issue(call))
        if not path.startswith("/rest/") or path == "/rest/":
            return Routed("other", lambda: self._page(call.head))
        request = read_request(call)
        name, endpoint = self._endpoint(path)
        if path.startswith(_EDIT):
            name = editing.ENDPOINT_OF_ACTION.get(str(request.body.get("action")), "other")
        return Routed(name, lambda: self._serve(request, endpoint))

    def _page(self, head: Head) -> Answer:
        """Return a page; where there is one, a form without the token of a page is refused."""
        if head.path == "/" and head.method == "GET":
            return Answer(b"", status=302, content_type="text/html", headers=(("Location", "/home/"),))
        known = head.path == "/" or self._endpoint(f"/rest{head.path}")[1] is not _BAD_URL
        return _FORBIDDEN if known else _not_found(head.path)

    def _endpoint(self, path: str) -> tuple[str, Endpoint]:
        """Name and work of a path; a trailing slash does not matter."""
        path = path.rstrip("/")
        if path == _SECURITY:
            return "security", _BAD_URL
        by_process = _BY_PROCESS | {_EDIT: ("open", editing.edit)}
        for prefix, (name, work) in by_process.items():
            api_path = path.removeprefix(prefix)
            if api_path != path and "/" not in api_path:
                return name, _bound(work, api_path)
        return _WHOLE.get(path, ("other", _BAD_URL))

    def _issue(self, call: Call) -> Answer:
        self.agenda.run_due()
        request = RestRequest(call, {})
        try:
            user = self._state.sessions.login(call.head.headers.get("authorization"))
            self.plan.admit(user.name)
            code = self._state.sessions.issue(user)
        except Refusal as refusal:
            return self._refuse(request, refusal)
        return self._accept(request, Say.CODE_ISSUED, {"security": code})

    def _serve(self, request: RestRequest, endpoint: Endpoint) -> Answer:
        self.agenda.run_due()
        try:
            user = self._admit(request)
            self.plan.admit(user.name)
            return self._accept(request, *endpoint(self._state, request, user))
        except Refusal as refusal:
            return self._refuse(request, refusal)
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            # Values of a wrong type run into the server's own exceptions, whose text it gives away.
            return self._refuse(request, Refusal(500, str(error)))

    def _admit(self, request: RestRequest) -> User:
        if request.misread is not None:
            raise Refusal(500, request.misread)
        if not request.body.get("omflow_restapi"):
            raise Refusal(403, Say.MISSING_RESTAPI)
        return self._state.sessions.user_of(request.body.get("security", ""))

    def _accept(self, request: RestRequest, message: Say, result: Any) -> Answer:
        return self._envelope(200, say(message, request.language), {"result": result})

    def _refuse(self, request: RestRequest, refusal: Refusal) -> Answer:
        text = say(refusal.message, request.language, **refusal.values)
        text = text.replace("or a real number", "or a number")  # as the server's older Python says it
        result = {"result": refusal.result} if self._state.dialect.failure_has_result else {}
        return self._envelope(refusal.status, text, result)

    def _envelope(self, status: int, message: str, result: dict[str, Any]) -> Answer:
        shown = str(status) if self._state.dialect.textual else status
        body = json.dumps({"status": shown, "message": message, **result}, ensure_ascii=False)
        # The server sets a cookie that nobody needs; a client that kept it would show it in a test.
        cookie = f"csrftoken={secrets.token_hex(16)}; Path=/; SameSite=Lax"
        return Answer(body.encode(), headers=(("Set-Cookie", cookie),))

    def records(self) -> Sequence[Record]:
        """All orders."""
        return byhand.records_of(self.name, self._state)

    def restart(self) -> None:
        """Lose the security codes; begin interrupted components again."""
        self._state.sessions.forget()
        self.agenda.restart()

    def reset(self) -> None:
        """Back to the declaration: no orders, no codes, all switches as declared."""
        self._state = self._fresh()

    def _add_user(self, **settings: Any) -> None:
        try:
            user = read_user(settings)
        except DeclarationError as error:
            raise CommandError(str(error)) from None
        self._state.users[user.name] = user

    def _remove_user(self, *, name: str) -> None:
        if self._state.users.pop(name, None) is None:
            known = ", ".join(self._state.users)
            raise CommandError(f"no user {name!r}; there are {known}")
        self._state.forget_author(name)

    def _set_process(self, *, api_path: str, **flags: bool | None) -> None:
        if api_path not in self._state.flows:
            raise CommandError(f"no process {api_path!r}; there are {', '.join(self._state.flows)}")
        process = self._state.flows[api_path].process
        for name, value in flags.items():
            if name not in _SWITCHES:
                raise CommandError(f"a process has no switch {name!r}; there are {', '.join(_SWITCHES)}")
            if value is not None:
                setattr(process, name, value)


def _bound(work: Callable[[State, RestRequest, User, str], Reply], api_path: str) -> Endpoint:
    return lambda state, request, user: work(state, request, user, api_path)
