"""Calls that only read: the stops, rows and files of orders."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Self, TypeAlias

from airflow_provider_workflows.core.protocol.operation import Operation, Page, Sleep
from airflow_provider_workflows.exceptions import InvalidInput, NotFound, OutcomeUnknown, UnreadableAnswer
from airflow_provider_workflows.omflow.api.call import (
    VENDOR,
    Row,
    call,
    number,
    order_number,
    segment,
)
from airflow_provider_workflows.omflow.api.form_data import column
from airflow_provider_workflows.omflow.api.order import STATE_COLUMNS, Order, Stop

#: Rows per page.
PAGE = 500
#: Values to ask for in one listing: databases allow some hundred in a condition.
MOST_VALUES = 200
#: Seconds between two searches for an order that does not appear yet.
_LOOK_AGAIN = 2.0

DataNo: TypeAlias = int | str


class ReadingCalls:
    """
    The calls that only read; each may be repeated.

    ``self: Self`` makes these operations of the inheriting class, as the hook requires.
    """

    def query(self: Self, api_path: str, data_no: DataNo) -> Operation[list[Stop]]:
        """
        Return the stops of an order, including those of failed rows.

        The list is empty while the order runs, when it is closed, and for an unknown number (recorded);
        :meth:`order_state` distinguishes these.
        """
        path = f"/rest/flowmanage/api/omdata-data-id/get/{segment(api_path)}"
        body = {"data_no": order_number(data_no)}
        answer = yield from call("query order", path, body, repeatable=True)
        if answer.status == 404:
            raise answer.error(NotFound, f"OMFlow does not know the process {api_path!r} or the order")
        stops = answer.checked()
        stops = [stops] if isinstance(stops, Mapping) else stops or []
        try:
            return [
                Stop(int(number(stop["data_id"], "data_id")), str(stop["stop_chart_text"])) for stop in stops
            ]
        except (InvalidInput, KeyError, TypeError):
            raise answer.unreadable("list of stops") from None

    def list_rows(
        self: Self,
        api_path: str,
        *,
        columns: Sequence[str] = (),
        where: Mapping[str, Any] | None = None,
        among: Mapping[str, Sequence[Any]] | None = None,
        exclude: Mapping[str, Any] | None = None,
        above: Mapping[str, Any] | None = None,
        order_by: Sequence[str] = ("id",),
        start: int = 0,
        size: int = PAGE,
    ) -> Operation[Page[Row]]:
        """
        Return a page of a process's rows.

        :param columns: names of the columns to return; empty for all
        :param where: column -> value that rows must have; all must match
        :param among: column -> values of which rows must have one
        :param exclude: column -> value that rows must not have; OMFlow has no other negation, since its
            ``!=`` acts like ``=`` (recorded)
        :param above: column -> value that rows must exceed
        :param order_by: columns, with ``-`` before one for descending order
        :param start: number of rows to skip; ``Page.next`` of the previous page
        :raises NotFound: unknown api_path or column; the message says which
        """
        if start < 0 or size < 1:
            raise InvalidInput(f"start must be 0 or more and size 1 or more, got {start} and {size}")
        conditions = [
            [{"column": name, "condition": sign, "value": value} for name, value in (given or {}).items()]
            for given, sign in ((where, "="), (among, "in"), (above, ">"), (exclude, "="))
        ]
        body = {
            "search_columns": list(columns),
            "search_conditions": conditions[0] + conditions[1] + conditions[2],
            "exclude_conditions": conditions[3],
            "order_columns": list(order_by),
            "start": start,
            # The end index, not a count; 0 means nothing on 1.1 and everything on 1.2 (recorded, manual).
            "limit": start + size,
        }
        path = f"/rest/flowmanage/api/omdata/list/{segment(api_path)}"
        answer = yield from call("list rows", path, body, repeatable=True)
        if answer.status == 404:
            raise answer.error(NotFound, f"OMFlow cannot list {api_path!r}")
        rows = answer.rows()
        if len(rows) > size:
            raise answer.unreadable(f"page of at most {size} rows")
        return Page(rows, start + size if len(rows) == size else None)

    def order_state(
        self: Self, api_path: str, data_no: DataNo, *, columns: Sequence[str] = ()
    ) -> Operation[Order]:
        """
        Return an order's rows, which determine its state.

        :param columns: additional columns, such as ``formitm_1``
        """
        wanted = order_number(data_no)
        rows = yield from self._all_rows(api_path, [*STATE_COLUMNS, *columns], where={"data_no": wanted})
        # The server silently ignores conditions that it does not understand (recorded).
        mine = tuple(row for row in rows if str(row.get("data_no")) == str(wanted))
        if any("id" not in row for row in mine):
            raise unreadable(f"a row of {api_path} without an id")
        return Order(mine)

    def order_states(
        self: Self, api_path: str, numbers: Sequence[DataNo], *, columns: Sequence[str] = ()
    ) -> Operation[dict[str, Order]]:
        """
        Return the rows of several orders, by their numbers as text.

        An order without rows is left out, and so is one of whose rows one has no id. If the server lists
        another order, it has ignored the condition (recorded), and nothing is returned.

        :param numbers: at most 200
        :param columns: as in :meth:`order_state`
        """
        wanted: dict[str, list[Row]] = {str(order_number(one)): [] for one in numbers}
        columns, start = [*STATE_COLUMNS, *columns], 0
        while start is not None:
            among = {"data_no": list(numbers)}
            page = yield from self.list_rows(api_path, columns=columns, among=among, start=start)
            for row in page.items:
                if (rows := wanted.get(str(row.get("data_no")))) is None:
                    return {}
                rows.append(row)
            start = page.next
        return {
            one: Order(tuple(rows))
            for one, rows in wanted.items()
            if rows and all("id" in row for row in rows)
        }

    def find_order(
        self: Self, api_path: str, field: str, value: str, *, patience: float = 0.0
    ) -> Operation[DataNo | None]:
        """
        Return the number of the order with a value in a form field; None if the server would list it.

        :param patience: seconds to continue searching, for an order that appears only after its start
            validation
        :raises NotFound: unknown api_path or field
        :raises OutcomeUnknown: several orders have the value
        """
        waited = 0.0
        while True:
            rows = yield from self._rows_with(api_path, field, [value])
            found = _numbers(rows, field, {value}).get(value, [])
            if len(found) > 1:
                raise several_orders(api_path, field, value, found)
            if found or waited >= patience:
                return next(iter(found), None)
            yield Sleep(_LOOK_AGAIN)
            waited += _LOOK_AGAIN

    def find_orders(
        self: Self, api_path: str, field: str, values: Collection[str]
    ) -> Operation[Mapping[str, list[DataNo]] | None]:
        """
        Return the numbers of the orders that have one of some values in a form field, by value.

        A server that took the condition for another one would list no order, and all would seem to be
        missing. So the listing also asks for a value that the process's newest row has.

        :returns: None if there is no such value, or the server does not list it
        :raises NotFound: unknown api_path or field
        """
        name = column(field)
        newest = yield from self.list_rows(api_path, columns=["id", name], order_by=("-id",), size=1)
        known = str((newest.items[0] if newest.items else {}).get(name) or "")
        if not known:
            return None
        found: dict[str, list[DataNo]] = {}
        wanted = list(values)
        for start in range(0, len(wanted), MOST_VALUES):
            batch = [*wanted[start : start + MOST_VALUES], known]
            rows = yield from self._rows_with(api_path, field, batch)
            numbers = _numbers(rows, field, set(batch))
            if known not in numbers:
                return None
            found |= numbers
        return found

    def _rows_with(self, api_path: str, field: str, values: Sequence[str]) -> Operation[list[Row]]:
        """Return the rows that have one of some values in a form field, and perhaps others."""
        name = column(field)
        columns = ["id", "data_no", name]
        if len(values) == 1:
            rows = yield from self._all_rows(api_path, columns, where={name: values[0]})
        else:
            rows = yield from self._all_rows(api_path, columns, among={name: values})
        if any(name not in row for row in rows):
            raise NotFound(f"The rows of {api_path} have no field {field}", vendor=VENDOR)
        if any("data_no" not in row for row in rows):
            raise unreadable(f"a row of {api_path} without a number")
        return rows

    def _all_rows(
        self,
        api_path: str,
        columns: Sequence[str],
        *,
        where: Mapping[str, Any] | None = None,
        among: Mapping[str, Sequence[Any]] | None = None,
    ) -> Operation[list[Row]]:
        """Return the rows that the server lists; includes other rows if it ignores the condition."""
        rows: list[Row] = []
        start: int | None = 0
        while start is not None:
            page = yield from self.list_rows(api_path, columns=columns, where=where, among=among, start=start)
            rows += page.items
            start = page.next
        return rows

    def list_files(self: Self, api_path: str, data_no: DataNo) -> Operation[Page[Row]]:
        """Return the files of an order, on one page: rows with ``file_name``, ``size`` (bytes) and more."""
        return Page(tuple((yield from self._files((yield from self._folder(api_path, data_no))))))

    def _files(self, folder: Mapping[str, Any]) -> Operation[list[Row]]:
        path = "/rest/flowmanage/api/omdata-file/list/"
        answer = yield from call("list files", path, folder, repeatable=True)
        return list(answer.rows())

    def _folder(self, api_path: str, data_no: DataNo) -> Operation[dict[str, Any]]:
        """Return what identifies an order's files: its newest row, and its process (recorded)."""
        order = yield from self.order_state(api_path, data_no)
        if not order.rows:
            raise NotFound(f"OMFlow does not list order {data_no} of {api_path}", vendor=VENDOR)
        newest = max(order.rows, key=lambda row: int(row["id"]))
        if not isinstance(uuid := newest.get("flow_uuid"), str):
            raise unreadable(f"a row of {api_path} without a flow_uuid")
        return {
            "flow_uuid": uuid.replace("-", ""),
            "data_no": order_number(data_no),
            "data_id": newest["id"],
        }


def several_orders(api_path: str, field: str, value: str, found: Sequence[DataNo]) -> OutcomeUnknown:
    """Return the error if several orders have a value that only one may have."""
    named = ", ".join(map(str, found[:20]))
    return OutcomeUnknown(f"Several orders of {api_path} have {value!r} in {field}: {named}")


def _numbers(rows: Iterable[Row], field: str, values: Collection[str]) -> dict[str, list[DataNo]]:
    """Return the numbers of the orders that have one of some values in a form field, by value."""
    name, found = column(field), dict[str, dict[str, DataNo]]()
    for row in rows:
        # The server silently ignores conditions that it does not understand (recorded).
        if isinstance(value := row[name], str) and value in values:
            found.setdefault(value, {})[str(row["data_no"])] = _listed(row)
    return {value: list(numbers.values()) for value, numbers in found.items()}


def _listed(row: Row) -> DataNo:
    """Return the number of a listed order."""
    try:
        return order_number(row["data_no"])
    except InvalidInput:
        raise unreadable("an order whose number is none") from None


def unreadable(listed: str) -> UnreadableAnswer:
    """Return the error for a listing that cannot be read."""
    return UnreadableAnswer(f"OMFlow lists {listed}", vendor=VENDOR, operation="list rows")
