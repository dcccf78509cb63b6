"""Makes one record of a table happen, however often it must be tried."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.bulk.pace import LONGEST_PAUSE, Pace
from airflow_provider_workflows.core.bulk.record_runner import (
    Item,
    LookUps,
    ManyMessages,
    Memory,
    RecordRunner,
)
from airflow_provider_workflows.core.bulk.record_store import RecordStore
from airflow_provider_workflows.core.bulk.table.results import Outcome, RecordResult
from airflow_provider_workflows.core.submission.effect import AnyEffect
from airflow_provider_workflows.core.submission.engine import Engine
from airflow_provider_workflows.core.submission.record import Record, mark_of
from airflow_provider_workflows.core.submission.terms import Terms
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    LostTrack,
    OutcomeUnknown,
    PermanentError,
    TemporaryError,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.submission.terms import Clock

#: How a person settles a doubt about one record of many.
ADVICE = (
    "If it exists, nothing remains to be done for this record\n"
    "If it does not exist, send it in a table of its own"
)


class RecordSender:
    """
    Sends the records of one attempt, one at a call.

    :param store: remembers the records
    :param terms: for each record
    :param names: what a person reads in a mark: the DAG's and the task's
    :param concurrency: maximum number of requests at the same time
    :param tolerance: seconds without an answer after which the attempt fails
    """

    def __init__(
        self,
        hook: AnyHook,
        store: RecordStore,
        *,
        terms: Terms,
        clock: Clock,
        names: Sequence[str],
        concurrency: int,
        tolerance: float,
    ) -> None:
        self.hook = hook
        self.store = store
        self.concurrency = concurrency
        self.pace = Pace(concurrency, clock)
        #: Whether no request may begin any more.
        self.closed = False
        self._look_ups = LookUps(hook)
        self._terms = terms
        self._clock = clock
        self._names = names
        self._tolerance = tolerance
        self._where = hook.where
        self._engines: set[Engine] = set()

    def stop(self) -> int:
        """Begin no request any more, and return how many may be under way; also for a signal's handler."""
        self.closed = True
        for engine in tuple(self._engines):
            engine.gate.close()
        return len(self._engines)

    async def as_intended(self, line: int, effect: AnyEffect) -> Record:
        """Return the intent of an earlier attempt that wrote none, since sending again does no harm."""
        baseline = await self.hook.arun(effect.baseline)
        return replace(self._new(line), baseline=baseline, intended_at=self._clock.time())

    async def send(self, item: Item, sent: Callable[[], None]) -> RecordResult:
        """Return what became of a record, however often it must be tried."""
        record, since = item.earlier, None
        for attempt in itertools.count():
            await self.pace.pause()
            engine = self._engine(item)
            memory = Memory(record, lasting=self._terms.fenced)
            self._engines.add(engine)
            try:
                outcome = await self._runner(engine, memory, line=item.line, sent=sent).arun()
                return replace(item.done, id=outcome.id)
            except (AuthenticationFailed, InvalidConnection):
                raise
            except OutcomeUnknown as error:
                return item.done.failed(error, Outcome.UNKNOWN)
            except PermanentError as error:
                # A refusal says nothing of an earlier request whose intent stands and that nobody can find.
                doubted = memory.record is not None and not item.effect.retry_is_safe
                return item.done.failed(error, Outcome.UNKNOWN if doubted else Outcome.REJECTED)
            except TemporaryError as error:
                record = memory.record
                since = since or (self._clock.monotonic(), self.pace.answers)
                if self._clock.monotonic() - since[0] > self._tolerance and self.pace.answers > since[1]:
                    # The vendor answers, but not about this record.
                    return item.done.failed(error, Outcome.UNKNOWN if record else Outcome.REJECTED)
                sent()
                await self._wait_after(error, attempt)
            finally:
                self._engines.discard(engine)
        raise AssertionError("the loop ends by itself")

    def _runner(self, engine: Engine, memory: Memory, *, line: int, sent: Callable[[], None]) -> RecordRunner:
        return RecordRunner(
            engine,
            memory,
            self.hook,
            line=line,
            records=self.store,
            pace=self.pace,
            look_ups=self._look_ups,
            sent=sent,
        )

    async def _wait_after(self, error: WorkflowError, attempt: int) -> None:
        """
        Wait until another try makes sense.

        :raises LostTrack: the vendor has been silent for too long
        """
        if self.closed:
            raise error
        self.store.check()
        if self.pace.silence > self._tolerance:
            raise LostTrack(
                f"No answer for {self.pace.silence:.0f} s, which is more than the tolerance\n"
                f"Last failure: {error.message}\n"
                "A retry continues with the records that are left"
            ) from None
        await self._clock.asleep(min(LONGEST_PAUSE, error.retry_after or 2.0 ** min(attempt, 10)))

    def _engine(self, item: Item) -> Engine:
        engine = Engine(
            item.effect,
            self._terms,
            ManyMessages(item.effect, advice=ADVICE, vendor=self.hook.conn_type),
            new=self._new(item.line),
            clock=self._clock,
            where=self._where,
        )
        if self.closed:
            engine.gate.close()
        return engine

    def _new(self, line: int) -> Record:
        return Record(mark=mark_of([self.store.numbers.seed, str(line)], names=self._names), generation=0)
