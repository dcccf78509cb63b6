"""Kiban Workfloo's double: who may call, and which call it is."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from functools import partial
from typing import Any
from urllib.parse import parse_qsl, unquote

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.kiban import answering, codes
from airflow_provider_workflows.sandbox.kiban.byhand import Desk
from airflow_provider_workflows.sandbox.kiban.declared import Key
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution
from airflow_provider_workflows.sandbox.kiban.listing import history_v1, history_v2
from airflow_provider_workflows.sandbox.kiban.refusal import Refusal, as_json, required
from airflow_provider_workflows.sandbox.kiban.seen import records_of, stops_of
from airflow_provider_workflows.sandbox.kiban.starting import start, start_pool
from airflow_provider_workflows.sandbox.kiban.table import read_declared, read_key
from airflow_provider_workflows.sandbox.kiban.views import detail_of, file_of, status_of
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

Body = Mapping[str, Any]
Query = Mapping[str, str]
#: Calls on an execution, by method and the end of the path.
_CALLS: Mapping[tuple[str, str], tuple[str, Callable[[Engine, Execution, Body], Any]]] = {
    ("POST", "form"): ("form", answering.answer_form),
    ("POST", "document"): ("document", answering.answer_document),
    ("POST", "correction"): ("correction", answering.correct),
    ("POST", "review"): ("review", answering.review),
    ("PATCH", "nip/send"): ("nip_send", codes.send_nip),
    ("PATCH", "nip/resend"): ("nip_resend", codes.resend_nip),
    ("PATCH", "nip/validate"): ("nip_validate", codes.validate_nip),
    ("PATCH", "otp/validate"): ("otp_validate", codes.validate_otp),
    ("PATCH", "otp/fallback"): ("otp_fallback", codes.fallback_otp),
}
_WHOLE = {
    ("POST", "/api/v1/workfloo"): "start",
    ("GET", "/api/v1/workfloo"): "history_v1",
    ("GET", "/api/v2/workfloo"): "history_v2",
    ("POST", "/api/v1/pool"): "pool",
}
_BELOW = "/api/v1/workfloo/"
_FILE_V2 = re.compile("/api/v2/workfloo/([^/]+)/file")
_FIELD = re.compile("field/([^/]+)/validate")
_ID = re.compile("[0-9a-f]{24}")


class KibanDouble:
    """
    The vendor's production host, which the query ``sandbox=true`` puts into sandbox mode.

    Executions of the two modes do not know each other (chosen).

    :param declaration: the ``[kiban]`` table.
    :raises DeclarationError: if the declaration cannot be used.
    """

    name = "kiban"
    endpoint_names = (
        *_WHOLE.values(),
        "status",
        "detail",
        "file_v1",
        "file",
        "validate_field",
        *(name for name, _ in _CALLS.values()),
        "other",
        "any",
    )
    body_limit = 32 * 1024 * 1024

    def __init__(self, declaration: Table, clock: Clock) -> None:
        self._declaration = declaration
        self._clock = clock
        self.plan = read_plan(declaration, clock.now, place="[kiban]")
        self.journal = Journal("started", "answered", "codes_sent")
        self.reset()

    @property
    def commands(self) -> Mapping[str, Command]:
        """What a person, or a test, can do to it."""
        return {**Desk(self._engine).commands, **self._switches}

    @property
    def stops(self) -> Mapping[str, Collection[str]]:
        """Where executions wait for a person."""
        return stops_of(self._declared.workfloos.values())

    @property
    def _switches(self) -> Mapping[str, Command]:
        return {
            "publish": self._publish,
            "add_key": self._add_key,
            "list_as": self._list_as,
            "ask_scenario": self._ask_scenario,
        }

    def reset(self) -> None:
        """Back to the declaration: no executions."""
        self.agenda = Agenda(self._clock)
        self._declared = read_declared(self._declaration)
        self._keys = dict(self._declared.keys)
        self._engine = Engine(self.agenda, self.journal, work=self._declared.work, lag=self._declared.lag)

    def restart(self) -> None:
        """Begin interrupted work again; nothing is kept in memory only."""
        self.agenda.restart()

    def public_path(self, head: Head) -> str:
        """Return the path as it is: the key is in a header."""
        return head.path

    def endpoints(self, head: Head) -> Collection[str]:
        """Return the endpoint that a request is for."""
        return (self._endpoint(head)[0],)

    def route(self, call: Call) -> Routed:
        """Return the endpoint of a request, and its work."""
        endpoint, work = self._endpoint(call.head)
        return Routed(endpoint, lambda: self._serve(call, work))

    def records(self) -> Sequence[Record]:
        """All executions."""
        return records_of(self.name, self._engine.executions)

    def _endpoint(self, head: Head) -> tuple[str, Callable[[Call, Key, Query], Answer]]:
        path = head.path.rstrip("/")
        if (name := _WHOLE.get((head.method, path))) is not None:
            return name, getattr(self, f"_{name}")
        if head.method == "GET" and (found := _FILE_V2.fullmatch(path)):
            return "file", partial(self._file, execution_id=found[1], version=2)
        execution_id, _, call = path.removeprefix(_BELOW).partition("/")
        if not path.startswith(_BELOW):
            return "other", self._nothing
        if head.method == "GET" and execution_id == "status" and call:
            return "status", partial(self._status, execution_id=call)
        if head.method == "GET" and not call:
            return "detail", partial(self._detail, execution_id=execution_id)
        if head.method == "GET" and call == "file":
            return "file_v1", partial(self._file, execution_id=execution_id, version=1)
        if head.method == "POST" and (found := _FIELD.fullmatch(call)):
            check = partial(answering.validate_field, field_id=unquote(found[1]))
            return "validate_field", partial(self._act, execution_id=execution_id, act=check)
        if (known := _CALLS.get((head.method, call))) is not None:
            name, act = known
            return name, partial(self._act, execution_id=execution_id, act=act)
        return "other", self._nothing

    def _serve(self, call: Call, work: Callable[[Call, Key, Query], Answer]) -> Answer:
        self.agenda.run_due()
        # The bare key; with "Bearer" before it the answer is 401 (vendor's SDK), without body.
        key = self._keys.get(call.head.headers.get("x-api-key", ""))
        if key is None:
            return Refusal(401).answer
        # The key itself is a secret.
        self.plan.admit(f"key {list(self._keys).index(key.key) + 1}")
        try:
            return work(call, key, dict(parse_qsl(call.head.query, keep_blank_values=True)))
        except Refusal as refusal:
            return refusal.answer

    def _nothing(self, call: Call, key: Key, query: Query) -> Answer:
        raise Refusal(404)

    def _start(self, call: Call, key: Key, query: Query) -> Answer:
        body = _object(call)
        return as_json(start(self._engine, self._declared, key, body, is_sandbox=_is_sandbox(query)))

    def _pool(self, call: Call, key: Key, query: Query) -> Answer:
        body = _object(call)
        return as_json(start_pool(self._engine, self._declared, key, body, is_sandbox=_is_sandbox(query)))

    def _history_v1(self, call: Call, key: Key, query: Query) -> Answer:
        is_visible = self._is_visible(key, query)
        return history_v1(self._engine, query, is_visible=is_visible, choices=self._declared.choices)

    def _history_v2(self, call: Call, key: Key, query: Query) -> Answer:
        is_visible = self._is_visible(key, query)
        return history_v2(self._engine, query, is_visible=is_visible, choices=self._declared.choices)

    def _is_visible(self, key: Key, query: Query) -> Callable[[Execution], bool]:
        if key.workfloos is not None and not key.workfloos:
            raise Refusal(403)
        listed = self._clock.now() - self._declared.choices.delay
        is_sandbox = _is_sandbox(query)
        return lambda one: one.is_sandbox == is_sandbox and key.may(one.workfloo) and one.created <= listed

    def _status(self, call: Call, key: Key, query: Query, *, execution_id: str) -> Answer:
        # Unknown ids are answered with {} here and without a body elsewhere: the documentation shows both.
        return as_json(status_of(self._find(execution_id, key, query, body={})))

    def _detail(self, call: Call, key: Key, query: Query, *, execution_id: str) -> Answer:
        return as_json(detail_of(self._find(execution_id, key, query)))

    def _file(self, call: Call, key: Key, query: Query, *, execution_id: str, version: int) -> Answer:
        if missing := [name for name in ("nodeId", "name") if not query.get(name)]:
            raise required(*missing)
        execution = self._find(execution_id, key, query)
        for visit in reversed(execution.visits):
            found = file_of(visit, query["name"]) if visit.node.id == query["nodeId"] else None
            if found is not None:
                left = self._engine.render(visit)
                return as_json({"fileBase64": found}) if left <= 0 else _not_yet(left, version)
        raise Refusal(404)

    def _act(
        self,
        call: Call,
        key: Key,
        query: Query,
        *,
        execution_id: str,
        act: Callable[[Engine, Execution, Body], Any],
    ) -> Answer:
        execution = self._find(execution_id, key, query)
        # The codes' bodies are optional.
        body = _object(call) if call.body or call.head.method == "POST" else {}
        return as_json(act(self._engine, execution, body))

    def _find(self, execution_id: str, key: Key, query: Query, *, body: Any = None) -> Execution:
        if not _ID.fullmatch(execution_id):
            raise Refusal(400)
        execution = self._engine.executions.get(execution_id)
        if execution is None or execution.is_sandbox != _is_sandbox(query):
            raise Refusal(404, body)
        if not key.may(execution.workfloo):
            raise Refusal(403)
        return execution

    def _publish(self, *, workfloo: str, published: bool = True) -> None:
        for one in self._declared.workfloos.values():
            if workfloo in (one.id, one.key):
                one.published = published
                return
        known = ", ".join(one.key for one in self._declared.workfloos.values())
        raise CommandError(f"no workfloo {workfloo!r}; there are {known}")

    def _list_as(
        self,
        *,
        content_key: str | None = None,
        delay: float | None = None,
        most_items: int | None = None,
    ) -> None:
        choices = self._declared.choices
        choices.content_key = choices.content_key if content_key is None else content_key
        choices.delay = choices.delay if delay is None else delay
        choices.most_items = choices.most_items if most_items is None else most_items

    def _ask_scenario(self, *, always: bool = True) -> None:
        self._declared.choices.always_scenario = always

    def _add_key(self, **settings: Any) -> None:
        known = {one.key: one for one in self._declared.workfloos.values()}
        try:
            key = read_key(settings, known)
        except DeclarationError as error:
            raise CommandError(str(error)) from None
        self._keys[key.key] = key


def _is_sandbox(query: Query) -> bool:
    return query.get("sandbox", "").lower() == "true"


def _not_yet(left: float, version: int) -> Answer:
    """Say that a file is being made: 503 in the first version, 202 in the second (vendor's SDK)."""
    if version == 1:
        return Refusal(503).answer
    wait = math.ceil(left)
    body = as_json({"status": "PROCESSING", "retryAfter": wait}).body
    return Answer(body, status=202, headers=(("Retry-After", str(wait)),))


def _object(call: Call) -> Body:
    """Return the body, which must be an object; what the vendor says otherwise is not documented."""
    try:
        body = json.loads(call.body)
    except ValueError:
        raise Refusal(400) from None
    if not isinstance(body, dict):
        raise Refusal(400)
    return body
