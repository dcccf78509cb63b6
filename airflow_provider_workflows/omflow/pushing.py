"""Who pushed a row: read from the order after an answer was lost or refused; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from airflow_provider_workflows.omflow.call import VENDOR
from airflow_provider_workflows.omflow.formdata import column, stored
from airflow_provider_workflows.omflow.order import Order, Stop, describe, has_failed, has_moved_on
from airflow_provider_workflows.protocol.errors import Rejected

Trace = Literal["standing", "failed", "ours", "not ours", "gone"]


def trace(order: Order, data_id: int, *, login: str, items: Sequence[Mapping[str, Any]]) -> Trace:
    """
    Tell what became of a row that was to be pushed.

    ``ours`` takes the same author and every value that was sent; a process that changes a field right after
    the push hides that, and the answer is then ``not ours``: rather a doubt than a wrong certainty.

    :param login: the service user
    :param items: the form items that were sent
    """
    row = order.row(data_id)
    if row is None:
        return "gone"
    if not has_moved_on(row):
        return "failed" if has_failed(row) else "standing"
    author = str(row.get("update_user_id") or "").lower() == login.lower()
    values = all(str(row.get(column(item["id"]))) == stored(item["value"]) for item in items)
    return "ours" if author and values else "not ours"


def choose(order: Order, stop_chart_text: str, *, subject: str) -> Stop:
    """
    Return the one stop with a label where the order waits.

    :raises Rejected: none or several have it; the message lists what stands where, and what failed
    """
    matching = [stop for stop in order.stops if stop.stop_chart_text == stop_chart_text]
    if len(matching) == 1:
        return matching[0]
    what = "several branches stand" if matching else "nothing stands"
    hint = "; pass one's data_id" if matching else ""
    failed = f". Failed: {order.failure}" if order.failure is not None else ""
    standing = f"Standing: {describe(order.stops)}{failed}"
    raise Rejected(
        f"{subject}: {what} at {stop_chart_text!r}, nothing was pushed{hint}. {standing}",
        vendor=VENDOR,
        operation="push order",
    )
