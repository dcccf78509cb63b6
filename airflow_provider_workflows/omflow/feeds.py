"""What OMFlow can tell of as it happens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.event_trigger import FeedTrigger
from airflow_provider_workflows.base.feed import (
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
from airflow_provider_workflows.base.window import Listed, Window, earlier
from airflow_provider_workflows.omflow.api import OMFlowApi, Row
from airflow_provider_workflows.omflow.call import segment
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.omflow.order import is_arrival
from airflow_provider_workflows.protocol.operation import Operation

#: Seconds by which an arrival may show late. Times have no zone (recorded), so where clocks are set back for
#: the winter, an hour comes twice.
OVERLAP = 2 * 3600.0
#: Rows that are read to begin after the youngest.
YOUNGEST = 100
_COLUMNS = ("id", "data_no", "history", "closed", "error", "stop_chart_text", "stoptime")
#: Before all orders; a condition that only rows with a time meet.
_EVER = "1970-01-01T00:00:00.000"


def omflow_arrivals(
    *,
    api_path: str,
    stop_chart_text: str,
    start: str = NOW,
    omflow_conn_id: str = FORM.default_conn_id,
    poll_interval: float = 60.0,
) -> FeedTrigger:
    """
    Return the trigger of an ``AssetWatcher`` that tells of orders arriving at a stop.

    An occurrence is ``{"occurrence_id", "conn_id", "api_path", "data_no", "stop_chart_text",
    "arrived_at"}``; the last is in the server's local time and tells no zone (recorded). An order that comes
    to the stop again, arrives again. Where it stands when the DAG runs, must be asked then.

    :param api_path: the process
    :param stop_chart_text: label of the stop; all stops of that label count
    :param start: ``"now"`` for what arrives after the first look, or ``"beginning"`` for all that ever has
    :param omflow_conn_id: the Airflow connection; its user must see the process's orders
    :param poll_interval: seconds between two looks
    :raises InvalidInput: names the argument
    """
    feed = OrderArrivals(api_path=api_path, stop_chart_text=stop_chart_text, start=start)
    return FeedTrigger(conn_id=omflow_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class OrderArrivals(Feed):
    """
    Orders that arrive at a stop.

    Who arrives somewhere becomes a history row with the stop's label, for good, and goes on as a new row
    (recorded): such a row is an arrival, and its id the occurrence's. Its ``stoptime`` is the moment
    (recorded); its id is no measure of time, since the row was made when the order left the stop before. That
    OMFlow compares and sorts by ``stoptime`` is an assumption, that rows need to be checked is not.

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
        """Return the cursor after the youngest arrival."""
        if self.start == BEGINNING:
            return Window().to_json()
        page = yield from self._page(api, since=_EVER, order_by=("-stoptime", "-id"), start=0, size=YOUNGEST)
        return Window.after(self._arrivals(page.items)).to_json()

    def read(self, api: OMFlowApi, cursor: Cursor) -> Operation[Batch]:
        """Read the arrivals after a cursor, oldest first."""
        window = Window.from_json(cursor)
        # The server's times are finer than those it tells, so a moment earlier is asked for.
        since = earlier(window.floor, 1) if window.floor else _EVER
        listed: list[Listed] = []
        start: int | None = 0
        while start is not None and len(window.new(listed)) <= BATCH:
            page = yield from self._page(api, since=since, order_by=("stoptime", "id"), start=start)
            listed += self._arrivals(page.items)
            start = page.next
        taken, after = window.take(listed, most=BATCH, overlap=OVERLAP)
        return Batch(occurrences=tuple(self._occurrence(one) for one in taken), cursor=after.to_json())

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
        """Return the rows that are arrivals: a condition that the server does not understand is dropped."""
        return [
            Listed(at=str(row["stoptime"]), id=str(row["id"]), item=row)
            for row in rows
            if is_arrival(row, self.stop_chart_text) and row.get("stoptime")
        ]

    def _occurrence(self, arrival: Listed) -> Occurrence:
        data_no = arrival.item["data_no"]
        return Occurrence(
            occurrence_id=f"{self.api_path}/{data_no}/{arrival.id}",
            facts={
                "api_path": self.api_path,
                "data_no": data_no,
                "stop_chart_text": self.stop_chart_text,
                "arrived_at": arrival.at,
            },
        )
