"""The edit endpoint: open, push and delete an order."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from airflow_provider_workflows.sandbox.omflow.files import attach
from airflow_provider_workflows.sandbox.omflow.forms import (
    Item,
    StorageError,
    apply_items,
    check_headers,
    check_items,
    read_items,
)
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import Process, User
from airflow_provider_workflows.sandbox.omflow.request import RestRequest
from airflow_provider_workflows.sandbox.omflow.state import Flow, State, order_id
from airflow_provider_workflows.sandbox.omflow.table import Order, Row
from airflow_provider_workflows.sandbox.vendor import Upload

Reply = tuple[Say, Any]

ENDPOINT_OF_ACTION = {"create": "open", "update": "push", "delete": "delete"}


def edit(state: State, request: RestRequest, user: User, api_path: str) -> Reply:
    """
    Serve ``omdata/edit/<api_path>``.

    :raises Refusal: in all the recorded ways.
    """
    if request.is_form and api_path != "None" and not state.dialect.multipart_open:
        raise Refusal(500, "This QueryDict instance is immutable")
    request.require("action")
    flow = _flow(state, request, api_path)
    process = flow.process
    if not process.api:
        raise Refusal(404, Say.API_OFF)
    if not process.enabled:
        raise Refusal(404, Say.DISABLED)
    actions: dict[Any, Callable[[State, RestRequest, User, Flow], Reply]] = {
        "create": _open,
        "update": _push,
        "delete": _delete,
    }
    action = request.body["action"]
    if not isinstance(action, str) or action not in actions:
        raise Refusal(404, Say.UNKNOWN_ACTION)
    return actions[action](state, request, user, flow)


def _flow(state: State, request: RestRequest, api_path: str) -> Flow:
    """Return the flow of a path; the path ``None`` leaves the choice to the body (recorded)."""
    if api_path != "None":
        flow = state.flow(api_path)
    elif request.body.get("flow_uuid"):
        flow = state.flow_of_uuid(str(request.body["flow_uuid"]))
    else:
        flow = state.flow_of_name(request.body.get("app_name"), request.body.get("flow_name"))
    if flow is None:
        raise Refusal(500, "'NoneType' object has no attribute 'api'")
    return flow


def _open(state: State, request: RestRequest, user: User, flow: Flow) -> Reply:
    process = flow.process
    state.demand(user, "add", process)
    items = read_items(_decoded(request.body.get("formdata", [])), process, state.dialect, status=500)
    uploads = _open_uploads(state, request, items)
    check_items(items, process, [field.id for field in process.fields.values() if field.required])
    check_headers(items)
    start_input = _decoded(request.body.get("start_input"))
    if isinstance(start_input, Mapping) and (
        blank := [name for name in process.start_input if start_input.get(name) == ""]
    ):
        raise Refusal(404, Say.VARIABLE_MISSING, names=", ".join(blank))
    number = _begin(state, flow, user, items, uploads, start_input)
    return Say.OPENED, state.dialect.no_number if number is None else state.spoken_number(number)


def _decoded(formdata: Any) -> Any:
    if not isinstance(formdata, str):
        return formdata
    try:
        return json.loads(formdata or "[]")
    except ValueError as error:
        raise Refusal(500, str(error)) from None


def _open_uploads(state: State, request: RestRequest, items: list[Item]) -> list[Upload]:
    """Return the files to keep: all ``files``, and in 1.2 those of the fields that ``files_item`` names."""
    named: Sequence[str] = []
    if state.dialect.multipart_open:
        named = _decoded(request.body.get("files_item", "[]")) or []
    fields = [upload for upload in request.uploads if upload.field in named]
    items.extend(Item(upload.field, "form-file", upload.name) for upload in fields)
    return [upload for upload in request.uploads if upload.field == "files"] + fields


def _begin(
    state: State, flow: Flow, user: User, items: list[Item], uploads: list[Upload], start_input: Any
) -> int | None:
    """Open the order now, or after the validation; its number if one can be told."""
    process = flow.process
    verdict = process.start.validation
    if isinstance(start_input, Mapping) and any(name not in start_input for name in process.start_input):
        return None
    if verdict is None:
        order = _new_order(state, flow, user, items, uploads)
        if order is not None:
            flow.engine.begin(order)
        return None if order is None else order.data_no
    phantom = None if process.input_mapped else _new_order(state, flow, user, items, [])
    if phantom is not None:
        flow.engine.begin(phantom, moves=False)
    if verdict == "accept":
        flow.engine.later(lambda: _open_validated(state, flow, user, items, uploads))
    return None if phantom is None else phantom.data_no


def _open_validated(state: State, flow: Flow, user: User, items: list[Item], uploads: list[Upload]) -> None:
    order = _new_order(state, flow, user, items, uploads)
    if order is not None:
        flow.engine.begin(order)


def _new_order(
    state: State, flow: Flow, user: User, items: list[Item], uploads: list[Upload]
) -> Order | None:
    """Return the order with its first row; None, and a number lost, if a value is refused (recorded)."""
    table, process, now = flow.engine.table, flow.process, state.agenda.now()
    order = Order(table.next_no())
    row = Row(
        id=0,
        data_no=order.data_no,
        flow_uuid=process.uuid,
        init_data_id=0,
        create_user_id=user.name,
        update_user_id=user.name,
        createtime=now,
        updatetime=now,
        form={field.column: field.left_out for field in process.fields.values()},
    )
    try:
        apply_items(row, items, process)
    except StorageError:
        return None
    table.orders[order.data_no] = order
    state.held[order_id(process, order.data_no)] = (flow, order)
    table.add(row)
    row.data_param = _data_param(process, row)
    attach(state, order, row.id, uploads)
    return order


def _data_param(process: Process, row: Row) -> str:
    """Return the engine's own note in a row, as the server keeps it."""
    target = process.flow[process.start.to[0]].uuid if process.start.to else ""
    note = {
        "flow_uuid": process.uuid,
        "chart_id_to": target,
        "chart_id_from": process.start.uuid,
        "data_no": row.data_no,
        "data_id": row.id,
        "table_uuid": process.uuid,
        "flowlog": True,
        "error": False,
        "flow_value": {"result": "success"},
        "error_pass": False,
    }
    return json.dumps(note)


def _push(state: State, request: RestRequest, user: User, flow: Flow) -> Reply:
    row = _pushed_row(state, request, user, flow)
    process = flow.process
    component = flow.engine.component_of(row)
    if component.kind != "human":
        raise Refusal(404, Say.NOT_MANUAL)
    action = request.body.get("quick_action")
    if action:
        # A preset skips the rules, and one that does not exist presets nothing (recorded).
        preset = component.quick.get(str(action), {})
        items = [Item(name, process.fields[name].type, value) for name, value in preset.items()]
    else:
        items = read_items(request.body.get("formdata", []), process, state.dialect, status=404)
        ruled = component.required
        if ruled is None:
            ruled = tuple(field.id for field in process.fields.values() if field.required)
        check_items(items, process, ruled)
        check_headers(items)
    try:
        with flow.engine.table.changing(row):
            apply_items(row, items, process)
    except StorageError as error:
        raise Refusal(404, str(error)) from None
    flow.engine.push(row, component, user.name)
    return Say.PUSHED, state.spoken_number(row.data_no) if state.dialect.push_tells_number else ""


def _pushed_row(state: State, request: RestRequest, user: User, flow: Flow) -> Row:
    """Return the row to push, found in the order of the vendor's own checks."""
    given = request.body.get("data_id", "")
    row = _row(flow, given)
    # Of an id that is zero or empty, the right is not asked (recorded).
    if given and (row is None or not (user.may("modify", flow.process.api_path) or _is_assignee(user, row))):
        raise Refusal(403, Say.NO_RIGHT)
    try:
        int(given)
    except (TypeError, ValueError) as error:
        raise Refusal(404, str(error)) from None
    if row is None or not row.is_open:
        raise Refusal(404, f"Omdata_{flow.process.uuid} matching query does not exist.")
    if row.running:
        raise Refusal(404, Say.STILL_RUNNING)
    return row


def _row(flow: Flow, data_id: Any) -> Row | None:
    try:
        return flow.engine.table.row(int(data_id))
    except (TypeError, ValueError):
        return None


def _is_assignee(user: User, row: Row) -> bool:
    return bool(row.group) and json.loads(row.group or "{}").get("user") == user.name


def _delete(state: State, request: RestRequest, user: User, flow: Flow) -> Reply:
    state.demand(user, "delete", flow.process)
    numbers = request.body.get("data_no")
    if isinstance(numbers, str):
        numbers = [numbers]
    if not isinstance(numbers, list):
        raise Refusal(404, Say.NOT_FOUND)
    try:
        wanted = [int(number) for number in numbers]
    except (TypeError, ValueError):
        raise Refusal(404, Say.NOT_FOUND) from None
    for number in wanted:
        order = flow.engine.table.remove(number)
        if order is not None:
            state.held.pop(order_id(flow.process, number), None)
            state.journal.effect("deleted")
    return Say.DELETED, ""
