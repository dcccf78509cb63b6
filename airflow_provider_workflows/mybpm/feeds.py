"""What MyBPM can tell of as it happens, for instances that are named: it keeps no history."""

from __future__ import annotations

import datetime as dt
import hashlib
from collections.abc import Mapping, Sequence
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
    check_names,
    check_start,
    check_text,
)
from airflow_provider_workflows.mybpm.api import MyBPMApi
from airflow_provider_workflows.mybpm.boi import Boi, FieldValue
from airflow_provider_workflows.mybpm.connection import FORM
from airflow_provider_workflows.mybpm.values import check_id, same
from airflow_provider_workflows.protocol.operation import Operation

#: Instances read in one call.
CHUNK = 100


def mybpm_reached(
    *,
    bo_code: str,
    boi_ids: Sequence[str],
    values: Sequence[str],
    field: str | None = None,
    start: str = NOW,
    mybpm_conn_id: str = FORM.default_conn_id,
    poll_interval: float = 60.0,
) -> FeedTrigger:
    """
    Return the trigger of an ``AssetWatcher`` that tells when a field, or the state, comes to a value.

    An occurrence is ``{"occurrence_id", "conn_id", "bo_code", "boi_id", "field", "value"}``, with
    the value as it is written here. MyBPM shows only how things stand, so a value that comes and goes between
    two looks is not seen.

    :param boi_ids: of the instances to watch; all are read at each look
    :param values: the values to tell of; of a selection field the ids of options
    :param field: code of the field; None for the instance's state (ALL, REMOVED, ARCHIVED, DEV)
    :param start: ``"now"`` for what changes after the first look, or ``"beginning"`` to tell of what stands
        at one of the values then, too
    :param poll_interval: seconds between two looks
    :raises InvalidInput: names the argument
    """
    feed = ValuesReached(
        bo_code=bo_code, boi_ids=list(boi_ids), values=list(values), field=field, start=start
    )
    return FeedTrigger(conn_id=mybpm_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class ValuesReached(Feed):
    """
    Instances whose field or state comes to a value.

    The cursor holds for each instance which of the values it stood at, as far as it stood at one, and how
    many times it has come to one: what else the field holds stays with the vendor. MyBPM gives a change
    neither id nor time, so an occurrence is told by when the feed began and by that count.

    :param values: see :func:`mybpm_reached`, as for the others
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
        """Return the cursor after how the instances stand now."""
        # Feeds that begin in the same second count apart.
        digest = hashlib.sha256(self.to_json().encode()).hexdigest()[:8]
        begun = f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{digest}"
        if self.start == BEGINNING:
            return {"begun": begun, "stands": {}}
        found = yield from self._load(api)
        return {"begun": begun, "stands": {id: [self._match(boi), 0] for id, boi in found.items()}}

    def read(self, api: MyBPMApi, cursor: Cursor) -> Operation[Batch]:
        """Read which instances have come to a value since."""
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
        troubles = (f"MyBPM does not show {', '.join(missing)}",) if missing else ()
        return Batch(occurrences=tuple(occurrences), cursor={**cursor, "stands": stands}, troubles=troubles)

    def _load(self, api: MyBPMApi) -> Operation[Mapping[str, Boi]]:
        found: dict[str, Boi] = {}
        for begin in range(0, len(self.boi_ids), CHUNK):
            bois = yield from api.load_many(self.bo_code, self.boi_ids[begin : begin + CHUNK])
            found |= {boi.boi_id: boi for boi in bois}
        return {id: found[id] for id in self.boi_ids if id in found}

    def _match(self, boi: Boi) -> str | None:
        """Return which of the values the instance stands at."""
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
