"""
One event trigger for every feed of every vendor.

What its promise rests on, read in Airflow 3.3.2:

* An event waits in the memory of the triggerer's runner process until its loop, about once a second, hands it
  to the triggerer's main process, which writes it to the database in the same turn
  (``TriggerRunner.sync_state_to_supervisor``, ``TriggerRunnerSupervisor.handle_events``). To go on after a
  ``yield`` proves nothing.
* A trigger that ends is started anew under the same id, since its row belongs to an asset. That happens only
  after its events have left the main process's queue for the database
  (``TriggerRunnerSupervisor.update_triggers`` leaves alone what has events waiting), and if writing them
  failed, the whole triggerer ends. So a new instance with the same id in the same runner process proves that
  the events of the one before it are persisted, for all assets at once (``Trigger.submit_event``).
* The asset state store is read and written through the main process, and never expires. A key that is not
  there and an asset that is not active give the same answer to a reader; a writer is refused by the latter.
* An event that comes while the DAG is queued for an earlier one of the same asset is not queued for itself,
  and the run takes only what is no younger than the first (``AssetManager``, ``SchedulerJobRunner``): it has
  no run until the next event. So a batch is one event, and the next one keeps its distance.

Hence the protocol: write the batch down, send it, end; and in the next instance advance the cursor, if the
proof holds, or send the same batch again, if it does not. A crash at any moment repeats a batch at the most,
word for word.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_workflows.base.feed import Batch, Feed
from airflow_provider_workflows.base.progress import Progress, furthest_back, key_of
from airflow_provider_workflows.base.stored import import_string
from airflow_provider_workflows.base.waiting import LONGEST_ASKED
from airflow_provider_workflows.protocol.errors import InvalidInput, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.base.hook import WorkflowHook

#: Seconds between two looks that fail, at the most; unless the vendor asks for more.
LONGEST_PAUSE = 300.0
#: Seconds between two warnings about the same trouble.
REMIND_AFTER = 3600.0
#: Seconds after which a batch is sent again though this process has sent it. A database that gives ids of
#: deleted rows away again, as SQLite does, could otherwise make a new trigger pass for the old one.
PROOF_HOLDS = 60.0
#: Seconds at the least between two events, for the scheduler to start a run for the first.
DISTANCE = 10.0

#: Trigger id -> what this process has sent last: key, number of the batch, and when.
_sent: dict[int, tuple[str, int, float]] = {}
#: Key and trouble -> when this process has warned of it last.
_said: dict[tuple[str, str], float] = {}
#: Key -> progress, on an Airflow without asset state store.
_remembered: dict[str, Any] = {}


class FeedTrigger(BaseEventTrigger):
    """
    Tells Airflow of each occurrence of a feed, for ``AssetWatcher``, at least once: an asset event a batch.

    It never ends by itself: whatever fails, it says so, now and then, and goes on trying.

    :param conn_id: the Airflow connection
    :param feed: the feed as :meth:`Feed.to_json` writes it
    :param poll_interval: seconds between two looks
    :raises InvalidInput: poll_interval is no positive number
    """

    def __init__(self, *, conn_id: str, feed: str, poll_interval: float = 60.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        if not poll_interval > 0:
            raise InvalidInput(f"poll_interval must be more than 0 seconds, got {poll_interval!r}")
        self.conn_id = conn_id
        self.feed = feed
        self.poll_interval = float(poll_interval)
        self._key = key_of(conn_id, feed)
        self._delivers = False

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class path and arguments, by which Airflow tells triggers."""
        kwargs = {"conn_id": self.conn_id, "feed": self.feed, "poll_interval": self.poll_interval}
        return f"{FeedTrigger.__module__}.{FeedTrigger.__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the event of one batch and end; Airflow starts a new instance then."""
        failures = 0
        while True:
            try:
                progress = await self._advance()
            except Exception as error:  # a feed that ends would be missed by nobody
                failures += 1
                pause = self._complain(error, failures)
            else:
                if failures:
                    failures = 0
                    self._forget_warnings()
                    self.log.info("Feed %s: read again", self._key)
                pause = self.poll_interval * random.uniform(0.9, 1.1)
                if progress.pending:
                    break
                pause = max(pause, DISTANCE if self._delivers else 0.0)
            await asyncio.sleep(pause)
        payload = {"conn_id": self.conn_id, "occurrences": [dict(one) for one in progress.pending]}
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
        if self.trigger_id is not None:
            _sent[self.trigger_id] = (self._key, progress.number, time.monotonic())

    async def _advance(self) -> Progress:
        """Return what to send; or the progress, if a batch is persisted or a look found nothing."""
        self._delivers = False
        feed = Feed.from_json(self.feed)
        hook = import_string(feed.hook_class)(self.conn_id)
        progress = await self._load() or await self._begin(feed, hook)
        if progress.pending and self._is_persisted(progress):
            progress = progress.delivered()
            await self._save(progress)
            _sent.pop(self.trigger_id or 0, None)
            self._delivers = True
            return progress
        if progress.pending:
            return progress
        before = progress
        batch: Batch = await hook.aread(lambda api: feed.read(api, before.cursor))
        for trouble in batch.troubles:
            self._warn(trouble, trouble)
        progress = before.read(batch)
        if progress != before:
            await self._save(progress)
        return progress

    async def _begin(self, feed: Feed, hook: WorkflowHook[Any]) -> Progress:
        cursor = await hook.aread(feed.first)
        # Nothing was there a moment ago, or the asset was not active: once more, lest a cursor be lost.
        known = await self._load()
        if known is not None:
            return known
        progress = Progress(cursor=cursor)
        await self._save(progress)
        self.log.info("Beginning with %s, connection %s", feed, self.conn_id)
        return progress

    def _is_persisted(self, progress: Progress) -> bool:
        """Tell whether the instance before this one has sent the batch, from this same process."""
        key, number, when = _sent.get(self.trigger_id or 0, ("", 0, 0.0))
        return (key, number) == (self._key, progress.number) and time.monotonic() - when < PROOF_HOLDS

    # Where the progress lies.

    async def _load(self) -> Progress | None:
        if not (stores := self._stores()):
            records = [_remembered.get(self._key)]
        else:
            records = [await store.aget(self._key) for store in stores]
        try:
            progress = furthest_back(Progress.from_json(one) for one in records if one is not None)
        except ValueError as error:
            raise AirflowException(
                f"the record {self._key!r} in the asset's state store cannot be read: {error}. Deleting it "
                "lets the feed begin anew"
            ) from None
        # A batch must not be sent before each of them holds it: one that does not would read it once more.
        if progress is not None and any(one != progress.to_json() for one in records):
            await self._save(progress)
        return progress

    async def _save(self, progress: Progress) -> None:
        stores = self._stores()
        if not stores:
            if self._key not in _remembered:
                self.log.warning(
                    "This Airflow keeps no state for asset watchers (3.3 does): what happens while the "
                    "triggerer is down will be missed"
                )
            _remembered[self._key] = progress.to_json()
        for store in stores:
            await store.aset(self._key, progress.to_json())

    def _stores(self) -> list[Any]:
        """Return the state store of each asset that this trigger serves; none before Airflow 3.3."""
        whole = getattr(self, "asset_state_store", None)
        if whole is None:
            return []
        # Airflow names the assets nowhere else; its public methods are for one asset only.
        parts: dict[str, Any] | None = getattr(whole, "_by_name", None)
        return list(parts.values()) if parts else [whole]

    # What it says.

    def _complain(self, error: Exception, failures: int) -> float:
        """Log a failure, and return the seconds until the next try."""
        # Airflow's own errors name what is missing; others may quote a URL.
        told = f": {error}" if isinstance(error, AirflowException) else ""
        kind = type(error).__name__
        pause = min(self.poll_interval * 2 ** min(failures - 1, 10), max(LONGEST_PAUSE, self.poll_interval))
        asked = (error.retry_after if isinstance(error, WorkflowError) else None) or 0.0
        pause = float(max(pause, min(asked, LONGEST_ASKED)) * random.uniform(0.9, 1.1))
        self._warn(kind, f"no news, going on in {pause:.0f} s: {kind}{told}")
        return pause

    def _warn(self, trouble: str, message: str) -> None:
        """Log a warning, unless one about the same trouble was logged a while ago."""
        now, key = time.monotonic(), (self._key, trouble)
        for old in [one for one, when in _said.items() if now - when >= REMIND_AFTER]:
            del _said[old]
        if key not in _said:
            _said[key] = now
            self.log.warning("Feed %s: %s", self._key, message)

    def _forget_warnings(self) -> None:
        for one in [one for one in _said if one[0] == self._key]:
            del _said[one]
