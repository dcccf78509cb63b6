"""Pushing an order once, and telling from its rows whether this task pushed it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.submission.effect import (
    Effect,
    Found,
    LookupResult,
    NotSent,
    Unknown,
    Words,
)
from airflow_provider_workflows.exceptions import InvalidInput, LostTrack, NotFound, Rejected, RunFailed
from airflow_provider_workflows.omflow.api.call import VENDOR, number, order_number, segment
from airflow_provider_workflows.omflow.api.form_data import column, form_items, stored
from airflow_provider_workflows.omflow.api.operations import noted_types, read_types
from airflow_provider_workflows.omflow.api.order import (
    NO_ROWS,
    Order,
    confirmed,
    describe,
    has_failed,
    has_moved_on,
    is_running,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.omflow.api.operations import OMFlowApi

Items = Sequence[Mapping[str, Any]]
OPERATION = "push order"
#: Looks at an order that changes between two looks, before the push gives up.
LOOKS = 10


class OrderPush(Effect["OMFlowApi"]):
    """
    One push of an order.

    OMFlow accepts one push for each row, by its data_id. The baseline holds the row, and the fields whose
    values the push changes. They distinguish it from another push by the same user.

    :param stop_chart_text: label of the stop to push, or None
    :param data_id: the row to push, instead of the stop
    :param items: the form's items, as :func:`~airflow_provider_workflows.omflow.api.form_data.form_items`
        returns them; none with a quick action
    :raises InvalidInput: an argument is wrong
    """

    carries_mark = False
    repeatable = False
    shown_by_baseline = True

    def __init__(
        self,
        *,
        api_path: str,
        data_no: Any,
        stop_chart_text: str | None,
        data_id: Any,
        items: Items,
        quick_action: str | None,
    ) -> None:
        segment(api_path)
        self._api_path = api_path
        self._data_no = order_number(data_no)
        self._stop = stop_chart_text
        self._data_id = None if data_id is None else int(number(data_id, "data_id"))
        self._items = items
        self._quick_action = quick_action
        self._order_name = f"order {api_path}/{data_no}"
        where = f"row {self._data_id}" if self._stop is None else f"the stop {self._stop!r}"
        self.subject = f"the push of {self._order_name} from {where}"
        self.words = Words(
            vendor=VENDOR,
            verb="push",
            participle="pushed",
            noun=f"{self._order_name} from {where}",
            look_in=f"the history of {self._order_name} in {VENDOR} → Apps → {api_path}",
            look_for=f"a push from {where}",
            id="the data_id of the record's baseline",
        )
        self.payload = {
            "order": f"{api_path}/{data_no}",
            "stop": where,
            "formdata": list(items),
            "quick_action": quick_action,
        }

    @property
    def turn(self) -> str:
        """The order, whose rows the baseline describes."""
        return self._order_name

    @classmethod
    def read(
        cls,
        *,
        api_path: str,
        data_no: object,
        stop_chart_text: object = None,
        data_id: object = None,
        form_data: object = None,
        item_types: object = None,
        quick_action: str | None = None,
    ) -> OrderPush:
        """
        Return the push for the arguments of an operator.

        :raises InvalidInput: an argument is wrong
        """
        if (stop_chart_text is None) == (data_id is None):
            raise InvalidInput("Set exactly one of stop_chart_text and data_id")
        if quick_action is not None and form_data is not None:
            raise InvalidInput("Set quick_action or form_data, not both: a quick action skips the form")
        return cls(
            api_path=api_path,
            data_no=data_no,
            stop_chart_text=None if stop_chart_text is None else str(stop_chart_text),
            data_id=data_id,
            items=form_items(form_data, item_types),
            quick_action=quick_action,
        )

    def baseline(self, api: OMFlowApi) -> Operation[dict[str, Any]]:
        """
        Choose the row to push.

        This reads the order's rows, because the query call lists failed rows among the waiting ones. A second
        push of a row whose validation was refused leaves the order running forever (recorded).

        :raises Rejected: no branch or several branches wait at the stop, or the row is not of this order
        :raises NotFound: OMFlow lists no rows of the order
        :raises LostTrack: the order keeps changing
        """
        try:
            order = yield from self._steady(api, [column(item["id"]) for item in self._items])
        except NotFound:
            # A field without a column: the push itself says whether the form has it.
            order = yield from self._steady(api, ())
        if not order.rows:
            raise NotFound(
                f"Nothing was pushed: OMFlow lists no rows of {self._order_name}\n{NO_ROWS}",
                vendor=VENDOR,
                operation=OPERATION,
            )
        row = choose(order, stop=self._stop, data_id=self._data_id, subject=f"OMFlow {self._order_name}")
        noted = {"data_id": int(row["id"]), "changes": changes(row, self._items)}
        if any("type" not in item for item in self._items):
            shown = yield from read_types(api, self._api_path, row)
            noted |= noted_types(api, self._api_path, self._items, shown)
        return noted

    def submit(self, api: OMFlowApi, record: Record, *, again: bool) -> Operation[int]:
        """Push, and return the data_id that was pushed."""
        data_id = int(record.baseline["data_id"])
        yield from api.move_order(
            self._api_path,
            data_id,
            items=self._items,
            quick_action=self._quick_action,
            types=record.baseline.get("types"),
        )
        return data_id

    def look_up(self, api: OMFlowApi, record: Record) -> Operation[LookupResult]:
        """
        Read the row. If it has failed, forbid a second push: it would leave the order running forever.

        Assumption: a row that was pushed shows it within ``settle`` seconds; on the recorded server it did at
        once. Wrong if a row changes later.
        """
        noted = record.baseline if isinstance(record.baseline, dict) else {}
        if not {"data_id", "changes"} <= set(noted):
            return Unknown("the record does not name the row to push")
        data_id, changed = int(noted["data_id"]), noted["changes"]
        # Without them no field is asked for, since one without a column makes the whole listing fail.
        columns = [column(item["id"]) for item in self._items] if changed else ()
        judge = partial(judge_push, data_id=data_id, login=api.login, items=self._items, changed=changed)
        order = yield from confirmed(
            partial(self._order, api, columns), lambda order: isinstance(judge(order), Unknown)
        )
        result = judge(order)
        if isinstance(result, Unknown) and order.changing:
            result = replace(result, may_change=True)
        if isinstance(result, Unknown) and (failure := self._failure(order, data_id)) is not None:
            return replace(result, forbids=failure)
        return result

    def check_id(self, api: OMFlowApi, id: Any) -> Operation[int]:
        """
        Return the data_id that a person wrote.

        :raises InvalidInput: the row is not of this order, or has not been pushed
        """
        data_id = int(number(id, "data_id"))
        row = (yield from self._order(api, ())).row(data_id)
        if row is None or not has_moved_on(row):
            why = "is not listed" if row is None else f"still waits at {row.get('stop_chart_text')!r}"
            raise InvalidInput(f"Row {data_id} of {self._order_name} {why}, so it was not pushed")
        return data_id

    def own_id(self, record: Record) -> object:
        """Return the row that the baseline names; None if it names none."""
        return record.baseline.get("data_id") if isinstance(record.baseline, dict) else None

    def _steady(self, api: OMFlowApi, columns: Sequence[str]) -> Operation[Order]:
        """Return the order with the row to push; without it, once two looks show the same rows."""
        for _ in range(LOOKS):
            order = yield from confirmed(partial(self._order, api, columns), self._lacks_row)
            if not (order.changing and self._lacks_row(order)):
                return order
        raise LostTrack(
            f"Nothing was pushed: OMFlow keeps changing {self._order_name}\nThe row to push is not there yet",
            vendor=VENDOR,
            operation=OPERATION,
        )

    def _lacks_row(self, order: Order) -> bool:
        if self._data_id is not None:
            return order.row(self._data_id) is None
        return all(stop.stop_chart_text != self._stop for stop in order.stops)

    def _order(self, api: OMFlowApi, columns: Sequence[str]) -> Operation[Order]:
        return api.order_state(self._api_path, self._data_no, columns=columns)

    def _failure(self, order: Order, data_id: int) -> RunFailed | None:
        row = order.row(data_id)
        if row is None or has_moved_on(row) or not has_failed(row):
            return None
        return RunFailed(
            f"OMFlow {self._order_name} failed: {order.failure}\n"
            "Airflow does not push its row again: a second push would leave the order running forever",
            vendor=VENDOR,
            operation=OPERATION,
        )


def changes(row: Mapping[str, Any], items: Items) -> list[str]:
    """Return the fields in which the row's value differs from the value to send."""
    return [
        item["id"] for item in items if (name := column(item["id"])) in row and not _holds(row, name, item)
    ]


def judge_push(
    order: Order, data_id: int, *, login: str, items: Items, changed: Collection[str]
) -> LookupResult:
    """
    Return whether this task pushed a row.

    It did if the author is the same, every value that was sent is there, and at least one of them is new.
    Otherwise it may have been another push by the same user, such as a quick action. If the process changes a
    field right after the push, the outcome stays unknown, even if another field has a new value of this push:
    a push with another decision by the same user leaves the same rows. A doubt is better than a wrong answer.

    :param login: the service user
    :param items: the form items that were sent
    :param changed: fields that had other values before
    """
    row = order.row(data_id)
    if row is None:
        return Unknown(f"OMFlow no longer lists the row {data_id}. The order may have been deleted")
    if not has_moved_on(row):
        if has_failed(row):
            return Unknown(
                f"the row {data_id} has failed: {order.failure}\n"
                "A second push would leave the order running forever"
            )
        return NotSent()
    if str(row.get("update_user_id") or "").lower() != login.lower():
        return _of_another(row, data_id, "another user pushed it")
    if not {item["id"] for item in items} & set(changed):
        return Unknown(
            f"this user pushed the row {data_id}, but the push changes no value that could identify it"
        )
    other = [item["id"] for item in items if not _holds(row, column(item["id"]), item)]
    if other:
        ours = [name for name in changed if name not in other]
        also = f"; {', '.join(ours)} holds this task's value" if ours else ""
        return _of_another(
            row,
            data_id,
            f"this user pushed it, and {', '.join(other)} has another value{also}\n"
            "The process may have changed it right after this push, or it was another push",
        )
    return Found(data_id)


def choose(
    order: Order, *, stop: str | None = None, data_id: int | None = None, subject: str
) -> Mapping[str, Any]:
    """
    Return the row to push: the one with the data_id, or the only one that waits at the stop.

    :raises Rejected: no row or several rows wait at the stop, or the row is not of this order; the message
        lists where the order waits, and what failed
    """
    if data_id is None:
        data_id = _at_stop(order, str(stop), subject=subject)
    row = order.row(data_id)
    if row is None:
        raise Rejected(
            f"Nothing was pushed: {subject} has no row {data_id}\n{_standing(order)}",
            vendor=VENDOR,
            operation=OPERATION,
        )
    return row


def _at_stop(order: Order, label: str, *, subject: str) -> int:
    matching = [stop for stop in order.stops if stop.stop_chart_text == label]
    if len(matching) == 1:
        return matching[0].data_id
    what = "has several branches" if matching else "has no branch"
    hint = "\nPass the data_id of one of them" if matching else ""
    raise Rejected(
        f"Nothing was pushed: {subject} {what} at {label!r}{hint}\n{_standing(order)}",
        vendor=VENDOR,
        operation=OPERATION,
    )


def _standing(order: Order) -> str:
    failed = f"\nFailed: {order.failure}" if order.failure is not None else ""
    return f"The order waits at: {describe(order.stops)}{failed}"


def _of_another(row: Mapping[str, Any], data_id: int, how: str) -> Unknown:
    # While the row runs, the server may still be writing the author and the values.
    return Unknown(f"of the row {data_id}, OMFlow shows that {how}", may_change=is_running(row))


def _holds(row: Mapping[str, Any], name: str, item: Mapping[str, Any]) -> bool:
    return str(row.get(name)) == stored(item["value"])
