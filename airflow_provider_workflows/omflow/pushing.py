"""Pushing an order on once, and whose push it was that a row shows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Trace
from airflow_provider_workflows.base.effect import Effect
from airflow_provider_workflows.omflow.call import VENDOR, number, order_number, segment
from airflow_provider_workflows.omflow.formdata import column, stored
from airflow_provider_workflows.omflow.order import (
    Order,
    describe,
    has_failed,
    has_moved_on,
    is_running,
)
from airflow_provider_workflows.protocol.errors import InvalidInput, NotFound, Rejected, RunFailed

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.omflow.hook import OMFlowHook

Items = Sequence[Mapping[str, Any]]
OPERATION = "push order"


class OrderPush(Effect):
    """
    One push of an order.

    OMFlow takes one push of a row, its data_id; the baseline holds the row, and the fields whose values the
    push changes, by which it can be told from another push of the same user.

    :param stop_chart_text: label of the stop to push, or None
    :param data_id: or the very row
    :param items: the form's items; none with a quick action
    :raises InvalidInput: an argument is wrong
    """

    def __init__(
        self,
        hook: OMFlowHook,
        *,
        api_path: str,
        data_no: Any,
        stop_chart_text: str | None,
        data_id: Any,
        items: Items,
        quick_action: str | None,
    ) -> None:
        segment(api_path)
        self._hook = hook
        self._api_path = api_path
        self._data_no = order_number(data_no)
        self._stop = stop_chart_text
        self._data_id = None if data_id is None else int(number(data_id, "data_id"))
        self._items = items
        self._quick_action = quick_action
        self._order_name = f"order {api_path}/{data_no}"
        where = f"row {self._data_id}" if self._stop is None else f"the stop {self._stop!r}"
        self.subject = f"the push of {self._order_name} from {where}"
        self.hint = (
            f"{self._order_name}, in its process's list of forms in the menu Apps: whether its history shows "
            f"this push from {where} (as id, write the data_id of the record's baseline)"
        )
        self.payload = {
            "order": f"{api_path}/{data_no}",
            "stop": where,
            "formdata": list(items),
            "quick_action": quick_action,
        }
        #: What a look-up saw that forbids another push, whatever the user wants of doubts.
        self._failed: RunFailed | None = None

    def baseline(self) -> dict[str, Any]:
        """
        Choose the row to push.

        By the rows: the query call lists failed rows among the waiting ones, and a second push of a row whose
        validation was refused leaves it running for good (recorded).

        :raises Rejected: nothing or more than one branch stands at the stop, or the row is not of this order
        """
        try:
            order = self._order([column(item["id"]) for item in self._items])
        except NotFound:
            # A field without a column: the push itself says whether the form has it.
            order = self._order(())
        row = choose(order, stop=self._stop, data_id=self._data_id, subject=f"OMFlow {self._order_name}")
        return {"data_id": int(row["id"]), "changes": changes(row, self._items)}

    def submit(self, record: Record, *, again: bool) -> int:
        """
        Push, and return the data_id that was pushed.

        :raises RunFailed: the order has failed there; a second push would leave it running for good
        """
        if self._failed is not None:
            raise self._failed
        data_id = int(record.baseline["data_id"])
        self._hook.push_order(self._api_path, data_id, form_data=self._items, quick_action=self._quick_action)
        return data_id

    def look_up(self, record: Record) -> Trace:
        """Read the row."""
        noted = record.baseline if isinstance(record.baseline, dict) else {}
        if "data_id" not in noted:
            return CannotKnow("the record does not say which row was to be pushed")
        data_id, changed = int(noted["data_id"]), noted.get("changes", ())
        # Without them no field is asked for, since one without a column makes the whole listing fail.
        columns = [column(item["id"]) for item in self._items] if changed else ()
        order = self._order(columns)
        self._failed = self._failure(order, data_id)
        login = self._hook.get_conn().login
        return trace(order, data_id, login=login, items=self._items, changed=changed)

    def adopt(self, id: Any) -> int:
        """
        Return the data_id of a row that has been pushed.

        :raises InvalidInput: it is none of this order's, or it has not been pushed
        """
        data_id = int(number(id, "data_id"))
        row = self._order(()).row(data_id)
        if row is None or not has_moved_on(row):
            why = "is not listed" if row is None else f"still stands at {row.get('stop_chart_text')!r}"
            raise InvalidInput(f"Row {data_id} of {self._order_name} {why}, so no push of it was made")
        return data_id

    def _order(self, columns: Sequence[str]) -> Order:
        return self._hook.order_state(self._api_path, self._data_no, columns=columns)

    def _failure(self, order: Order, data_id: int) -> RunFailed | None:
        row = order.row(data_id)
        if row is None or has_moved_on(row) or not has_failed(row):
            return None
        return RunFailed(
            f"OMFlow {self._order_name} failed: {order.failure}. A second push of its row would leave it "
            "running for good",
            vendor=VENDOR,
            operation=OPERATION,
        )


def changes(row: Mapping[str, Any], items: Items) -> list[str]:
    """Return the fields in which a row is known to hold another value than the one that is sent."""
    return [
        item["id"] for item in items if (name := column(item["id"])) in row and not _holds(row, name, item)
    ]


def trace(order: Order, data_id: int, *, login: str, items: Items, changed: Collection[str]) -> Trace:
    """
    Tell what became of a row that was to be pushed.

    A push is this one if it is of the same author and left every value that was sent, and if at least one of
    them was not there before: else it may be another push of the same user, such as a quick action. A process
    that changes a field right after the push hides that: rather a doubt than a wrong certainty.

    :param login: the service user
    :param items: the form items that were sent
    :param changed: fields that held other values before
    """
    row = order.row(data_id)
    if row is None:
        return CannotKnow(f"OMFlow does not list its row {data_id} any more, as if the order was deleted")
    if not has_moved_on(row):
        if has_failed(row):
            return CannotKnow(
                f"its row {data_id} has failed, and a second push would leave it running for good (the "
                f"failure: {order.failure})"
            )
        return Absent()
    if str(row.get("update_user_id") or "").lower() != login.lower():
        return _of_another(row, data_id, "by another user")
    if not {item["id"] for item in items} & set(changed):
        return CannotKnow(
            f"its row {data_id} was pushed by this user, but a push that changes no value by form_data shows "
            "nothing that tells it from another one"
        )
    if not all(_holds(row, column(item["id"]), item) for item in items):
        return _of_another(row, data_id, "by this user, but with other values")
    return Found(data_id)


def choose(
    order: Order, *, stop: str | None = None, data_id: int | None = None, subject: str
) -> Mapping[str, Any]:
    """
    Return the row to push: a certain one, or the one at the one stop with a label where the order waits.

    :raises Rejected: none or several have the label, with a list of what stands where, and what failed; or
        the row is not of this order
    """
    if data_id is None:
        data_id = _at_stop(order, str(stop), subject=subject)
    row = order.row(data_id)
    if row is None:
        raise Rejected(
            f"{subject} has no row {data_id}, nothing was pushed. {_standing(order)}",
            vendor=VENDOR,
            operation=OPERATION,
        )
    return row


def _at_stop(order: Order, label: str, *, subject: str) -> int:
    matching = [stop for stop in order.stops if stop.stop_chart_text == label]
    if len(matching) == 1:
        return matching[0].data_id
    what = "several branches stand" if matching else "nothing stands"
    hint = "; pass one's data_id" if matching else ""
    raise Rejected(
        f"{subject}: {what} at {label!r}, nothing was pushed{hint}. {_standing(order)}",
        vendor=VENDOR,
        operation=OPERATION,
    )


def _standing(order: Order) -> str:
    failed = f". Failed: {order.failure}" if order.failure is not None else ""
    return f"Standing: {describe(order.stops)}{failed}"


def _of_another(row: Mapping[str, Any], data_id: int, how: str) -> CannotKnow:
    # While it runs, the server may still be writing what tells.
    return CannotKnow(f"its row {data_id} was pushed {how}", may_change=is_running(row))


def _holds(row: Mapping[str, Any], name: str, item: Mapping[str, Any]) -> bool:
    return str(row.get(name)) == stored(item["value"])
