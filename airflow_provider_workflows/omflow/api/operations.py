"""
OMFlow's REST API as operations.

Facts marked "recorded" were observed on a server that reports version 1.1.0.0; facts marked "manual" are from
the vendor's manual of version 1.2.

Assumption: where the manual does not say otherwise, 1.2 does as recorded on 1.1. Wrong if 1.2 shows rows,
flags, statuses or error texts of another form or meaning.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from airflow_provider_workflows.core.protocol.message import Part
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    NotFound,
    PermissionDenied,
    Rejected,
    WorkflowError,
)
from airflow_provider_workflows.omflow.api.call import (
    VENDOR,
    Row,
    call,
    fetch_code,
    number,
    order_number,
    segment,
)
from airflow_provider_workflows.omflow.api.form_data import KnownForms, column, form_items, typed
from airflow_provider_workflows.omflow.api.reading import DataNo, ReadingCalls

log = logging.getLogger(__name__)

Items = Sequence[Mapping[str, Any]]


class OMFlowApi(ReadingCalls):
    """
    The API of one OMFlow server, as one service user.

    :param version: ``"1.2"`` (manual) or ``"1.1"`` (recorded); they differ in how files are sent
    """

    def __init__(self, *, login: str, password: str, version: str = "1.2") -> None:
        self.login = login
        self._password = password
        self.version = version
        #: What was read of the processes' forms.
        self.forms = KnownForms()

    # Credentials.

    def security_code(self) -> Operation[str]:
        """
        Fetch the security code that every other call needs.

        :raises AuthenticationFailed: the server does not accept login and password
        """
        return fetch_code(self.login, self._password)

    def check_calls(self) -> Operation[None]:
        """
        Make a call that needs no right on any process, and changes nothing: list one of the user's own tasks.

        For some users the server issues a security code, and then fails every call (recorded).

        :raises InvalidConnection: the user's name is part of another user's name
        """
        path = "/rest/my-mission/api/my-mission/list/"
        answer = yield from call("list tasks", path, {"start": 0, "limit": 1}, repeatable=True)
        # A user without tasks is answered 404 on 1.1 (recorded); a wrong path would be 403.
        if answer.status != 404:
            answer.checked()

    # Orders.

    def open_order(
        self,
        api_path: str,
        form_data: Any = None,
        *,
        start_input: Mapping[str, Any] | None = None,
        files: Sequence[Part] = (),
    ) -> Operation[DataNo | None]:
        """
        Open an order; sent only once, because the same call opens a second order (recorded).

        :param form_data: see :func:`~airflow_provider_workflows.omflow.api.form_data.form_items`
        :param start_input: values for a process without a form
        :param files: parts named ``files``, or named after their file field; version 1.2 only (manual)
        :returns: the order's number; None if the server did not return one, which happens if the start
            component validates or the engine failed silently, so it does not prove that there is an order
            (recorded)
        :raises OutcomeUnknown: no usable answer
        """
        items = form_items(form_data) if form_data is not None or start_input is None else None
        return (yield from self.create_order(api_path, items, start_input=start_input, files=files))

    def create_order(
        self,
        api_path: str,
        items: Items | None,
        *,
        start_input: Mapping[str, Any] | None = None,
        files: Sequence[Part] = (),
        types: Mapping[str, str] | None = None,
    ) -> Operation[DataNo | None]:
        """
        Open an order as :meth:`open_order` does, with items that :func:`form_items` has returned.

        :param types: types that the form shows, by field, for items without one
        """
        body: dict[str, Any] = {"action": "create"}
        if items is not None:
            body["formdata"] = typed(items, types or {}, version=self.version)
        if start_input is not None:
            body["start_input"] = start_input
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("open order", path, body, repeatable=False, files=files)
        number = answer.checked()
        if number is None or number == "":
            return None
        try:
            return order_number(number)
        except InvalidInput:
            raise answer.unreadable("order number") from None

    def push_order(
        self,
        api_path: str,
        data_id: int | str,
        *,
        form_data: Any = None,
        quick_action: str | None = None,
    ) -> Operation[None]:
        """
        Push an order from a stop; OMFlow accepts one push per data_id (recorded).

        :param data_id: id of the row at the stop, from a recent :meth:`query`
        :param form_data: must contain every required field of the stop; other fields keep their values
            (recorded)
        :param quick_action: ``action1`` or ``action2``, preset fields instead of ``form_data``. An unknown
            name pushes the order nevertheless (recorded).
        :raises Rejected: for example, the row has already been pushed
        :raises OutcomeUnknown: no usable answer
        """
        items = form_items(form_data) if quick_action is None else ()
        yield from self.move_order(api_path, data_id, items=items, quick_action=quick_action)

    def move_order(
        self,
        api_path: str,
        data_id: int | str,
        *,
        items: Items = (),
        quick_action: str | None = None,
        types: Mapping[str, str] | None = None,
    ) -> Operation[None]:
        """
        Push an order on as :meth:`push_order` does, with items that :func:`form_items` has returned.

        :param types: types that the form shows, by field, for items without one
        """
        body: dict[str, Any] = {"action": "update", "data_id": number(data_id, "data_id")}
        if quick_action is not None:
            body["quick_action"] = quick_action
        else:
            body["formdata"] = typed(items, types or {}, version=self.version)
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("push order", path, body, repeatable=False)
        answer.checked()

    def delete_order(self, api_path: str, data_no: DataNo) -> Operation[None]:
        """Delete an order with all its rows; repeatable, since an unknown number is no error (recorded)."""
        body = {"action": "delete", "data_no": [order_number(data_no)]}
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("delete order", path, body, repeatable=True)
        answer.checked()

    # Files.

    def upload_files(self, api_path: str, data_no: DataNo, files: Sequence[Part]) -> Operation[list[Row]]:
        """
        Attach files to an order and return its files; a file with the same name is replaced (recorded).

        :param files: parts named ``files``
        :raises Rejected: the server reported success but does not list a file, which means that storing it
            failed (recorded)
        """
        folder = yield from self._folder(api_path, data_no)
        path = "/rest/flowmanage/api/omdata-file/upload/"
        answer = yield from call("upload files", path, folder, repeatable=True, files=files)
        answer.checked()
        listed = yield from self._files(folder)
        sizes = {(str(row.get("file_name")), str(row.get("size"))) for row in listed}
        if lost := [part.filename for part in files if (part.filename, str(part.size)) not in sizes]:
            raise Rejected(
                f"OMFlow accepted the upload to {api_path} order {data_no} but does not list {lost}",
                vendor=VENDOR,
                operation="upload files",
            )
        return listed


# What OMFlow shows of a process's form. It is read once for each connection and process, and reading it never
# stops an order that can be opened.

#: Types of the items that fill the title, the level, the status and the group of an order (recorded).
HEADER_TYPES = frozenset({"h_title", "h_level", "h_status", "h_group"})
#: Django's own text, which is not translated (recorded).
_NO_COLUMN = re.compile(r"Cannot resolve keyword '(\w+)'")


def check_form(api: OMFlowApi, api_path: str, fields: Collection[str]) -> Operation[WorkflowError | None]:
    """
    Return why the order's rows could not be read, or no order would be opened; None if nothing is known.

    It also reads the form's types, if there is an order to read them from.

    :param fields: ids of the form's fields to send
    :returns: :class:`PermissionDenied` if the user may not view the orders, :class:`InvalidInput` if the form
        lacks a field
    """
    known, wanted = api.forms, frozenset(fields)
    if (api_path, wanted) in known.problems:
        return known.problems[api_path, wanted]
    if api_path in known.types and api_path in known.fields and wanted <= known.fields[api_path]:
        return None
    columns = ["id", "flow_uuid", *sorted(map(column, wanted))]
    try:
        page = yield from api.list_rows(api_path, columns=columns, order_by=("-id",), size=1)
    except WorkflowError as error:
        if (problem := _problem(error, api_path, wanted)) is not None:
            known.problems[api_path, wanted] = problem
        return problem
    known.fields[api_path] = wanted | known.fields.get(api_path, frozenset())
    if page.items:
        yield from read_types(api, api_path, page.items[0])
    return None


def read_types(api: OMFlowApi, api_path: str, row: Row) -> Operation[Mapping[str, str] | None]:
    """
    Return the types of the header's fields, by field; None if they cannot be read.

    Assumption: 1.2 shows its form as 1.1 does (recorded). Wrong if items that are sent to 1.2
    stay without a type.

    :param row: any row of the process, with its ``id`` and ``flow_uuid``
    """
    known = api.forms.types
    if api_path not in known:
        body = {"flow_uuid": str(row.get("flow_uuid")).replace("-", ""), "data_id": row.get("id")}
        try:
            answer = yield from call("read form", "/rest/flowmanage/api/omdata/load/", body, repeatable=True)
            known[api_path] = dict(_header(answer.checked()))
        except WorkflowError:
            known[api_path] = None
    return known[api_path]


def noted_types(
    api: OMFlowApi, api_path: str, items: Sequence[Mapping[str, Any]], shown: Mapping[str, str] | None
) -> dict[str, Any]:
    """
    Return what the record keeps: the types that the form shows for items without one.

    :param shown: types of the header's fields; None if they could not be read
    """
    untyped = [item["id"] for item in items if "type" not in item]
    if untyped and shown is None and api.version == "1.1":
        # Assumption: 1.2 knows its form itself, as the manual's items have no type. Wrong if an order that
        # was opened on 1.2 without types has no title.
        warn_once(
            api,
            f"OMFlow does not show the form of {api_path}, so the order's title, level, status and group may "
            "stay as they are\nSet item_types, or pass form_data as a list of items with their types",
        )
    types = {name: shown[name] for name in untyped if name in shown} if shown else {}
    return {"types": types} if types else {}


def warn_once(api: OMFlowApi, message: str) -> None:
    """Log a warning; once for each connection and process."""
    if message not in api.forms.warned:
        api.forms.warned.add(message)
        for line in message.splitlines():
            log.warning("%s", line)


def _header(loaded: Any) -> Iterable[tuple[str, str]]:
    items = loaded.get("formdata") if isinstance(loaded, Mapping) else None
    for item in items if isinstance(items, list) else ():
        kind = item.get("type") if isinstance(item, Mapping) else None
        if isinstance(kind, str) and kind in HEADER_TYPES:
            yield str(item.get("id")), kind


def _problem(error: WorkflowError, api_path: str, wanted: Collection[str]) -> WorkflowError | None:
    if isinstance(error, PermissionDenied) and error.code is not None:
        return PermissionDenied(
            f"OMFlow does not let the connection's user view the orders of {api_path}\n"
            "So Airflow can neither find an order, nor wait for it, nor attach files on server 1.1\n"
            "Give the user the right View on the process",
            vendor=VENDOR,
            operation="list rows",
        )
    unknown = _NO_COLUMN.search(error.message) if isinstance(error, NotFound) else None
    if unknown is None or (name := unknown[1].upper()) not in wanted:
        return None
    return InvalidInput(
        f"OMFlow's form of {api_path} has no field {name}\n"
        "With such a field, OMFlow opens no order and returns no number\n"
        "Correct the ids of the fields",
        vendor=VENDOR,
        operation="list rows",
    )
