"""
One record of many: its engine, as the effect of a single operator has, with its steps answered for many.

Intents are written in groups, and what can be looked up together is looked up together.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.bulk.pace import Pace
from airflow_provider_workflows.core.bulk.record_store import RecordStore
from airflow_provider_workflows.core.bulk.table.results import RecordResult
from airflow_provider_workflows.core.protocol.operation import Sleep
from airflow_provider_workflows.core.submission.effect import (
    AnyEffect,
    Look,
    LookupResult,
    Send,
    Step,
    Unknown,
)
from airflow_provider_workflows.core.submission.engine import Engine
from airflow_provider_workflows.core.submission.messages import Messages
from airflow_provider_workflows.core.submission.record import Record, Store, StoreFailed
from airflow_provider_workflows.core.submission.runner import Runner
from airflow_provider_workflows.exceptions import LostTrack, OutcomeUnknown, TemporaryError, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook

#: Seconds in which look-ups gather to be made together, and how many at the most.
GATHER = 0.05
TOGETHER = 100


class ManyMessages(Messages):
    """The messages of one record: thousands that go well are no news."""

    def sending(self, record: Record) -> None:
        """Say nothing."""

    def done(self, id: object, how: str) -> None:
        """Count what was sent."""
        if how == "sent":
            metrics.SUBMITTED.record(vendor=self._vendor)


class LookUps:
    """
    Looks up together what can be: effects of one group, in one operation.

    :param hook: the vendor's
    """

    def __init__(self, hook: AnyHook) -> None:
        self._hook = hook
        self._gathered: dict[Hashable, dict[str, tuple[Record, asyncio.Future[LookupResult]]]] = {}

    async def look_up(self, effect: AnyEffect, record: Record) -> LookupResult:
        """
        Return the result for one record.

        :param effect: of a group
        """
        assert effect.group is not None
        gathered = self._gathered.setdefault(effect.group, {})
        result: asyncio.Future[LookupResult] = asyncio.get_running_loop().create_future()
        gathered[record.mark] = (record, result)
        if len(gathered) >= TOGETHER:
            await self._make(effect)
        elif len(gathered) == 1:
            await asyncio.sleep(GATHER)
            if self._gathered.get(effect.group) is gathered:
                await self._make(effect)
        return await result

    async def _make(self, effect: AnyEffect) -> None:
        gathered = self._gathered.pop(effect.group)
        records = [record for record, _ in gathered.values()]
        try:
            results = await self._hook.arun(lambda api: effect.look_up_many(api, records))
        except Exception as error:
            failure = error if isinstance(error, WorkflowError) else LostTrack(_unusable(error))
            for _, waiting in gathered.values():
                if not waiting.done():
                    waiting.set_exception(failure)
                    waiting.exception()  # else asyncio complains if nobody waits for it any more
            return
        for mark, (_, waiting) in gathered.items():
            if not waiting.done():
                waiting.set_result(results.get(mark, Unknown("the look-up left it out", may_change=True)))


@dataclass(frozen=True)
class Item:
    """
    One record whose turn has come.

    :param done: its result, if all goes well, but for the id
    :param earlier: what an earlier attempt left of it; None if nothing
    """

    line: int
    done: RecordResult
    effect: AnyEffect
    earlier: Record | None


class Memory(Store):
    """
    What is known of one record.

    :param record: what an earlier attempt left of it
    """

    def __init__(self, record: Record | None, *, lasting: bool) -> None:
        self.record = record
        self.lasting = lasting  # type: ignore[misc]

    def load(self) -> Record | None:
        """Return what is known."""
        return self.record


class RecordRunner(Runner):
    """
    Runs the engine of one record.

    :param line: the record's
    :param records: remembers the records of the attempt
    :param sent: called when its request was answered or it begins to wait, so that the next one may go
    """

    def __init__(
        self,
        engine: Engine,
        memory: Memory,
        hook: AnyHook,
        *,
        line: int,
        records: RecordStore,
        pace: Pace,
        look_ups: LookUps,
        sent: Callable[[], None],
    ) -> None:
        super().__init__(engine, memory, hook)
        self._line = line
        self._records = records
        self._pace = pace
        self._look_ups = look_ups
        self._sent = sent
        if engine.terms.fenced:
            engine.gate.save_again = records.check_recent

    async def _aanswer(self, step: Step) -> Any:
        match step:
            case Send():
                return await self._send(step)
            case Sleep():
                self._sent()
            case Look(record) if self.engine.effect.group is not None:
                return await self._look_ups.look_up(self.engine.effect, record)
        return await super()._aanswer(step)

    async def _send(self, step: Step) -> Any:
        pace = self._pace
        await pace.enter()
        try:
            answer = await super()._aanswer(step)
        except (TemporaryError, OutcomeUnknown) as error:
            pace.slow_down(error)
            raise
        except WorkflowError:
            pace.answered()
            raise
        except StoreFailed:
            raise
        except Exception as error:  # of our own making, on an answer that nobody has foreseen
            raise OutcomeUnknown(_unusable(error)) from error
        finally:
            pace.leave()
            self._sent()
        pace.answered()
        return answer

    async def _asave(self, record: Record | None) -> None:
        self.store.record = record
        if record is not None and record.id is not None:
            return  # its result is written
        if self.engine.effect.repeatable:
            await self._records.reach(self._line)
        else:
            await self._records.note(self._line, record)


def _unusable(error: Exception) -> str:
    """Say that our own code failed, on an answer that nobody has foreseen."""
    return f"The answer could not be used ({type(error).__name__})"
