"""
One event trigger for every feed of every vendor.

Its delivery guarantee rests on these facts, read in the source of Airflow 3.3.2:

* An event stays in the memory of the triggerer's runner process until that process hands it over, about once
  a second, to the triggerer's main process, which writes it to the database at once
  (``TriggerRunner.sync_state_to_supervisor``, ``TriggerRunnerSupervisor.handle_events``). So code that runs
  after a ``yield`` cannot assume that the event is persisted.
* A trigger that ends is started again under the same id, because its row belongs to an asset. This happens
  only after its events have left the main process's queue for the database
  (``TriggerRunnerSupervisor.update_triggers`` skips triggers with queued events), and if writing them fails,
  the whole triggerer ends. So a new instance with the same id in the same runner process proves that the
  events of the previous instance are persisted, for all assets at once (``Trigger.submit_event``).
* The asset state store is read and written through the main process, and its values never expire. A reader
  gets the same answer for a missing key and for an inactive asset; a write to an inactive asset is refused.
* An event that arrives while the DAG is queued for an earlier event of the same asset is not queued again,
  and the run takes only events up to the time of the first one (``AssetManager``, ``SchedulerJobRunner``);
  the later event gets no run until the next one arrives. So a batch is one event, and the next event waits
  for :data:`DISTANCE`.

Hence the protocol: store the batch, send it, end. The next instance advances the cursor if it can prove that
the batch is persisted, and otherwise sends the same batch again. A crash at any moment repeats at most one
batch, unchanged.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Protocol

from airflow.sdk.exceptions import AirflowException
from airflow.triggers.base import BaseEventTrigger, TriggerEvent

from airflow_provider_workflows.core.events.checkpoint import Checkpoint, furthest_back, key_of
from airflow_provider_workflows.core.events.feed import Batch, Feed
from airflow_provider_workflows.core.runtime.durations import Duration, seconds_of
from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.waiting.schedule import LONGEST_ASKED, POSTPONED
from airflow_provider_workflows.exceptions import (
    MESSAGE_LIMIT,
    InvalidInput,
    NoSlot,
    WorkflowError,
    one_line,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook

#: Maximum seconds between two failed reads, unless the vendor asks for more.
LONGEST_PAUSE = 300.0
#: Seconds between two warnings about the same problem.
REMIND_AFTER = 3600.0
#: Seconds after which a batch is sent again even if this process has sent it. A database that reuses the ids
#: of deleted rows, as SQLite does, could otherwise make a new trigger look like the old one.
PROOF_HOLDS = 60.0
#: Minimum seconds between two events, so that the scheduler starts a run for the first one.
DISTANCE = 10.0

#: Trigger id -> the last batch that this process sent: key, number of the batch, and time.
_sent: dict[int, tuple[str, int, float]] = {}
#: Key and problem -> time of this process's last warning about it.
_warned_at: dict[tuple[str, str], float] = {}
#: Key -> checkpoint, on an Airflow without an asset state store.
_checkpoints: dict[str, object] = {}


class AssetStateStore(Protocol):
    """What an asset's state store offers a trigger."""

    async def aget(self, key: str, /) -> object: ...
    async def aset(self, key: str, value: dict[str, object], /) -> None: ...


class FeedTrigger(BaseEventTrigger):
    """
    Reports each occurrence of a feed to an ``AssetWatcher`` at least once; each batch is one asset event.

    It never gives up: after a failure it logs a warning, at most once an hour for the same problem, and tries
    again.

    :param conn_id: the Airflow connection
    :param feed: the feed, from :meth:`Feed.to_json`
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: poll_interval is not a positive duration
    """

    def __init__(self, *, conn_id: str, feed: str, poll_interval: Duration = 60.0) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        interval = seconds_of(poll_interval, "poll_interval")
        if not interval:
            raise InvalidInput(f"poll_interval must be more than 0 seconds, got {poll_interval!r}")
        self.conn_id = conn_id
        self.feed = feed
        self.poll_interval = interval
        self._key = key_of(conn_id, feed)
        self._delivers = False

    def serialize(self) -> tuple[str, dict[str, object]]:
        """Return the class path and arguments, by which Airflow identifies the trigger."""
        kwargs = {"conn_id": self.conn_id, "feed": self.feed, "poll_interval": self.poll_interval}
        return f"{FeedTrigger.__module__}.{FeedTrigger.__qualname__}", kwargs

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield the event of one batch and end; Airflow then starts a new instance."""
        failures = 0
        while True:
            try:
                checkpoint = await self._advance()
            except NoSlot as postponed:
                # The limit of the account's plan; the feed is well.
                pause = max(postponed.retry_after or 0.0, min(POSTPONED, self.poll_interval))
                pause *= random.uniform(0.9, 1.1)
            except Exception as error:  # nobody would notice a feed that has ended
                failures += 1
                pause = self._report_failure(error, failures)
            else:
                if failures:
                    failures = 0
                    self._forget_warnings()
                    self.log.info("Feed %s: the vendor can be read again", self._key)
                pause = self.poll_interval * random.uniform(0.9, 1.1)
                if checkpoint.pending:
                    break
                pause = max(pause, DISTANCE if self._delivers else 0.0)
            await asyncio.sleep(pause)
        payload = {"conn_id": self.conn_id, "occurrences": [dict(one) for one in checkpoint.pending]}
        yield TriggerEvent(payload)  # type: ignore[no-untyped-call]
        if self.trigger_id is not None:
            _sent[self.trigger_id] = (self._key, checkpoint.number, time.monotonic())

    async def _advance(self) -> Checkpoint:
        """Return the next checkpoint; without a batch if the last is persisted or nothing is new."""
        self._delivers = False
        feed = Feed.from_json(self.feed)
        hook = import_string(feed.hook_class)(self.conn_id)
        checkpoint = await self._load() or await self._begin(feed, hook)
        if checkpoint.pending and self._is_persisted(checkpoint):
            checkpoint = checkpoint.delivered()
            await self._save(checkpoint)
            _sent.pop(self.trigger_id or 0, None)
            self._delivers = True
            return checkpoint
        if checkpoint.pending:
            return checkpoint
        before = checkpoint
        batch: Batch = await hook.aread(lambda api: feed.read(api, before.cursor), ahead="near")
        for trouble in batch.troubles:
            said = one_line(trouble, MESSAGE_LIMIT)
            self._warn(said, said)
        checkpoint = before.read(batch)
        if checkpoint != before:
            await self._save(checkpoint)
        return checkpoint

    async def _begin(self, feed: Feed, hook: AnyHook) -> Checkpoint:
        cursor = await hook.aread(feed.first, ahead="near")
        # A moment ago there was no checkpoint, or the asset was inactive. Read again, so as not to overwrite
        # one.
        known = await self._load()
        if known is not None:
            return known
        checkpoint = Checkpoint(cursor=hand_over(cursor, "A cursor"))
        await self._save(checkpoint)
        self.log.info("New feed: %s, connection %s", feed, self.conn_id)
        return checkpoint

    def _is_persisted(self, checkpoint: Checkpoint) -> bool:
        """Return whether the previous instance sent the batch from this same process."""
        key, number, when = _sent.get(self.trigger_id or 0, ("", 0, 0.0))
        return (key, number) == (self._key, checkpoint.number) and time.monotonic() - when < PROOF_HOLDS

    # Storage of the checkpoint.

    async def _load(self) -> Checkpoint | None:
        if not (stores := self._stores()):
            records = [_checkpoints.get(self._key)]
        else:
            records = [await store.aget(self._key) for store in stores]
        try:
            checkpoint = furthest_back(Checkpoint.from_json(one) for one in records if one is not None)
        except ValueError as error:
            raise AirflowException(
                f"the checkpoint {self._key!r} in the asset's state store cannot be read: {error}\n"
                "If you delete it, the feed starts again from its start setting"
            ) from None
        # All stores must hold the batch before it is sent: one that does not would read it again.
        if checkpoint is not None and any(one != checkpoint.to_json() for one in records):
            await self._save(checkpoint)
        return checkpoint

    async def _save(self, checkpoint: Checkpoint) -> None:
        stores = self._stores()
        if not stores:
            if self._key not in _checkpoints:
                self.log.warning(
                    "Feed %s: no state store for asset watchers (Airflow 3.3 has one), so it will miss what "
                    "happens while the triggerer is down",
                    self._key,
                )
            _checkpoints[self._key] = checkpoint.to_json()
        for store in stores:
            await store.aset(self._key, checkpoint.to_json())

    def _stores(self) -> list[AssetStateStore]:
        """Return the state store of each asset of this trigger; empty before Airflow 3.3."""
        whole = getattr(self, "asset_state_store", None)
        if whole is None:
            return []
        # Airflow lists the assets nowhere else; its public methods serve a single asset only.
        parts: dict[str, AssetStateStore] | None = getattr(whole, "_by_name", None)
        return list(parts.values()) if parts else [whole]

    # Warnings.

    def _report_failure(self, error: Exception, failures: int) -> float:
        """Log a failure, and return the seconds until the next attempt."""
        # Airflow's own errors say what is missing; others may quote a URL.
        detail = f": {error}" if isinstance(error, AirflowException) else ""
        kind = type(error).__name__
        pause = min(self.poll_interval * 2 ** min(failures - 1, 10), max(LONGEST_PAUSE, self.poll_interval))
        asked = (error.retry_after if isinstance(error, WorkflowError) else None) or 0.0
        pause = float(max(pause, min(asked, LONGEST_ASKED)) * random.uniform(0.9, 1.1))
        self._warn(kind, f"reading failed, next attempt in {pause:.0f} s: {kind}{detail}")
        return pause

    def _warn(self, problem: str, message: str) -> None:
        """Log a warning, unless one about the same problem was logged within the last hour."""
        now, key = time.monotonic(), (self._key, problem)
        for old in [one for one, when in _warned_at.items() if now - when >= REMIND_AFTER]:
            del _warned_at[old]
        if key not in _warned_at:
            _warned_at[key] = now
            self.log.warning("Feed %s: %s", self._key, message)

    def _forget_warnings(self) -> None:
        for one in [one for one in _warned_at if one[0] == self._key]:
            del _warned_at[one]
