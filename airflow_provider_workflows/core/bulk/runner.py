"""
Sends the records of a table: some at the same time, each once, on an event loop of the task's own.

Every record has an engine of its own, which :mod:`~airflow_provider_workflows.core.bulk.record_runner` runs.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import logging
from collections.abc import AsyncIterator, Callable, Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.bulk.earlier import check_rows
from airflow_provider_workflows.core.bulk.pace import Place, Turns
from airflow_provider_workflows.core.bulk.record_runner import Item
from airflow_provider_workflows.core.bulk.record_sender import RecordSender
from airflow_provider_workflows.core.bulk.table.columns import BadRow, Columns, Mapped
from airflow_provider_workflows.core.bulk.table.results import Counts, Outcome, RecordResult
from airflow_provider_workflows.core.bulk.table.source import Fingerprint, Row
from airflow_provider_workflows.core.runtime.apart import run_apart
from airflow_provider_workflows.core.submission.effect import AnyEffect
from airflow_provider_workflows.core.submission.record import Record, StoreFailed
from airflow_provider_workflows.exceptions import InvalidInput, TemporaryError, one_line

if TYPE_CHECKING:
    from airflow_provider_workflows.core.bulk.progress import Progress

log = logging.getLogger(__name__)

#: Records that may be in doubt at the same time, if the vendor can be asked about them.
WINDOW = 500
#: Records that are prepared while others are being sent, for each of these.
PREPARED = 2
#: Rows that are read at a time, in a thread.
ROWS = 200
CUT = "The task was killed before all records were sent\nA retry continues with the records that are left"


class ManyRun:
    """
    One attempt at all records of a table.

    :param rows: reads the table, from its beginning
    :param effect: makes a record's effect
    :param skips: returns whether a row is to be skipped
    :param sender: sends one record
    """

    def __init__(
        self,
        rows: Callable[[], Iterator[Row]],
        columns: Columns,
        effect: Callable[[Mapped], AnyEffect],
        *,
        sender: RecordSender,
        progress: Progress,
        skips: Callable[[Row], bool],
    ) -> None:
        self.store = sender.store
        self.progress = progress
        self._sender = sender
        self._rows = rows
        self._columns = columns
        self._effect = effect
        self._skips = skips
        self._window = asyncio.Semaphore(WINDOW)
        #: Records that are prepared or being sent; and those among them that nothing at the vendor will show.
        self._prepared = asyncio.Semaphore(PREPARED * sender.concurrency)
        self._blind = asyncio.Semaphore(sender.concurrency)
        self._turns = Turns()
        self._tasks: set[asyncio.Task[None]] = set()
        self._failed: asyncio.Future[None] | None = None
        #: What a kill has kept from being sent; None if it has not.
        self._cut: TemporaryError | None = None

    def stop(self) -> int:
        """Begin no request any more, and return how many may be under way; also for a signal's handler."""
        return self._sender.stop()

    def run(self) -> Counts:
        """
        Send all records that are left.

        :returns: the counts of all attempts
        :raises WorkflowError: the attempt cannot go on; a retry continues
        :raises Exception: what the store raised
        """
        return run_apart(self._end, on_struck=self._fail)

    async def _end(self) -> Counts:
        try:
            await self._run()
        except StoreFailed as failed:
            raise failed.error from None
        if self.store.failure is not None:
            raise self.store.failure
        return self.store.numbers.counts

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        self._failed = loop.create_future()
        loop.set_exception_handler(self._on_stray)
        writing = asyncio.create_task(self.store.keep_writing())
        feeding = asyncio.create_task(self._feed())
        telling = asyncio.create_task(self.progress.keep_telling())
        telling.add_done_callback(self._told)
        try:
            await asyncio.wait({writing, feeding, self._failed}, return_when=asyncio.FIRST_COMPLETED)
            for one in (self._failed, feeding, writing):
                if one.done():
                    one.result()
        finally:
            self.stop()
            await _end(feeding, telling, *self._tasks)
            self.store.stop()
            await asyncio.wait({writing})
            with contextlib.suppress(StoreFailed):
                await self.store.close()

    def _told(self, telling: asyncio.Task[None]) -> None:
        """Fail with what struck the progress, such as the task's timeout; but go on without a bar."""
        if telling.cancelled() or (error := telling.exception()) is None:
            return
        if isinstance(error, Exception):
            log.warning("The progress is not shown any more: %s", type(error).__name__)
        else:
            self._fail(error)

    def _on_stray(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Fail with what struck a callback of the loop, such as the task's timeout."""
        error = context.get("exception")
        if isinstance(error, BaseException) and not isinstance(error, Exception):
            self._fail(error)
        else:
            loop.default_exception_handler(context)

    def _fail(self, error: BaseException) -> None:
        if self._failed is not None and not self._failed.done():
            self._failed.set_exception(error)

    # Feeding.

    async def _feed(self) -> None:
        """Begin one record after the other, and wait for the last."""
        earlier = await asyncio.to_thread(self.store.open)
        self.progress.begin(self.store.numbers.counts)
        numbers, fingerprint = self.store.numbers, Fingerprint()
        await asyncio.to_thread(check_rows, self._rows, numbers)
        async for row in self._read():
            if self._sender.closed:
                self._cut = TemporaryError(CUT)
                break
            fingerprint.update(row)
            if row.line <= numbers.low:
                continue
            while self.store.has_lead:
                await self.store.moved()
            self.store.begin(row.line, fingerprint.hexdigest())
            if row.line in earlier.settled:
                continue
            if (result := earlier.results.get(row.line)) is not None:
                self._finish(result)
                continue
            await self._begin(row, earlier.doubts.get(row.line), old=row.line <= numbers.ahead)
        while self._tasks:  # also after a kill, since answers that are on their way leave no doubt
            await asyncio.wait(self._tasks)
        if self._cut is not None:
            raise self._cut

    async def _read(self) -> AsyncIterator[Row]:
        """Read the rows in a thread, since files may be far away."""
        source = self._rows()
        while rows := await asyncio.to_thread(lambda: list(itertools.islice(source, ROWS))):
            for row in rows:
                yield row

    async def _begin(self, row: Row, record: Record | None, *, old: bool) -> None:
        if self._skips(row):
            self._finish(RecordResult(row.line, row.line, Outcome.SKIPPED))
            return
        try:
            mapped = self._columns.read(row)
        except BadRow as error:
            self._finish(RecordResult(row.line, row.line, Outcome.REJECTED, message=str(error)))
            return
        result = RecordResult(row.line, mapped.key, Outcome.DONE, kept=mapped.kept)
        try:
            effect = self._effect(mapped)
        except InvalidInput as error:
            self._finish(result.failed(error))
            return
        except Exception as error:  # it has not asked the vendor, so that nothing was sent for this row
            self._finish(result.failed(_unusable(error)))
            return
        if record is None and old and effect.repeatable:
            record = await self._sender.as_intended(row.line, effect)
        findable = effect.retry_is_safe or effect.shown_by_baseline
        slots = self._prepared if findable else self._blind
        # What an earlier attempt left has its place in that attempt's window.
        place = Place(self._window, slots, early=findable) if record is None else Place()
        await place.take()
        task = asyncio.create_task(self._handle(Item(row.line, result, effect, record), place))
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        if self._sender.closed and isinstance(error, TemporaryError):
            self._cut = error
        else:
            self._fail(error)

    # One record.

    async def _handle(self, item: Item, place: Place) -> None:
        try:
            async with self._turns.take(item.effect.turn):
                result = await self._sender.send(item, place.sent)
            written = self._finish(result, journal=not item.effect.repeatable)
            if written is not None:
                await written
        finally:
            place.leave()

    def _finish(self, result: RecordResult, *, journal: bool = False) -> asyncio.Future[None] | None:
        self.progress.count(result)
        metrics.RECORDS.record(vendor=self._sender.hook.conn_type, outcome=result.outcome)
        return self.store.finish(result, journal=journal)


def _unusable(error: Exception) -> InvalidInput:
    what = one_line(f"{type(error).__name__}: {error}", 200)
    return InvalidInput(f"Nothing was sent: the row cannot be used ({what})")


async def _end(*tasks: asyncio.Task[Any]) -> None:
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)
