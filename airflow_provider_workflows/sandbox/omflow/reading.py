"""The endpoints that only read: query, list, load, samples, work log and version."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.sandbox.omflow.design import form_object, loaded, quick_actions, sample
from airflow_provider_workflows.sandbox.omflow.files import named_flow, named_number, named_order
from airflow_provider_workflows.sandbox.omflow.listing import cell, list_rows, local_time
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import User
from airflow_provider_workflows.sandbox.omflow.request import RestRequest
from airflow_provider_workflows.sandbox.omflow.state import Flow, State
from airflow_provider_workflows.sandbox.omflow.table import Note

Reply = tuple[Say, Any]


def query(state: State, request: RestRequest, user: User, api_path: str) -> Reply:
    """Serve ``omdata-data-id/get/<api_path>``: where an order stands. No right is asked for (recorded)."""
    request.require("data_no")
    flow = state.flow(api_path)
    if flow is None:
        raise Refusal(404, Say.QUERY_FAILED)
    order = named_order(flow, request)
    standing = [] if order is None else sorted((r for r in order.rows if r.is_standing), key=lambda r: r.id)
    return Say.QUERIED, [{"data_id": row.id, "stop_chart_text": row.stop_chart_text} for row in standing]


def list_orders(state: State, request: RestRequest, user: User, api_path: str) -> Reply:
    """Serve ``omdata/list/<api_path>``."""
    flow = state.flow(api_path)
    if flow is None:
        raise Refusal(404, Say.NO_PROCESS)
    state.demand(user, "view", flow.process)
    columns = [field.column for field in flow.process.fields.values()]
    return Say.QUERIED, list_rows(flow.engine.table, columns, request.body, state.dialect)


def load(state: State, request: RestRequest, user: User) -> Reply:
    """
    Serve ``omdata/load/``: the form of one row with its values.

    :raises Refusal: with 403 for an unknown row, as for a missing right (recorded).
    """
    flow = named_flow(state, request)
    process = flow.process
    row = flow.engine.table.row(named_number(request, "data_id"))
    if row is None or not user.may("view", process.api_path):
        raise Refusal(403, Say.NO_RIGHT)
    return Say.LOADED, {
        "formobject": form_object(process),
        "formdata": [loaded(field, cell(row, field.column)) for field in process.fields.values()],
        "config": dict.fromkeys(("fp_show", "worklog", "history", "attachment", "relation"), True),
        "flow_name": {"trans": process.name, "original": process.name},
        "app_name": {"trans": process.app, "original": process.app},
        "quick_action": quick_actions(process, row),
        "files": [],
        "find_item": True,
        "closed": row.closed,
    }


def samples(state: State, request: RestRequest, user: User) -> Reply:
    """Serve ``flow-active-api-format/get/``: a sample body for one action, with ids and types."""
    request.require("app_name", "flow_name", "action")
    flow = state.flow_of_name(request.body["app_name"], request.body["flow_name"])
    if flow is None:
        raise Refusal(404, Say.NO_PROCESS)
    state.demand(user, "design", flow.process)
    action = str(request.body["action"])
    if action not in ("create", "update", "query"):
        raise Refusal(404, Say.UNKNOWN_ACTION)
    return Say.LOADED, sample(flow.process, action)


def create_note(state: State, request: RestRequest, user: User) -> Reply:
    """Serve ``omdata-worklog/create/``."""
    flow = _noted_flow(state, request)
    state.demand(user, "modify", flow.process)
    order = named_order(flow, request)
    if order is None:
        raise Refusal(404, Say.NOT_FOUND)
    order.notes.append(Note(user.name, str(request.body.get("content", "")), state.agenda.now()))
    return Say.WORKLOG_CREATED, None


def list_notes(state: State, request: RestRequest, user: User) -> Reply:
    """Serve ``omdata-worklog/list/``."""
    flow = _noted_flow(state, request)
    state.demand(user, "view", flow.process)
    order = named_order(flow, request)
    notes = [] if order is None else order.notes
    return Say.WORKLOG_LISTED, [
        {
            "flow_uuid": flow.process.uuid,
            "create_user_id__nick_name": note.user,
            "content": note.content,
            "createtime": local_time(note.createtime, timespec="microseconds", separator=" "),
        }
        for note in notes
    ]


def _noted_flow(state: State, request: RestRequest) -> Flow:
    if not state.dialect.worklog_by_path:
        return named_flow(state, request)
    request.require("api_path")
    flow = state.flow(str(request.body["api_path"]))
    if flow is None:
        raise Refusal(404, Say.NO_PROCESS)
    return flow


def version(state: State, request: RestRequest, user: User) -> Reply:
    """Serve ``server-version/get/``, which 1.1 does not have; the shape of the answer is ours."""
    if not state.dialect.tells_version:
        raise Refusal(403, Say.BAD_URL)
    return Say.QUERIED, state.dialect.version
