"""An event trigger for OMFlow orders."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.core.events.feed import (
    BATCH,
    BEGINNING,
    NOW,
    Batch,
    Cursor,
    Feed,
    Occurrence,
    check_start,
    check_text,
)
from airflow_provider_workflows.core.events.time_cursor import Listed, TimeCursor, earlier, untimed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.durations import Duration
from airflow_provider_workflows.omflow.api.call import Row, segment
from airflow_provider_workflows.omflow.api.operations import OMFlowApi
from airflow_provider_workflows.omflow.api.order import is_arrival
from airflow_provider_workflows.omflow.api.reading import unreadable
from airflow_provider_workflows.omflow.connection import FORM

#: An arrival may appear in the list this many seconds late. Times have no zone (recorded), so an hour occurs
#: twice when daylight saving time ends. Assumption: an arrival is listed within the other hour. Wrong if one
#: appears later.
OVERLAP = 2 * 3600.0
#: Number of rows to read to find the newest arrival.
YOUNGEST = 100
_COLUMNS = ("id", "data_no", "history", "closed", "error", "stop_chart_text", "stoptime")
#: Earlier than all orders. As a condition, it also excludes rows without a time.
_EVER = "1970-01-01T00:00:00.000"
_ZONE = re.compile(r"(?:Z|[+-]\d\d:\d\d)$")


def omflow_arrivals(
    *,
    api_path: str,
    stop_chart_text: str,
    start: str = NOW,
    omflow_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports orders arriving at a stop.

    An occurrence is ``{"occurrence_id", "conn_id", "api_path", "data_no", "stop_chart_text", "arrived_at"}``;
    ``arrived_at`` is the server's local time without a zone (recorded). If an order reaches the stop again,
    that is another occurrence. The order may have moved on before the DAG runs.

    :param api_path: name of the process in URLs
    :param stop_chart_text: label of the stop; all stops with that label count
    :param start: ``"now"`` for arrivals after the first read, or ``"beginning"`` for all arrivals
    :param omflow_conn_id: id of the Airflow connection; its user must be able to see the process's orders
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = OrderArrivals(api_path=api_path, stop_chart_text=stop_chart_text, start=start)
    return FeedTrigger(conn_id=omflow_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class OrderArrivals(Feed):
    """
    Orders that arrive at a stop.

    When an order reaches a stop, its row becomes a permanent history row with the stop's label, and the order
    continues as a new row (recorded). Such a history row is an arrival, and its id identifies the occurrence.
    Its ``stoptime`` is the time of the arrival (recorded). Ids are not in the order of arrival, because a row
    is created when the order leaves the previous stop.

    Assumption: OMFlow can filter and sort by ``stoptime``; the feed checks only the rows that it gets. Wrong
    if an order reaches the stop and is not reported.

    :param start: see :func:`omflow_arrivals`
    """

    api_path: str
    stop_chart_text: str
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

    def __post_init__(self) -> None:
        segment(self.api_path)
        check_start(self.start)
        check_text(self.stop_chart_text, "stop_chart_text")

    def __str__(self) -> str:
        return f"arrivals at stop {self.stop_chart_text!r} of OMFlow process {self.api_path!r}"

    def first(self, api: OMFlowApi) -> Operation[Cursor]:
        """Return the cursor after the newest arrival."""
        if self.start == BEGINNING:
            return TimeCursor().to_json()
        listed: list[Listed] = []
        start: int | None = 0
        # Rows with a wrong time, such as one of 2099, may hide the newest arrival.
        while start is not None and not TimeCursor().split(listed)[0]:
            newest = {"order_by": ("-stoptime", "-id"), "start": start, "size": YOUNGEST}
            page = yield from self._page(api, since=_EVER, **newest)
            listed += self._arrivals(page.items)
            start = page.next
        return TimeCursor.after(listed).to_json()

    def read(self, api: OMFlowApi, cursor: Cursor) -> Operation[Batch]:
        """Read the arrivals after a cursor, oldest first."""
        time_cursor = TimeCursor.from_json(cursor)
        # The server may store times more precisely than it lists them: the feed asks from a second earlier.
        since = earlier(time_cursor.floor, 1) if time_cursor.floor else _EVER
        listed: list[Listed] = []
        start: int | None = 0
        while start is not None and len(time_cursor.new(listed)) <= BATCH:
            page = yield from self._page(api, since=since, order_by=("stoptime", "id"), start=start)
            listed += self._arrivals(page.items)
            start = page.next
        taken, after = time_cursor.take(listed, most=BATCH, overlap=OVERLAP)
        return Batch(
            occurrences=tuple(self._occurrence(one) for one in taken),
            cursor=after.to_json(),
            troubles=untimed(time_cursor.withheld(listed)),
        )

    def _page(self, api: OMFlowApi, *, since: str, **how: Any) -> Operation[Any]:
        return (
            yield from api.list_rows(
                self.api_path,
                columns=_COLUMNS,
                where={"stop_chart_text": self.stop_chart_text, "history": True},
                above={"stoptime": since},
                **how,
            )
        )

    def _arrivals(self, rows: tuple[Row, ...]) -> list[Listed]:
        """Return only arrivals; the server ignores conditions that it does not understand."""
        arrived = [row for row in rows if is_arrival(row, self.stop_chart_text)]
        if any("id" not in row or "data_no" not in row for row in arrived):
            raise unreadable(f"a row of {self.api_path} without id or number")
        # A zone is dropped, since text in one form sorts by time.
        return [
            Listed(at=_ZONE.sub("", str(row.get("stoptime"))), id=str(row["id"]), item=row) for row in arrived
        ]

    def _occurrence(self, arrival: Listed) -> Occurrence:
        data_no = arrival.item["data_no"]
        return Occurrence(
            occurrence_id=f"{self.api_path}/{data_no}/{arrival.id}",
            facts={
                "api_path": self.api_path,
                "data_no": data_no,
                "stop_chart_text": self.stop_chart_text,
                "arrived_at": arrival.item.get("stoptime"),
            },
        )
