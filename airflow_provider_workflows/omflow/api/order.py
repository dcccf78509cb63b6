"""The state of an order, derived from the rows of its process's table; pure functions."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypedDict

from airflow_provider_workflows.core.protocol.operation import Operation, Sleep
from airflow_provider_workflows.exceptions import one_line
from airflow_provider_workflows.omflow.api.call import number

#: Characters of one text of a row that a message quotes, and stops that it names.
LONGEST_TEXT, MOST_NAMED = 500, 20
#: Columns that determine an order's state; the others may be large.
STATE_COLUMNS = (
    "id",
    "flow_uuid",
    "data_no",
    "history",
    "closed",
    "running",
    "error",
    "error_message",
    "stop_uuid",
    "stop_chart_text",
    "stoptime",
    "update_user_id",
)

#: What it means that an order has no rows, and what to do.
NO_ROWS = (
    "It was deleted or never existed, or the connection's user may not see it\nCheck api_path and data_no"
)
#: Seconds between two looks at an order. Between the commits of one step, a loaded server took at most 0.05 s
#: in 95 of 100 steps (recorded). Assumption: no server takes longer than the time between the looks. Wrong if
#: a branch appears after an order was reported as closed, or without it.
SECOND_LOOK = 3.0
_FLAGS = ("history", "closed", "running", "error")

Status = Literal["running", "waiting", "failed", "finished", "unknown"]


@dataclass(frozen=True)
class Stop:
    """
    A stop at which an order waits for a push.

    :param data_id: id of the row at the stop; each stop has a new one
    :param stop_chart_text: label of the component; free text, which may occur twice in a process
    """

    data_id: int
    stop_chart_text: str


class OrderStep(TypedDict):
    """
    One step of an order's history.

    - ``data_id``: the row that moved on
    - ``stop_chart_text``: the component where it went; None while it is on its way
    - ``by``: login of the user who pushed it there; None if OMFlow does not say
    - ``at``: when OMFlow noted the move, in the server's local time; None if OMFlow does not say
    """

    data_id: int
    stop_chart_text: str | None
    by: str | None
    at: str | None


@dataclass(frozen=True)
class Order:
    """
    The rows of one order, oldest first; each with an integer ``id``.

    The rules are those of the recorded server: a row that reaches a component becomes a history row there,
    and a new row continues. So the label of a history row says where the order went, not where the row was
    before.

    :param changing: whether another look, a moment earlier, showed other rows
    :param confirmed: whether there was another look
    """

    rows: tuple[Mapping[str, Any], ...]
    changing: bool = False
    confirmed: bool = False

    def after(self, earlier: Order) -> Order:
        """Return the order as two looks show it, of which this is the second."""
        return replace(self, changing=_seen(self) != _seen(earlier), confirmed=True)

    @property
    def status(self) -> Status:
        """
        The state of the order; an order with parallel branches has failed if one branch failed.

        Without rows it is ``unknown``: not written yet, deleted, or never created. At a fork or a collection
        there may be no active row for a moment; that is ``running``, and so is an order that is changing.
        """
        if not self.rows:
            return "unknown"
        if any(_is(row, "error") for row in self._live):
            return "failed"
        if self.changing or any(_is(row, "running") for row in self._live):
            return "running"
        if self._live:
            return "waiting"
        return "finished" if self.closing_rows else "running"

    @property
    def stops(self) -> tuple[Stop, ...]:
        """
        The stops at which it waits for a push.

        Assumption: a row that waits can be pushed, also at the components that only 1.2 has, such as a
        sign-off. Wrong if OMFlow refuses a push from there.
        """
        return tuple(
            Stop(row["id"], str(row.get("stop_chart_text") or ""))
            for row in self._live
            if not _is(row, "running") and not _is(row, "error")
        )

    @property
    def failure(self) -> str | None:
        """The error message of the failed row and its stop; None if no row failed."""
        for row in self._live:
            if _is(row, "error"):
                said = one_line(str(row.get("error_message") or "no message"), LONGEST_TEXT)
                return f"{said} (at {_label(row)!r})"
        return None

    @property
    def closing_rows(self) -> tuple[Mapping[str, Any], ...]:
        """The closed rows; without an End component, the closed row is a history row."""
        return tuple(row for row in self.rows if _is(row, "closed"))

    def row(self, data_id: int) -> Mapping[str, Any] | None:
        """Return the row with an id."""
        return next((row for row in self.rows if row["id"] == data_id), None)

    def arrivals(self, stop_chart_text: str | None, *, since: int = 0) -> tuple[Mapping[str, Any], ...]:
        """
        Return the rows that record an arrival at a stop; none without a label.

        :param since: the smallest row id to return; in a process with loops, the last data_id that was pushed
        """
        if stop_chart_text is None:
            return ()
        return tuple(row for row in self.rows if is_arrival(row, stop_chart_text) and row["id"] >= since)

    def steps_after(self, row_id: int) -> list[OrderStep]:
        """Return what happened to the order after a row, oldest first."""
        moved = [row for row in self.rows if row["id"] > row_id and has_moved_on(row)]
        return [
            {
                "data_id": row["id"],
                "stop_chart_text": _text(row, "stop_chart_text"),
                "by": _text(row, "update_user_id"),
                "at": _text(row, "stoptime"),
            }
            for row in moved
        ]

    @property
    def _live(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(row for row in self.rows if not _is(row, "history") and not _is(row, "closed"))


def confirmed(
    read: Callable[[], Operation[Order]],
    rests_on_absence: Callable[[Order], bool],
    *,
    first: Order | None = None,
) -> Operation[Order]:
    """
    Read an order, and read it again if what it shows rests on rows being absent.

    OMFlow writes the rows of parallel branches in several commits (recorded). So one look may show an order
    without a branch that is about to appear: closed although it is open, or past a stop that is to come. A
    row that is there needs no second look. A server that takes longer than ``SECOND_LOOK`` between two
    commits can still mislead.

    :param read: reads the order's rows
    :param rests_on_absence: whether what the rows show needs a second look
    :param first: what has just been read, if anything
    :returns: the last look; if the two differ, it is ``changing``, and its status is ``running``
    """
    order = first or (yield from read())
    if order.confirmed or not rests_on_absence(order):
        return order
    yield Sleep(SECOND_LOOK)
    return (yield from read()).after(order)


def _seen(order: Order) -> list[tuple[Any, ...]]:
    return [(row["id"], *(_is(row, flag) for flag in _FLAGS)) for row in order.rows]


def describe(stops: Sequence[Stop]) -> str:
    """Return the stops as text, for messages."""
    named = [
        f"{stop.stop_chart_text!r:.{LONGEST_TEXT}} (data_id {stop.data_id})" for stop in stops[:MOST_NAMED]
    ]
    more = [f"{len(stops) - MOST_NAMED} more"] if len(stops) > MOST_NAMED else []
    return ", ".join([*named, *more]) or "nothing"


def has_moved_on(row: Mapping[str, Any]) -> bool:
    """Return whether a row that waited for a push has been pushed."""
    return _is(row, "history") or _is(row, "running") or _is(row, "closed")


def is_arrival(row: Mapping[str, Any], stop_chart_text: str) -> bool:
    """
    Return whether a row records an arrival at a stop.

    An order that closes without an End component also leaves a history row with the last stop's label, but
    closed (recorded).
    """
    return (
        row.get("stop_chart_text") == stop_chart_text
        and _is(row, "history")
        and not _is(row, "error")
        and not _is(row, "closed")
    )


def is_running(row: Mapping[str, Any]) -> bool:
    """Return whether the engine is processing a row."""
    return _is(row, "running")


def has_failed(row: Mapping[str, Any]) -> bool:
    """Return whether a row failed at its component."""
    return _is(row, "error")


def read_stop(listed: Mapping[str, Any]) -> Stop:
    """
    Return a stop as the query call lists it.

    :raises InvalidInput: its data_id is not a number
    :raises KeyError, TypeError: it has another form
    """
    return Stop(int(number(listed["data_id"], "data_id")), str(listed["stop_chart_text"]))


def _label(row: Mapping[str, Any]) -> str:
    return str(row.get("stop_chart_text"))[:LONGEST_TEXT]


def _text(row: Mapping[str, Any], name: str) -> str | None:
    value = row.get(name)
    return None if value in (None, "") else one_line(str(value), LONGEST_TEXT)


def _is(row: Mapping[str, Any], flag: str) -> bool:
    """Return a flag: a boolean on 1.1 (recorded), or a number or a text that says the same."""
    return row.get(flag) in (True, 1, "1", "true", "True")
