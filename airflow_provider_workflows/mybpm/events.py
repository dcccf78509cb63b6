"""
Event triggers for MyBPM instances: listed by id, or all that have changed.

Assumption: MyBPM shows only present values; no call was found that shows earlier ones. Wrong if
the vendor names one.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
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
    as_list,
    check_names,
    check_start,
    check_text,
)
from airflow_provider_workflows.core.events.time_cursor import Listed, TimeCursor, untimed
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.durations import Duration
from airflow_provider_workflows.exceptions import UnreadableAnswer
from airflow_provider_workflows.mybpm.api.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.api.call import VENDOR
from airflow_provider_workflows.mybpm.api.operations import MyBPMApi
from airflow_provider_workflows.mybpm.api.values import check_id, same, to_python
from airflow_provider_workflows.mybpm.connection import FORM

#: Instances read in one call.
CHUNK = 100
#: System field with the time of an instance's last change (vendor documentation).
MODIFIED = "LAST_MODIFIED_AT"
#: A change may appear in the list this many seconds late.
OVERLAP = 600.0
#: The filter compares days, in a time zone that is not documented.
DAY = dt.timedelta(days=1)
#: The example has an end, so there is one; no clock of a server is later.
LAST_DAY = "9999-12-31T00:00:00.000Z"


def mybpm_reached(
    *,
    bo_code: str,
    boi_ids: Sequence[str],
    values: Sequence[str],
    field: str | None = None,
    start: str = NOW,
    mybpm_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports when a field, or the state, reaches a value.

    An occurrence is ``{"occurrence_id", "conn_id", "bo_code", "boi_id", "field", "value"}``, with the value
    as you give it in ``values``. Only present values are read. So if a value is set and replaced between two
    reads, the feed does not report it.

    :param bo_code: code of the business object
    :param boi_ids: ids of the instances to watch; each read reads all of them
    :param values: the values to report; for a selection field, ids of its options
    :param field: code of the field; None for the instance's state (ALL, REMOVED, ARCHIVED, DEV)
    :param start: ``"now"`` for changes after the first read, or ``"beginning"`` to report also the instances
        that have one of the values at the first read
    :param mybpm_conn_id: id of the Airflow connection
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = ValuesReached(
        bo_code=bo_code,
        boi_ids=as_list(boi_ids, "boi_ids"),
        values=as_list(values, "values"),
        field=field,
        start=start,
    )
    return FeedTrigger(conn_id=mybpm_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


def mybpm_changed(
    *,
    bo_code: str,
    start: str = NOW,
    mybpm_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports instances that were created or changed.

    An occurrence is ``{"occurrence_id", "conn_id", "bo_code", "boi_id", "state", "modified_at"}``. An
    instance that changes several times between two reads is reported once, and not what changed in it.

    Unproven: no real MyBPM has been seen to answer this.

    Assumption: the list takes the native filter LAST_MODIFIED_AT in the form that the documentation's example
    has for CREATED_AT, and shows the field if it is named as a column. Wrong if MyBPM refuses the
    list, or lists instances without the field; the feed then warns and reports nothing. To try it, change an
    instance by hand.

    :param bo_code: code of the business object
    :param start: ``"now"`` for changes after the first read, or ``"beginning"`` to report also each present
        instance once
    :param mybpm_conn_id: id of the Airflow connection
    :param poll_interval: seconds between two reads, or a ``timedelta``; each read lists all instances that
        have changed since the day before the newest change
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = InstancesChanged(bo_code=bo_code, start=start)
    return FeedTrigger(conn_id=mybpm_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class ValuesReached(Feed):
    """
    Instances whose field or state reaches a value.

    For each instance, the cursor has the value of ``values`` that it had at the last read, or None, and how
    often it has reached one. Other values of the field are not stored. A change in MyBPM has neither id nor
    time, so the start time of the feed and that count identify an occurrence.

    :param values: see :func:`mybpm_reached`, also for the other parameters
    """

    bo_code: str
    boi_ids: Sequence[str]
    values: Sequence[str]
    field: str | None = None
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

    def __post_init__(self) -> None:
        check_text(self.bo_code, "bo_code")
        check_names(self.boi_ids, "boi_ids")
        for id in self.boi_ids:
            check_id(id, "boi_ids")
        check_names(self.values, "values")
        check_start(self.start)

    def __str__(self) -> str:
        what = f"field {self.field}" if self.field is not None else "state"
        named = ", ".join(self.boi_ids[:3]) + (", ..." if len(self.boi_ids) > 3 else "")
        return f"{what} of MyBPM {self.bo_code} {named} to be {' or '.join(map(repr, self.values))}"

    def first(self, api: MyBPMApi) -> Operation[Cursor]:
        """Return the cursor after the instances' present values."""
        # Distinguishes feeds that start in the same second.
        digest = hashlib.sha256(self.to_json().encode()).hexdigest()[:8]
        begun = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{digest}"
        if self.start == BEGINNING:
            return {"begun": begun, "stands": {}}
        found = yield from self._load(api)
        return {"begun": begun, "stands": {id: [self._match(boi), 0] for id, boi in found.items()}}

    def read(self, api: MyBPMApi, cursor: Cursor) -> Operation[Batch]:
        """Return which instances have reached a value since the last read."""
        found = yield from self._load(api)
        stands = dict(cursor["stands"])
        occurrences: list[Occurrence] = []
        for id, boi in found.items():
            before, times = stands.get(id, (None, 0))
            now = self._match(boi)
            if now is not None and now != before:
                if len(occurrences) == BATCH:
                    break
                times += 1
                occurrences.append(self._occurrence(id, now, f"{cursor['begun']}/{times}"))
            stands[id] = [now, times]
        missing = [id for id in self.boi_ids if id not in found]
        troubles = (f"MyBPM did not return {', '.join(missing)}",) if missing else ()
        return Batch(occurrences=tuple(occurrences), cursor={**cursor, "stands": stands}, troubles=troubles)

    def _load(self, api: MyBPMApi) -> Operation[Mapping[str, Boi]]:
        found: dict[str, Boi] = {}
        for begin in range(0, len(self.boi_ids), CHUNK):
            bois = yield from api.load_many(self.bo_code, self.boi_ids[begin : begin + CHUNK])
            found |= {boi.boi_id: boi for boi in bois}
        return {id: found[id] for id in self.boi_ids if id in found}

    def _match(self, boi: Boi) -> str | None:
        """Return which of the values the instance has; None if it has none of them."""
        if self.field is None:
            return boi.state if boi.state in self.values else None
        value = boi.fields.get(self.field) or FieldValue(None)
        return next((one for one in self.values if same(value.api_value, one, value.type)), None)

    def _occurrence(self, boi_id: str, value: str, count: str) -> Occurrence:
        facts: dict[str, Any] = {
            "bo_code": self.bo_code,
            "boi_id": boi_id,
            "field": self.field,
            "value": value,
        }
        id = f"{self.bo_code}/{boi_id}/{self.field or 'state'}/{count}"
        return Occurrence(occurrence_id=id, facts=facts)


@dataclass(frozen=True, kw_only=True)
class InstancesChanged(Feed):
    """
    Instances of an object that were created or changed; unproven, see :func:`mybpm_changed`.

    The cursor consists of MyBPM's own times. The filter compares days only, so the feed compares the times.

    :param bo_code: see :func:`mybpm_changed`, also for the other parameter
    """

    bo_code: str
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

    def __post_init__(self) -> None:
        check_text(self.bo_code, "bo_code")
        check_start(self.start)

    def __str__(self) -> str:
        return f"changes of MyBPM {self.bo_code}"

    def first(self, api: MyBPMApi) -> Operation[Cursor]:
        """Return the cursor after the newest change by MyBPM's clock."""
        if self.start == BEGINNING:
            return {"since": _midnight(dt.datetime.fromtimestamp(0, dt.UTC)), **TimeCursor().to_json()}
        since = _midnight(dt.datetime.now(dt.UTC) - DAY)
        time_cursor = TimeCursor.after((yield from self._changes(api, since)))
        return {"since": since, **time_cursor.to_json()}

    def read(self, api: MyBPMApi, cursor: Cursor) -> Operation[Batch]:
        """Read the changes after a cursor, oldest first."""
        time_cursor = TimeCursor.from_json(cursor)
        since = str(cursor["since"])
        if time_cursor.floor:
            since = max(since, _midnight(dt.datetime.fromisoformat(time_cursor.floor) - DAY))
        changes = yield from self._changes(api, since)
        taken, after = time_cursor.take(changes, most=BATCH, overlap=OVERLAP)
        occurrences = tuple(self._occurrence(one) for one in taken)
        return Batch(
            occurrences=occurrences,
            cursor={"since": cursor["since"], **after.to_json()},
            troubles=untimed(time_cursor.withheld(changes)),
        )

    def _changes(self, api: MyBPMApi, since: str) -> Operation[list[Listed]]:
        """Return the last change of each instance that has changed since a day; to the last page."""
        native = {"id": "modified", "type": MODIFIED, "dateFrom": since, "dateTo": LAST_DAY}
        brackets = [{"id": "changes", "nativeFilters": [native]}]
        found: dict[str, Listed] = {}
        start: int | None = 0
        while start is not None:
            page = yield from api.list_bois(self.bo_code, columns=[MODIFIED], brackets=brackets, start=start)
            listed = {boi.boi_id: _listed(boi) for boi in page.items}
            if listed and not any(one.at for one in listed.values()):
                raise UnreadableAnswer(
                    f"MyBPM lists {self.bo_code} without {MODIFIED}, so its changes cannot be reported\n"
                    "Watch instances by id instead, with mybpm_reached",
                    vendor=VENDOR,
                    operation="list",
                )
            # A server that does not count on gives the same page again.
            start = page.next if listed.keys() - found.keys() else None
            found |= listed
        return list(found.values())

    def _occurrence(self, change: Listed) -> Occurrence:
        facts = {"bo_code": self.bo_code, "boi_id": change.id, "state": change.item, "modified_at": change.at}
        return Occurrence(occurrence_id=f"{self.bo_code}/{change.id}/{change.at}", facts=facts)


def _listed(boi: Boi) -> Listed:
    value = boi.fields.get(MODIFIED)
    at = str(value.api_value or "").strip() if value is not None else ""
    if not at:
        return Listed(at="", id=boi.boi_id, item=boi.state)
    # What is no time is delivered once, and does not move the cursor.
    with contextlib.suppress(ValueError, OverflowError):
        at = to_python(at, dt.datetime).astimezone(dt.UTC).isoformat(timespec="milliseconds")
    return Listed(at=at, id=boi.boi_id, item=boi.state)


def _midnight(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d}T00:00:00.000Z"
