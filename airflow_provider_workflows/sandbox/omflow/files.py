"""Files of an order: upload, list, and the rule that a name replaces its older namesake."""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from typing import Any

from airflow_provider_workflows.sandbox.omflow.listing import local_time
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import User
from airflow_provider_workflows.sandbox.omflow.request import RestRequest
from airflow_provider_workflows.sandbox.omflow.state import Flow, State
from airflow_provider_workflows.sandbox.omflow.table import Order, StoredFile
from airflow_provider_workflows.sandbox.vendor import Upload

#: Characters of the column that holds a file's path.
_LONGEST_PATH = 100


def attach(state: State, order: Order, data_id: int, uploads: Sequence[Upload]) -> None:
    """Keep the files of one request with a row; a file of the same name there is replaced."""
    written: set[str] = set()
    for upload in uploads:
        named = (data_id, upload.name)
        order.files[:] = [file for file in order.files if (file.data_id, file.upload.name) != named]
        folder = f"omformflow/{order.rows[0].flow_uuid if order.rows else ''}/{order.data_no}/{data_id}"
        path = _path(folder, upload.name, again=upload.name in written)
        order.files.append(StoredFile(next(state.file_ids), data_id, upload, state.agenda.now(), path))
        written.add(upload.name)
        state.journal.effect("uploaded")


def upload_files(state: State, request: RestRequest, user: User) -> tuple[Say, Any]:
    """
    Serve ``omdata-file/upload/``.

    :raises Refusal: with 403 for an unknown row, as for a missing right (recorded).
    """
    flow = state.flow_of_uuid(str(request.body.get("flow_uuid", "")))
    data_id = named_number(request, "data_id")
    row = None if flow is None else flow.engine.table.row(data_id)
    if flow is None or row is None or not user.may("modify", flow.process.api_path):
        raise Refusal(403, Say.NO_RIGHT)
    # The order is not checked against the row: a file of an unknown number is lost (recorded).
    order = named_order(flow, request) or Order(named_number(request, "data_no"))
    attach(state, order, data_id, [upload for upload in request.uploads if upload.field == "files"])
    return Say.UPLOADED, None


def list_files(state: State, request: RestRequest, user: User) -> tuple[Say, Any]:
    """
    Serve ``omdata-file/list/``: all files of the order, newest first, whatever row is named (recorded).

    :raises Refusal: if the user may not see the process.
    """
    flow = named_flow(state, request)
    state.demand(user, "view", flow.process)
    order = named_order(flow, request)
    files = [] if order is None else reversed(order.files)
    return Say.LOADED, [_shown(file) for file in files]


def _shown(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "file": file.path,
        "size": file.upload.size,
        "delete": False,
        "createtime": local_time(file.createtime),
        "file_name": file.upload.name,
    }


def _path(folder: str, name: str, *, again: bool) -> str:
    """
    Return the path of a file: without special characters, and cut to the length of the column.

    :param again: whether the same request has written a file of this name
    """
    name = re.sub(r"[^-\w.]", "", name.replace(" ", "_"))
    stem, dot, ending = name.rpartition(".")
    room = _LONGEST_PATH - len(folder) - 1
    if again or len(name) > room:
        cut = secrets.token_hex(4)[:7]
        name = f"{(stem or ending)[: room - len(dot + ending) - 8]}_{cut}{dot}{ending}"
    return f"{folder}/{name}"


def named_flow(state: State, request: RestRequest) -> Flow:
    """
    Return the flow that the body names by ``flow_uuid``.

    :raises Refusal: if there is none.
    """
    request.require("flow_uuid")
    flow = state.flow_of_uuid(str(request.body["flow_uuid"]))
    if flow is None:
        raise Refusal(404, Say.NO_PROCESS)
    return flow


def named_order(flow: Flow, request: RestRequest) -> Order | None:
    """Return the order that the body names by ``data_no``."""
    return flow.engine.table.orders.get(named_number(request, "data_no"))


def named_number(request: RestRequest, name: str) -> int:
    """
    Return a whole number in the body.

    :raises Refusal: with the server's exception text if it is none.
    """
    try:
        return int(request.body.get(name, ""))
    except (TypeError, ValueError) as error:
        raise Refusal(500, str(error)) from None
