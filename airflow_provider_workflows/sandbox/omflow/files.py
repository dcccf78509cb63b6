"""Files of an order: upload, list, and the rule that a name replaces its older namesake."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.sandbox.omflow.listing import local_time
from airflow_provider_workflows.sandbox.omflow.messages import Say
from airflow_provider_workflows.sandbox.omflow.model import User
from airflow_provider_workflows.sandbox.omflow.refusal import Refusal
from airflow_provider_workflows.sandbox.omflow.request import RestRequest
from airflow_provider_workflows.sandbox.omflow.state import Flow, State
from airflow_provider_workflows.sandbox.omflow.table import Order, StoredFile
from airflow_provider_workflows.sandbox.spool import Upload


def attach(state: State, order: Order, data_id: int, upload: Upload) -> None:
    """Keep a file with a row; one of the same name there is replaced."""
    for old in [file for file in order.files if (file.data_id, file.upload.name) == (data_id, upload.name)]:
        order.files.remove(old)
        old.upload.remove()
    upload.kept = True
    order.files.append(StoredFile(next(state.file_ids), data_id, upload, state.agenda.now()))
    state.journal.effect("uploaded")


def upload_files(state: State, request: RestRequest, user: User) -> tuple[Say, Any]:
    """Serve ``omdata-file/upload/``.

    :raises Refusal: with 403 for an unknown row, as for a missing right (recorded).
    """
    flow = named_flow(state, request)
    order = named_order(flow, request)
    data_id = named_number(request, "data_id")
    if not user.may("modify", flow.process.api_path) or order is None:
        raise Refusal(403, Say.NO_RIGHT)
    if all(row.id != data_id for row in order.rows):
        raise Refusal(403, Say.NO_RIGHT)
    for upload in request.call.uploads:
        if upload.field == "files":
            attach(state, order, data_id, upload)
    return Say.UPLOADED, None


def list_files(state: State, request: RestRequest, user: User) -> tuple[Say, Any]:
    """Serve ``omdata-file/list/``: all files of the order, newest first, whatever row is named (recorded).

    :raises Refusal: if the user may not see the process.
    """
    flow = named_flow(state, request)
    state.demand(user, "view", flow.process)
    order = named_order(flow, request)
    files = [] if order is None else reversed(order.files)
    return Say.LOADED, [_shown(flow, request, file) for file in files]


def _shown(flow: Flow, request: RestRequest, file: StoredFile) -> dict[str, Any]:
    folder = f"omformflow/{flow.process.uuid}/{named_number(request, 'data_no')}/{file.data_id}"
    return {
        "id": file.id,
        "file": f"{folder}/{file.upload.name}",
        "size": file.upload.size,
        "delete": False,
        "createtime": local_time(file.createtime),
        "file_name": file.upload.name,
    }


def named_flow(state: State, request: RestRequest) -> Flow:
    """The flow that the body names by ``flow_uuid``.

    :raises Refusal: if there is none.
    """
    request.require("flow_uuid")
    flow = state.flow_of_uuid(str(request.body["flow_uuid"]))
    if flow is None:
        raise Refusal(404, Say.NO_PROCESS)
    return flow


def named_order(flow: Flow, request: RestRequest) -> Order | None:
    """The order that the body names by ``data_no``."""
    return flow.engine.table.orders.get(named_number(request, "data_no"))


def named_number(request: RestRequest, name: str) -> int:
    """A whole number in the body.

    :raises Refusal: with the server's exception text if it is none.
    """
    try:
        return int(request.body.get(name, ""))
    except (TypeError, ValueError) as error:
        raise Refusal(500, str(error)) from None
