"""Opening an order once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NoReturn

from airflow_provider_workflows.base.decision import Absent, CannotKnow, Found, Run, RunState, Trace
from airflow_provider_workflows.base.effect import SendableStart
from airflow_provider_workflows.omflow.call import VENDOR, order_number, segment
from airflow_provider_workflows.omflow.conditions import OrderClosed
from airflow_provider_workflows.omflow.formdata import check_field
from airflow_provider_workflows.omflow.order import Order, describe
from airflow_provider_workflows.protocol.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    Rejected,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.omflow.api import DataNo, OMFlowApi
    from airflow_provider_workflows.omflow.hook import OMFlowHook
    from airflow_provider_workflows.protocol.message import Part
    from airflow_provider_workflows.protocol.operation import Operation

#: Noted in the baseline: the server has answered, but without the order's number.
UNNUMBERED = "unnumbered"


class OrderStart(SendableStart):
    """
    One order.

    With a ``run_key_field`` the order carries the record's mark there. An answer without a number is noted in
    the baseline: what OMFlow may have refused is not opened again, by whatever attempt.

    :param items: the form's items, without that of the ``run_key_field``
    :param files: parts that go with the open call
    :param run_key_field: a form field that nothing else fills; None if there is none
    :raises InvalidInput: the process or a field cannot be named so
    """

    hook: OMFlowHook

    def __init__(
        self,
        hook: OMFlowHook,
        *,
        api_path: str,
        items: Sequence[Mapping[str, Any]],
        start_input: Mapping[str, Any] | None = None,
        files: Sequence[Part] = (),
        run_key_field: str | None = None,
    ) -> None:
        super().__init__(hook)
        segment(api_path)
        if run_key_field and check_field(run_key_field) in {item["id"] for item in items}:
            raise InvalidInput(
                f"{run_key_field} is the run_key_field, which the operator fills; take it out of form_data"
            )
        self.subject = f"an order of {api_path}"
        self.hint = f"an order of process {api_path!r}, in its list of forms in the menu Apps"
        if run_key_field:
            self.hint += f" (field {run_key_field})"
        self.carries_mark = bool(run_key_field)
        self.payload = {
            "api_path": api_path,
            "formdata": list(items),
            "start_input": start_input,
            "files": [[part.name, part.filename, part.size] for part in files],
        }
        self._api_path = api_path
        self._items = list(items)
        self._start_input = start_input
        self._files = files
        self._field = run_key_field
        #: What a look-up saw that forbids another order, whatever the user wants of doubts.
        self._several: OutcomeUnknown | None = None

    def baseline(self) -> dict[str, Any] | None:
        """Return a place for the note; nothing is read."""
        return {} if self._field else None

    def sending(self, api: OMFlowApi, record: Record) -> Operation[DataNo]:
        """
        Open it, and return its number.

        :raises OutcomeUnknown: the answer is lost, or gives no number
        :raises Conflict: there is more than one already
        """
        if self._several is not None:
            raise Conflict(f"{self._several.message}; no other is opened", vendor=VENDOR)
        items = list(self._items)
        if self._field:
            items.append({"id": self._field, "type": "inputbox", "value": record.mark})
        data_no = yield from api.open_order(
            self._api_path,
            items if items or self._start_input is None else None,
            start_input=self._start_input,
            files=self._files,
        )
        if data_no is None:
            self._unnumbered(record)
        return data_no

    def searching(self, api: OMFlowApi, record: Record) -> Operation[Trace]:
        """
        Look for the order that carries the mark.

        What the user of the connection may not see counts as not there: OMFlow does not tell the two apart.
        """
        if not (self._field and record.mark):
            return CannotKnow(
                "without a run_key_field OMFlow cannot be asked for it. For the future, name a text field of "
                "the form that nothing else fills"
            )
        try:
            found = yield from api.find_order(self._api_path, self._field, record.mark)
        except OutcomeUnknown as several:
            self._several = several
            return CannotKnow(several.message)
        if found is not None:
            return Found(found)
        if isinstance(record.baseline, dict) and record.baseline.get(UNNUMBERED):
            return CannotKnow(
                "no order with the mark has appeared, and OMFlow does not tell an order that its start "
                "component refuses from one that is late",
                may_change=True,
            )
        return Absent()

    def state(self, id: DataNo) -> RunState:
        """Return how the order stands; one that is not listed may be hidden from this user, so not known."""
        return run_state(self.hook.order_state(self._api_path, id))

    def end(self, id: DataNo) -> OrderClosed:
        """Return the condition of its end."""
        return OrderClosed(api_path=self._api_path, data_no=id)

    def adopt(self, id: Any) -> DataNo:
        """
        Return the number of an order, as the server writes it.

        :raises InvalidInput: it is none, or the process has no such order
        """
        data_no = order_number(id)
        try:
            rows = self.hook.order_state(self._api_path, data_no).rows
        except (NotFound, Rejected) as error:
            raise InvalidInput(f"{id!r} is not the number of an order: {error.message}") from None
        if not rows:
            raise InvalidInput(f"OMFlow lists no order {data_no!r} of {self._api_path}; nothing was sent")
        return order_number(rows[0]["data_no"])

    def _unnumbered(self, record: Record) -> NoReturn:
        if isinstance(record.baseline, dict):
            # The record is written again with the doubt, so that no later attempt opens what was refused.
            record.baseline[UNNUMBERED] = True
        raise OutcomeUnknown(
            f"OMFlow accepted the open call to {self._api_path} but gave no order number. It does so when "
            "the process's start component validates, whether the order is then opened or refused, and when "
            "its engine fails (for example on a field that the form does not have)",
            vendor=VENDOR,
            operation="open order",
        )


def run_state(order: Order) -> RunState:
    """Return how an order stands."""
    match order.status:
        case "finished":
            return RunState(Run.SUCCEEDED)
        case "failed":
            return RunState(Run.FAILED, order.failure or "")
        case "unknown":
            return RunState(Run.UNKNOWN, "OMFlow lists no rows of it")
    return RunState(Run.ALIVE, f"{order.status} at {describe(order.stops)}")
