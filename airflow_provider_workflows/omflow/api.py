"""
OMFlow's REST API as operations.

Facts marked "recorded" were seen on a server that calls itself 1.1.0.0; "manual" is what the vendor's manual
says of 1.2.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

from airflow_provider_workflows.omflow.answer import Answer, read_answer
from airflow_provider_workflows.omflow.call import VENDOR, call, conditions, number, order_number, segment
from airflow_provider_workflows.omflow.formdata import column, form_items
from airflow_provider_workflows.omflow.order import STATE_COLUMNS, Order, Stop
from airflow_provider_workflows.protocol.errors import (
    AuthenticationFailed,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Rejected,
    ServiceUnavailable,
    UnreadableAnswer,
)
from airflow_provider_workflows.protocol.message import Part, Request
from airflow_provider_workflows.protocol.operation import Operation, Page, Sleep

#: Rows asked for at a time.
PAGE = 500
#: Seconds between two looks for an order that has yet to appear.
_LOOK_AGAIN = 2.0

Row = Mapping[str, Any]
DataNo = int | str


class OMFlowApi:
    """
    The calls of one OMFlow server, as one service user.

    :param version: ``"1.2"`` as the manual describes, or ``"1.1"`` as recorded; they differ in how files
        are sent
    """

    def __init__(self, *, login: str, password: str, version: str = "1.2") -> None:
        self.login = login
        self._password = password
        self.version = version

    # Credentials.

    def security_code(self) -> Operation[str]:
        """
        Fetch the security code that every other call carries.

        It lives five idle minutes in the memory of the server process (recorded, manual).

        :raises AuthenticationFailed: the server does not accept login and password
        """
        basic = base64.b64encode(f"{self.login}:{self._password}".encode()).decode()
        request = Request(
            vendor=VENDOR,
            operation="get security code",
            method="GET",
            path="/accounts/api/security/get/",
            headers={"Authorization": f"Basic {basic}"},
            repeatable=True,
            confidential=True,
            secrets=(self._password, basic),
        )
        answer = read_answer(request, (yield request))
        code = answer.result.get("security") if isinstance(answer.result, Mapping) else None
        if answer.status == 200 and isinstance(code, str) and code:
            return code
        raise self._no_code(answer)

    def _no_code(self, answer: Answer) -> Exception:
        # Recorded: 403 for a wrong password or an inactive user, 500 with an exception's text for an unknown
        # user, a login by e-mail address and a password with a colon. The manual says 404.
        refused = ("OmUser matching query", "username_db", "too many values to unpack")
        if answer.status in (401, 403, 404) or any(text in answer.message for text in refused):
            return answer.error(
                AuthenticationFailed,
                f"OMFlow does not accept the user {self.login!r}: unknown, inactive or wrong password "
                "(a password with a colon and a login by e-mail address never work)",
            )
        kind = UnreadableAnswer if answer.status == 200 else ServiceUnavailable
        return answer.error(kind, "OMFlow gave no security code")

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
        Open an order; once only, since OMFlow makes a second one of the same call (recorded).

        :param form_data: see :func:`~airflow_provider_workflows.omflow.formdata.form_items`
        :param start_input: values for a process without a form
        :param files: parts named ``files``, or after the file field they belong to; version 1.2 only (manual)
        :returns: the order's number; None if the server did not say one, which happens when the start
            component validates and when the engine failed silently, so it is no proof of an order (recorded)
        :raises OutcomeUnknown: the answer is lost
        """
        body: dict[str, Any] = {"action": "create"}
        if form_data is not None or start_input is None:
            body["formdata"] = form_items(form_data)
        if start_input is not None:
            body["start_input"] = start_input
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("open order", path, body, repeatable=False, files=files)
        number = answer.checked()
        return number if isinstance(number, (int, str)) and number != "" else None

    def push_order(
        self,
        api_path: str,
        data_id: int | str,
        *,
        form_data: Any = None,
        quick_action: str | None = None,
    ) -> Operation[None]:
        """
        Push an order on from a stop; OMFlow takes one push per data_id (recorded).

        :param data_id: the row that stands at the stop, fresh from :meth:`query`
        :param form_data: must repeat every required field of the stop; other fields keep their values
            (recorded)
        :param quick_action: ``action1`` or ``action2``: preset fields in place of ``form_data``. A name that
            the stop does not know pushes all the same (recorded).
        :raises Rejected: among others, the row has been pushed already
        :raises OutcomeUnknown: the answer is lost
        """
        body: dict[str, Any] = {"action": "update", "data_id": number(data_id, "data_id")}
        if quick_action is not None:
            body["quick_action"] = quick_action
        else:
            body["formdata"] = form_items(form_data)
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("push order", path, body, repeatable=False)
        answer.checked()

    def delete_order(self, api_path: str, data_no: DataNo) -> Operation[None]:
        """
        Erase an order with all its rows; an unknown number is no error (recorded), so it may be repeated.
        """
        body = {"action": "delete", "data_no": [order_number(data_no)]}
        path = f"/rest/flowmanage/api/omdata/edit/{segment(api_path)}"
        answer = yield from call("delete order", path, body, repeatable=True)
        answer.checked()

    def query(self, api_path: str, data_no: DataNo) -> Operation[list[Stop]]:
        """
        Return where an order stands; failed rows are among them.

        Empty while it runs, when it is closed, and for an unknown number: :meth:`order_state` tells
        (recorded).
        """
        path = f"/rest/flowmanage/api/omdata-data-id/get/{segment(api_path)}"
        body = {"data_no": order_number(data_no)}
        answer = yield from call("query order", path, body, repeatable=True)
        if answer.status == 404:
            raise answer.error(NotFound, f"OMFlow knows no process {api_path!r}, or not this order")
        stops = answer.checked()
        stops = [stops] if isinstance(stops, Mapping) else stops or []
        return [Stop(int(stop["data_id"]), str(stop["stop_chart_text"])) for stop in stops]

    def list_rows(
        self,
        api_path: str,
        *,
        columns: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        exclude: Mapping[str, Any] | None = None,
        above: Mapping[str, Any] | None = None,
        order_by: Sequence[str] = ("id",),
        start: int = 0,
        size: int = PAGE,
    ) -> Operation[Page[Row]]:
        """
        Return a page of a process's rows.

        :param columns: names of columns; empty for all
        :param where: column -> value that rows must have, all of them
        :param exclude: column -> value that rows must not have; OMFlow has no other "not": its ``!=`` acts
            as ``=`` (recorded)
        :param above: column -> value that rows must exceed
        :param order_by: columns, with ``-`` before one for descending order
        :param start: how many rows to leave out; ``Page.next`` of the page before
        :raises NotFound: unknown api_path or column, which the message tells
        """
        if start < 0 or size < 1:
            raise InvalidInput(f"start must be 0 or more and size 1 or more, got {start} and {size}")
        body = {
            "search_columns": list(columns),
            "search_conditions": [*conditions(where), *conditions(above, ">")],
            "exclude_conditions": conditions(exclude),
            "order_columns": list(order_by),
            "start": start,
            # The end index, not a count; 0 means nothing on 1.1 and everything on 1.2 (recorded, manual).
            "limit": start + size,
        }
        path = f"/rest/flowmanage/api/omdata/list/{segment(api_path)}"
        answer = yield from call("list rows", path, body, repeatable=True)
        if answer.status == 404:
            raise answer.error(NotFound, f"OMFlow cannot list {api_path!r}")
        rows = tuple(answer.checked() or ())
        return Page(rows, start + size if len(rows) == size else None)

    def order_state(self, api_path: str, data_no: DataNo, *, columns: Sequence[str] = ()) -> Operation[Order]:
        """
        Return an order's rows, which tell its state.

        :param columns: further columns, such as ``formitm_1``
        """
        wanted = order_number(data_no)
        rows = yield from self._all_rows(api_path, [*STATE_COLUMNS, *columns], where={"data_no": wanted})
        # A condition that the server does not understand is dropped silently (recorded).
        return Order(tuple(row for row in rows if str(row.get("data_no")) == str(wanted)))

    def find_order(
        self, api_path: str, field: str, value: str, *, patience: float = 0.0
    ) -> Operation[DataNo | None]:
        """
        Return the number of the order with a value in a form field; None only if the server would show it.

        :param patience: seconds to go on looking, for an order that appears only after its start validation
        :raises NotFound: unknown api_path or field
        :raises OutcomeUnknown: several orders carry the value
        """
        name = column(field)
        waited = 0.0
        while True:
            rows = yield from self._all_rows(api_path, ["id", "data_no", name], where={name: value})
            if any(name not in row for row in rows):
                raise NotFound(f"OMFlow lists rows of {api_path} without {field}", vendor=VENDOR)
            found = {str(row["data_no"]): row["data_no"] for row in rows if row[name] == value}
            if len(found) > 1:
                raise OutcomeUnknown(
                    f"Orders {', '.join(found)} of {api_path} all carry {value!r} in {field}"
                )
            if found or waited >= patience:
                return next(iter(found.values()), None)
            yield Sleep(_LOOK_AGAIN)
            waited += _LOOK_AGAIN

    def _all_rows(
        self, api_path: str, columns: Sequence[str], *, where: Mapping[str, Any]
    ) -> Operation[list[Row]]:
        """Return the rows that the server lists; other rows among them, if it drops the condition."""
        rows: list[Row] = []
        start: int | None = 0
        while start is not None:
            page = yield from self.list_rows(api_path, columns=columns, where=where, start=start)
            rows += page.items
            start = page.next
        return rows

    # Files.

    def upload_files(self, api_path: str, data_no: DataNo, files: Sequence[Part]) -> Operation[list[Row]]:
        """
        Attach files to an order and return its files; a file of the same name is replaced (recorded).

        :param files: parts named ``files``
        :raises Rejected: the server said yes but does not list a file, which it does when storing failed
            (recorded)
        """
        place = yield from self._place(api_path, data_no)
        path = "/rest/flowmanage/api/omdata-file/upload/"
        answer = yield from call("upload files", path, place, repeatable=True, files=files)
        answer.checked()
        listed = yield from self._files(place)
        sizes = {(str(row.get("file_name")), row.get("size")) for row in listed}
        if lost := [part.filename for part in files if (part.filename, part.size) not in sizes]:
            raise Rejected(
                f"OMFlow took the upload to {api_path} order {data_no} but does not list {lost}",
                vendor=VENDOR,
                operation="upload files",
            )
        return listed

    def list_files(self, api_path: str, data_no: DataNo) -> Operation[list[Row]]:
        """Return the files of an order: rows with ``file_name`` and ``size`` (bytes) among others."""
        return (yield from self._files((yield from self._place(api_path, data_no))))

    def _files(self, place: Mapping[str, Any]) -> Operation[list[Row]]:
        path = "/rest/flowmanage/api/omdata-file/list/"
        answer = yield from call("list files", path, place, repeatable=True)
        return list(answer.checked() or ())

    def _place(self, api_path: str, data_no: DataNo) -> Operation[dict[str, Any]]:
        """
        Return where an order's files go: under its newest row, and the process's id without dashes
        (recorded).
        """
        order = yield from self.order_state(api_path, data_no)
        if not order.rows:
            raise NotFound(
                f"OMFlow lists no order {data_no} of {api_path}", vendor=VENDOR, operation="list rows"
            )
        newest = max(order.rows, key=lambda row: int(row["id"]))
        return {
            "flow_uuid": str(newest["flow_uuid"]).replace("-", ""),
            "data_no": order_number(data_no),
            "data_id": int(newest["id"]),
        }
