"""Where an order stands, read from the rows of its process's table: pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

#: Columns that tell an order's state; the others may be large.
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

Status = Literal["running", "waiting", "failed", "finished", "unknown"]


@dataclass(frozen=True)
class Stop:
    """
    A place where an order waits for a push.

    :param data_id: id of the row that stands there; a new one at each stop
    :param stop_chart_text: label of the component, free text that may occur twice in a process
    """

    data_id: int
    stop_chart_text: str


@dataclass(frozen=True)
class Order:
    """
    The rows of one order, oldest first.

    The rules rest on the recorded server: rows that arrive somewhere become history there and a new row goes
    on, so a history row's label tells where the order went, not where that row had stood.
    """

    rows: tuple[Mapping[str, Any], ...]

    @property
    def status(self) -> Status:
        """
        Where the order stands; a parallel one that failed in a branch is failed.

        No rows at all is ``unknown``: not written yet, deleted, or never there. Between arriving at a fork or
        collection and going on there may be no live row for a moment; that is ``running``.
        """
        if not self.rows:
            return "unknown"
        if self.failure is not None:
            return "failed"
        if any(_is(row, "running") for row in self._live):
            return "running"
        if self._live:
            return "waiting"
        return "finished" if self.closing_rows else "running"

    @property
    def stops(self) -> tuple[Stop, ...]:
        """The places where it waits for a push."""
        return tuple(_stop(row) for row in self._live if not _is(row, "running") and not _is(row, "error"))

    @property
    def failure(self) -> str | None:
        """The message of the failed row, with its place; None if nothing failed."""
        for row in self._live:
            if _is(row, "error"):
                return f"{row.get('error_message') or 'no message'} (at {row.get('stop_chart_text')!r})"
        return None

    @property
    def closing_rows(self) -> tuple[Mapping[str, Any], ...]:
        """The closed rows; at a dead end without End component the closed row is a history row."""
        return tuple(row for row in self.rows if _is(row, "closed"))

    def row(self, data_id: int) -> Mapping[str, Any] | None:
        """Return the row with an id."""
        return next((row for row in self.rows if int(row["id"]) == data_id), None)

    def arrivals(self, stop_chart_text: str, *, since: int = 0) -> tuple[Mapping[str, Any], ...]:
        """
        Return the rows that record an arrival at a stop.

        :param since: rows with a smaller id are left out; in a process with loops, the data_id pushed last
        """
        return tuple(row for row in self.rows if is_arrival(row, stop_chart_text) and int(row["id"]) >= since)

    @property
    def _live(self) -> tuple[Mapping[str, Any], ...]:
        return tuple(row for row in self.rows if not _is(row, "history") and not _is(row, "closed"))


def describe(stops: Sequence[Stop]) -> str:
    """Return what stands where, for a message."""
    return ", ".join(f"{stop.stop_chart_text!r} (data_id {stop.data_id})" for stop in stops) or "nothing"


def has_moved_on(row: Mapping[str, Any]) -> bool:
    """Tell whether a row that once waited for a push has been pushed."""
    return _is(row, "history") or _is(row, "running") or _is(row, "closed")


def is_arrival(row: Mapping[str, Any], stop_chart_text: str) -> bool:
    """
    Tell whether a row records an arrival at a stop.

    An order that closes at a dead end leaves a history row of the last stop's label too, closed (recorded).
    """
    return (
        row.get("stop_chart_text") == stop_chart_text
        and _is(row, "history")
        and not _is(row, "error")
        and not _is(row, "closed")
    )


def is_running(row: Mapping[str, Any]) -> bool:
    """Tell whether the engine is at work on a row."""
    return _is(row, "running")


def has_failed(row: Mapping[str, Any]) -> bool:
    """Tell whether a row failed where it stands."""
    return _is(row, "error")


def _stop(row: Mapping[str, Any]) -> Stop:
    return Stop(int(row["id"]), str(row.get("stop_chart_text") or ""))


def _is(row: Mapping[str, Any], flag: str) -> bool:
    """Read a flag; version 1.1 sends booleans, form-encoded intermediaries text."""
    return row.get(flag) in (True, 1, "1", "true", "True")
