"""What Kiban can tell of as it happens."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from airflow_provider_workflows.base.event_trigger import FeedTrigger
from airflow_provider_workflows.base.feed import (
    BATCH,
    BEGINNING,
    NOW,
    Batch,
    Cursor,
    Feed,
    Occurrence,
    check_names,
    check_start,
)
from airflow_provider_workflows.base.window import Listed, Window, earlier
from airflow_provider_workflows.kiban.api import KibanApi
from airflow_provider_workflows.kiban.connection import FORM
from airflow_provider_workflows.kiban.search import PAGE, Item, Pages
from airflow_provider_workflows.kiban.status import ENDS
from airflow_provider_workflows.kiban.values import VENDOR
from airflow_provider_workflows.protocol.errors import InvalidInput, UnreadableAnswer
from airflow_provider_workflows.protocol.operation import Operation

#: Seconds by which an end may show late.
OVERLAP = 600.0
DAY = 86400.0


def kiban_ended(
    *,
    statuses: Sequence[str] = (),
    name: str | None = None,
    lookback_days: float = 30,
    start: str = NOW,
    kiban_conn_id: str = FORM.default_conn_id,
    poll_interval: float = 60.0,
) -> FeedTrigger:
    """
    Return the trigger of an ``AssetWatcher`` that tells of executions that ended.

    An occurrence is ``{"occurrence_id", "conn_id", "execution_id", "name", "status",
    "modified_at"}``. SUCCESS means that the flow ended, not that an applicant was accepted.

    :param statuses: of SUCCESS, ERROR and ABANDONED; empty for all three
    :param name: of the workfloo's definition, as the history shows it; None for all
    :param lookback_days: how old an execution may be when it ends. Kiban lists by the date of the start only,
        so all that began in that time is listed at each look
    :param start: ``"now"`` for what ends after the first look, or ``"beginning"`` for all that ended in the
        ``lookback_days`` before it, too
    :param kiban_conn_id: the Airflow connection; its key must see the whole history
    :param poll_interval: seconds between two looks
    :raises InvalidInput: names the argument
    """
    feed = ExecutionsEnded(statuses=list(statuses), name=name, lookback_days=lookback_days, start=start)
    return FeedTrigger(conn_id=kiban_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class ExecutionsEnded(Feed):
    """
    Executions that have ended.

    The history has no date of the end, but one of the last change (vendor's SDK). That an execution's end
    changes that date is an assumption. Whatever changes it later tells of the end again, by the same
    ``occurrence_id``.

    :param statuses: see :func:`kiban_ended`, as for the others
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
                f"statuses: {', '.join(unknown)} is no end; there are {', '.join(sorted(ENDS))}"
            )
        if not self.lookback_days > 0:
            raise InvalidInput(f"lookback_days must be more than 0, got {self.lookback_days!r}")

    def __str__(self) -> str:
        which = f" of {self.name!r}" if self.name else ""
        how = f" with {' or '.join(self.statuses)}" if self.statuses else ""
        return f"ends of Kiban executions{which}{how}"

    def first(self, api: KibanApi) -> Operation[Cursor]:
        """Return the cursor after the end that is youngest by Kiban's clock."""
        # Only here a clock of ours is asked, and it decides of nothing but executions of that age.
        since = _text(dt.datetime.now(dt.UTC) - dt.timedelta(days=self.lookback_days))
        window = Window()
        if self.start != BEGINNING:
            window = Window.after((yield from self._ends(api, since)))
        return {"since": since, **window.to_json()}

    def read(self, api: KibanApi, cursor: Cursor) -> Operation[Batch]:
        """Read the ends after a cursor, oldest first."""
        window = Window.from_json(cursor)
        since = str(cursor["since"])
        if window.newest:
            since = max(since, _text(_instant(earlier(window.newest, self.lookback_days * DAY))))
        taken, after = window.take((yield from self._ends(api, since)), most=BATCH, overlap=OVERLAP)
        return Batch(
            occurrences=tuple(_occurrence(one) for one in taken),
            cursor={"since": since if taken else cursor["since"], **after.to_json()},
        )

    def _ends(self, api: KibanApi, since: str) -> Operation[list[Listed]]:
        """Return all ends of executions that were begun since an instant."""
        found: list[Listed] = []
        pages = Pages()
        status = self.statuses[0] if len(self.statuses) == 1 else None
        while not pages.are_over:
            page = yield from api.history(since=since, status=status, page=pages.number, items_per_page=PAGE)
            found += [_listed(id, item) for id, item in pages.turn(page).items() if self._is_wanted(item)]
        if pages.unending:
            raise _unreadable(pages.unending)
        return found

    def _is_wanted(self, item: Item) -> bool:
        return item.get("status") in (self.statuses or ENDS) and self.name in (None, item.get("name"))


def _listed(id: str, item: Item) -> Listed:
    at = item.get("modifiedAt")
    try:
        moment = _text(_instant(str(at)))
    except ValueError:
        raise _unreadable(f"Kiban's history gives {at!r} as date of an execution's last change") from None
    # One that a person lets go on after an error may end a second time.
    return Listed(at=moment, id=f"{id}/{item['status']}", item=item)


def _occurrence(end: Listed) -> Occurrence:
    item = end.item
    return Occurrence(
        occurrence_id=end.id,
        facts={
            "execution_id": item["id"],
            "name": item.get("name"),
            "status": item["status"],
            "modified_at": item["modifiedAt"],
        },
    )


def _instant(text: str) -> dt.datetime:
    """Return an instant; what tells no zone is UTC (assumption)."""
    instant = dt.datetime.fromisoformat(text)
    return instant.astimezone(dt.UTC) if instant.tzinfo else instant.replace(tzinfo=dt.UTC)


def _text(instant: dt.datetime) -> str:
    return instant.isoformat(timespec="milliseconds")


def _unreadable(message: str) -> UnreadableAnswer:
    return UnreadableAnswer(message, vendor=VENDOR, operation="list executions")
