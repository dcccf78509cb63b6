"""Opening an order once."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.submission.effect import (
    Found,
    LookupResult,
    NotSent,
    Start,
    Unknown,
    Words,
)
from airflow_provider_workflows.exceptions import Conflict, InvalidInput, NotFound, OutcomeUnknown, Rejected
from airflow_provider_workflows.omflow.api.call import VENDOR, order_number, segment
from airflow_provider_workflows.omflow.api.form_data import check_field
from airflow_provider_workflows.omflow.api.operations import check_form, noted_types, warn_once
from airflow_provider_workflows.omflow.api.reading import several_orders
from airflow_provider_workflows.omflow.conditions import OrderClosed

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.message import Part
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.omflow.api.operations import OMFlowApi
    from airflow_provider_workflows.omflow.api.reading import DataNo

#: Note in the record: the server answered, but without the order's number.
UNNUMBERED = "unnumbered"


class OrderStart(Start["OMFlowApi"]):
    """
    One order to open.

    With a ``run_key_field``, the order carries the record's mark in that field. If OMFlow answers without a
    number, the record notes that: no attempt then sends the request again, because OMFlow may have refused
    it.

    :param items: the form's items, as :func:`~airflow_provider_workflows.omflow.api.form_data.form_items`
        returns them, without that of the ``run_key_field``
    :param files: parts that go with the open call
    :param files_after: parts that are attached after it
    :param run_key_field: a form field that nothing else fills; None if there is none
    :param reads_form: whether to read the form before the first request
    :param waits: whether the task waits for the order's end
    :raises InvalidInput: the name of the process or of a field is invalid
    """

    repeatable = False
    reads_baseline = True

    def __init__(
        self,
        *,
        api_path: str,
        items: Sequence[Mapping[str, Any]],
        start_input: Mapping[str, Any] | None = None,
        files: Sequence[Part] = (),
        files_after: Sequence[Part] = (),
        run_key_field: str | None = None,
        reads_form: bool = False,
        waits: bool = False,
    ) -> None:
        segment(api_path)
        if run_key_field is not None and check_field(run_key_field) in {item["id"] for item in items}:
            raise InvalidInput(
                f"form_data must not have the run_key_field {run_key_field}: the operator fills it"
            )
        self.subject = f"an order of {api_path}"
        self.words = Words(
            vendor=VENDOR,
            verb="open",
            participle="opened",
            noun=f"an order of {api_path}",
            look_in=f"{VENDOR} → Apps → {api_path}",
            look_for="an order opened",
            mark_in=f"the field {run_key_field}" if run_key_field else "",
            id="its number",
        )
        if run_key_field:
            self.mark_place = (
                f"an order of process {api_path!r}, in its list of forms in the menu Apps "
                f"(field {run_key_field})"
            )
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
        self.files_after = files_after
        self._field = run_key_field
        self._reads_form = reads_form
        self._needs_rows = bool(run_key_field or files_after or waits)

    @property
    def carries_mark(self) -> bool:
        """Whether there is a ``run_key_field``."""
        return bool(self._field)

    def baseline(self, api: OMFlowApi) -> Operation[dict[str, Any] | None]:
        """
        Read the form: its types, and whether the open and what follows it can succeed.

        :raises PermissionDenied: the user may not view the order, and the task must read it
        :raises InvalidInput: the form does not have a field, and the task must find the order
        """
        if not self._reads_form:
            return None
        named = [*(item["id"] for item in self._items), *(part.name for part in self._files)]
        fields = {name for name in (*named, self._field) if name and name != "files"}
        problem = yield from check_form(api, self._api_path, fields)
        if problem is not None:
            if self._needs_rows:
                raise problem.with_message(f"Nothing was sent: {problem.message}")
            warn_once(api, problem.message)
        return noted_types(api, self._api_path, self._items, api.forms.types.get(self._api_path)) or None

    def submit(self, api: OMFlowApi, record: Record, *, again: bool) -> Operation[DataNo]:
        """
        Open the order and return its number.

        :raises OutcomeUnknown: the answer was lost, or has no number
        """
        items = list(self._items)
        if self._field:
            items.append({"id": self._field, "value": record.mark})
        data_no = yield from api.create_order(
            self._api_path,
            items if items or self._start_input is None else None,
            start_input=self._start_input,
            files=self._files,
            types=record.baseline.get("types") if isinstance(record.baseline, dict) else None,
        )
        if data_no is None:
            raise self._unnumbered()
        return data_no

    def look_up(self, api: OMFlowApi, record: Record) -> Operation[LookupResult]:
        """
        Look for the order that carries the mark.

        An order that the connection's user may not see counts as missing, because OMFlow does not tell the
        difference. Assumption: an order that was opened is listed within ``settle`` seconds; on the recorded
        server it was at once. Wrong if one with the mark appears later.
        """
        if not (self._field and record.mark):
            return Unknown(
                "OMFlow can search for an order only by a run_key_field\n"
                "For the next time, set run_key_field to a text field of the form that nothing else fills"
            )
        try:
            found = yield from api.find_order(self._api_path, self._field, record.mark)
        except OutcomeUnknown as several:
            return _several(several)
        return _judge(record, found)

    @property
    def group(self) -> Hashable | None:
        """Orders with marks in one field of a process."""
        return (type(self), self._api_path, self._field) if self._field else None

    def look_up_many(
        self, api: OMFlowApi, records: Sequence[Record]
    ) -> Operation[Mapping[str, LookupResult]]:
        """Look for the orders in one listing; one by one if the server does not answer such a listing."""
        marks = [record.mark for record in records if record.mark]
        found = None
        if self._field and len(marks) == len(records) > 1:
            found = yield from api.find_orders(self._api_path, self._field, marks)
        if self._field is None or found is None:
            return (yield from super().look_up_many(api, records))
        results: dict[str, LookupResult] = {}
        for record in records:
            numbers = found.get(record.mark, [])
            if len(numbers) > 1:
                error = several_orders(self._api_path, self._field, record.mark, numbers)
                results[record.mark] = _several(error)
            else:
                results[record.mark] = _judge(record, next(iter(numbers), None))
        return results

    def end(self, id: DataNo) -> OrderClosed:
        """Return the condition of its end."""
        return OrderClosed(api_path=self._api_path, data_no=id)

    def check_id(self, api: OMFlowApi, id: Any) -> Operation[DataNo]:
        """
        Return the number of an order that a person wrote, in the server's form.

        :raises InvalidInput: it is not a number, or the process has no such order
        """
        data_no = order_number(id)
        try:
            rows = (yield from api.order_state(self._api_path, data_no)).rows
        except (NotFound, Rejected) as error:
            raise InvalidInput(f"{id!r} is not an order number: {error.message}") from None
        if not rows:
            raise InvalidInput(f"OMFlow lists no order {data_no!r} of {self._api_path}. Nothing was sent")
        return order_number(rows[0]["data_no"])

    def _unnumbered(self) -> OutcomeUnknown:
        return OutcomeUnknown(
            f"OMFlow accepted the request to open an order of {self._api_path} but returned no number\n"
            "This happens if the process's start component validates, whether it accepts or refuses the\n"
            "order, or if OMFlow's engine fails, for example on a field that the form does not have",
            note=UNNUMBERED,
            vendor=VENDOR,
            operation="open order",
        )


def _judge(record: Record, found: DataNo | None) -> LookupResult:
    if found is not None:
        return Found(found)
    if record.note == UNNUMBERED:
        return Unknown(
            "OMFlow lists no order with the mark. It may have refused the order, or may be late",
            may_change=True,
        )
    return NotSent()


def _several(error: OutcomeUnknown) -> Unknown:
    forbids = Conflict(f"{error.message}\nAirflow opens no other order", vendor=VENDOR)
    return Unknown(error.message, forbids=forbids)
