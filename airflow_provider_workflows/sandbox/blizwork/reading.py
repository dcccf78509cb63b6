"""The other calls: reading cases, files, mail, master data, and the check of a webhook."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from airflow_provider_workflows.sandbox.blizwork.cases import Case, document
from airflow_provider_workflows.sandbox.blizwork.declared import Row
from airflow_provider_workflows.sandbox.blizwork.refusal import Refusal
from airflow_provider_workflows.sandbox.blizwork.state import Body, Notification, State


def case(state: State, body: Body) -> dict[str, Any]:
    """Serve ``process/case``."""
    environment = _reader(state, body)
    workflow = state.workflow(body.text("processId"), environment)
    found = state.cases.find(workflow, body.take("caseNumber", int), environment)
    if found is None:
        raise Refusal(4)
    include = body.take("include", int, optional=True)
    return {"payload": _document(state, found, include or 0)}


def case_list(state: State, body: Body) -> dict[str, Any]:
    """Serve ``process/case-list``. The filter's grammar is not known: here, equality of document keys."""
    environment = _reader(state, body)
    workflow = state.workflow(body.text("processId"), environment)
    wanted = body.take("filter", dict)
    cases = [one for one in state.cases.all() if (one.workflow, one.environment) == (workflow, environment)]
    return {"payload": [row for row in (_document(state, one, 0) for one in cases) if _matches(row, wanted)]}


def _document(state: State, one: Case, include: int) -> Row:
    declared = state.declared
    return document(one, company=declared.company, include=include, beginning=declared.history)


def upload(state: State, body: Body) -> dict[str, Any]:
    """Serve ``attachment/upload``. Encoding and answer are not known: here, Base64 and name with URL."""
    state.user(body.text("userId"))
    body.text("module")
    name = body.text("filename")
    try:
        base64.b64decode(body.take("file", str), validate=True)
    except binascii.Error:
        raise Refusal(100, "file") from None
    url = f"https://files.blizwork.example/{next(state.file_numbers)}/{name}"
    state.file_urls.add(url)
    state.journal.effect("uploaded")
    return {"payload": {"fileName": name, "fileUrl": url}}


def notify(state: State, body: Body) -> dict[str, Any]:
    """Serve ``utils/send-notification``; recipients come with commas between."""
    template = body.text("template")
    addresses = Body(body.take("params", dict)).text("to").split(",")
    if not all("@" in address for address in addresses):
        raise Refusal(100, "to")
    number = next(state.notification_numbers)
    sent = Notification(number, template, len(addresses), state.agenda.now())
    state.held[sent.key] = sent
    state.journal.effect("notified")
    return {}


def validate(state: State, body: Body) -> dict[str, Any]:
    """
    Serve ``utils/validatecall``: whether BlizWork made a webhook call, which it confirms only once.

    This double calls no webhook. A test has it issue the handshake token of one by a command, ``handshake``.
    The vendor's pages send that token in the body, the SDK in the path, before the API token.
    """
    handshake = body.text("token")
    if handshake not in state.handshakes:
        raise Refusal(1)
    state.handshakes.remove(handshake)
    return {}


def rows(state: State, body: Body) -> dict[str, Any]:
    """Serve ``master-data``."""
    _reader(state, body)
    wanted = body.take("filter", dict)
    return {"payload": [row for row in _table(state, body) if _matches(row, wanted)]}


def upsert(state: State, body: Body) -> dict[str, Any]:
    """Serve ``master-data/upsert``: inserts when no row matches (vendor's pages)."""
    _reader(state, body)
    table, wanted, update = _table(state, body), body.take("filter", dict), body.take("update", dict)
    found = [row for row in table if _matches(row, wanted)]
    for row in found:
        row.update(update)
    if not found:
        table.append({**wanted, **update})
    state.journal.effect("upserted")
    return {}


def delete(state: State, body: Body) -> dict[str, Any]:
    """Serve ``master-data/delete``."""
    _reader(state, body)
    table, wanted = _table(state, body), body.take("filter", dict)
    table[:] = [row for row in table if not _matches(row, wanted)]
    state.journal.effect("deleted")
    return {}


def _reader(state: State, body: Body) -> str:
    state.user(body.text("userId"))
    return state.environment(body)


def _table(state: State, body: Body) -> list[Row]:
    table = state.declared.tables.get(body.text("table"))
    if table is None:
        raise Refusal(100, "table")
    return table


def _matches(row: Row, wanted: dict[str, Any]) -> bool:
    return all(name in row and row[name] == value for name, value in wanted.items())
