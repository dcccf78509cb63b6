"""An event trigger for Kiban executions."""

from __future__ import annotations

import contextlib
import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_workflows.core.events.feed import (
    BATCH,
    BEGINNING,
    NOW,
    Batch,
    Cursor,
    Feed,
    Occurrence,
    as_list,
    check_names,
    check_start,
)
from airflow_provider_workflows.core.events.time_cursor import Listed, TimeCursor, earlier, untimed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.durations import Duration
from airflow_provider_workflows.exceptions import InvalidInput, UnreadableAnswer, printable
from airflow_provider_workflows.kiban.api.operations import KibanApi
from airflow_provider_workflows.kiban.api.status import ENDS, FILTERED
from airflow_provider_workflows.kiban.api.values import VENDOR
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.effects.search import PAGE, Item, Pages

#: Seconds before the newest end in which later reads look for ends that appear late.
#: Assumption: none appears in the history later than that. Wrong if an execution appears there with a final
#: status and a ``modifiedAt`` that is older than this.
OVERLAP = 600.0
DAY = 86400.0
#: Characters of an execution's id that identify it in the cursor.
LONGEST_ID = 200
#: Days; a hundred years.
LONGEST_LOOKBACK = 36525


def kiban_ended(
    *,
    statuses: Sequence[str] = (),
    name: str | None = None,
    lookback_days: float = 30,
    start: str = NOW,
    kiban_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports executions that have ended.

    An occurrence is ``{"occurrence_id", "conn_id", "execution_id", "name", "status",
    "modified_at"}``. SUCCESS means that the flow ended, not that an applicant was accepted.

    :param statuses: any of SUCCESS, ERROR and ABANDONED; empty for all three
    :param name: name of the workfloo definition, as in the history; None for all
    :param lookback_days: maximum age in days of an execution when it ends; the feed does not report older
        ones. Kiban can filter only by start date, so each read lists all executions that started in that time
    :param start: ``"now"`` for executions that end after the first read, or ``"beginning"`` to include those
        that ended in the ``lookback_days`` before it
    :param kiban_conn_id: id of the Airflow connection; its key must be able to see the whole history
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = ExecutionsEnded(
        statuses=as_list(statuses, "statuses"), name=name, lookback_days=_days(lookback_days), start=start
    )
    return FeedTrigger(conn_id=kiban_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class ExecutionsEnded(Feed):
    """
    Executions that have ended.

    The history does not have the date of the end, but that of the last change (vendor's SDK). If an execution
    changes after its end, the feed reports the end again, with the same ``occurrence_id``.

    Assumption: ``from`` filters the history by the start of an execution. Wrong if an execution that began
    later is not listed.

    Assumption: the end of an execution changes its ``modifiedAt``. Wrong if an execution that has just ended
    is listed with an earlier date.

    :param statuses: see :func:`kiban_ended`, also for the other parameters
    """

    statuses: Sequence[str] = ()
    name: str | None = None
    lookback_days: float = 30
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

    def __post_init__(self) -> None:
        check_start(self.start)
        if self.statuses:
            check_names(self.statuses, "statuses")
        if unknown := sorted(set(self.statuses) - ENDS):
            raise InvalidInput(
                f"statuses: {', '.join(unknown)} is not a final status. Final statuses: "
                f"{', '.join(sorted(ENDS))}"
            )
        _days(self.lookback_days)

    def __str__(self) -> str:
        which = f" of {self.name!r}" if self.name else ""
        how = f" with {' or '.join(self.statuses)}" if self.statuses else ""
        return f"ends of Kiban executions{which}{how}"

    def first(self, api: KibanApi) -> Operation[Cursor]:
        """Return the cursor after the newest end by Kiban's clock."""
        # Only here the feed uses Airflow's clock; it matters only for executions about lookback_days old.
        since = _text(dt.datetime.now(dt.UTC) - dt.timedelta(days=self.lookback_days))
        time_cursor = TimeCursor()
        if self.start != BEGINNING:
            time_cursor = TimeCursor.after((yield from self._ends(api, since)))
        return {"since": since, **time_cursor.to_json()}

    def read(self, api: KibanApi, cursor: Cursor) -> Operation[Batch]:
        """Read the ends after a cursor, oldest first."""
        time_cursor = TimeCursor.from_json(cursor)
        since = str(cursor["since"])
        if time_cursor.newest:
            since = max(since, _text(_instant(earlier(time_cursor.newest, self.lookback_days * DAY))))
        ends = yield from self._ends(api, since)
        taken, after = time_cursor.take(ends, most=BATCH, overlap=OVERLAP)
        return Batch(
            occurrences=tuple(_occurrence(one) for one in taken),
            cursor={"since": since if taken else cursor["since"], **after.to_json()},
            troubles=untimed(time_cursor.withheld(ends)),
        )

    def _ends(self, api: KibanApi, since: str) -> Operation[list[Listed]]:
        """Return the ends of all executions that started at or after a time."""
        found: list[Listed] = []
        pages = Pages()
        # By another status the history would be filtered here, and a full page could not be told.
        status = next(iter({*self.statuses} & {*FILTERED}), None) if len(self.statuses) == 1 else None
        while not pages.are_over:
            page = yield from api.list_executions(since=since, status=status, start=pages.number, size=PAGE)
            new = pages.turn(page, id_of=_any_id)
            found += [_listed(id, item) for id, item in new.items() if self._is_wanted(item)]
        if pages.unending:
            raise _unreadable(pages.unending)
        return found

    def _is_wanted(self, item: Item) -> bool:
        status = item.get("status")
        ended = isinstance(status, str) and status in (self.statuses or ENDS)
        return ended and self.name in (None, item.get("name"))


def _days(value: float | str) -> float:
    if isinstance(value, str):
        with contextlib.suppress(ValueError):
            value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value < LONGEST_LOOKBACK:
        raise InvalidInput(f"lookback_days must be a number of days greater than 0, got {value!r:.100}")
    return value


def _any_id(item: Item) -> str:
    """Return what tells an execution apart, even if its id is odd: one such must not hold up the others."""
    return str(item.get("id") or json.dumps(item, sort_keys=True, default=str))


def _listed(id: str, item: Item) -> Listed:
    at = str(item.get("modifiedAt"))
    # What is no time is delivered once, and does not move the cursor.
    with contextlib.suppress(ValueError, OverflowError):
        at = _text(_instant(at))
    # Assumption: an execution that a person resumes after an error can end a second time, and that is another
    # occurrence. Wrong if Kiban's console cannot resume one; then nothing is lost.
    return Listed(at=at, id=printable(f"{id[:LONGEST_ID]}/{item['status']}"), item=item)


def _occurrence(end: Listed) -> Occurrence:
    item = end.item
    return Occurrence(
        occurrence_id=end.id,
        facts={
            "execution_id": item.get("id"),
            "name": item.get("name"),
            "status": item["status"],
            "modified_at": item.get("modifiedAt"),
        },
    )


def _instant(text: str) -> dt.datetime:
    """
    Return a point in time.

    Assumption: a date of Kiban's without an offset is UTC. Wrong if ``createdAt`` of a new execution has no
    offset and is hours away from the time of its start.
    """
    instant = dt.datetime.fromisoformat(text)
    return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _text(instant: dt.datetime) -> str:
    return instant.isoformat(timespec="milliseconds")


def _unreadable(message: str) -> UnreadableAnswer:
    return UnreadableAnswer(message, vendor=VENDOR, operation="list executions")
