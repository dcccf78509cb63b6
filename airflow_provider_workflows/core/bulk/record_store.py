"""
What a task for many records remembers: what it is about to send, and what became of it.

Intents and results go into objects of the results folder, in groups, and never by appending:

- *journals* hold the intents of requests that are under way, and results that are in no part yet. They are
  deleted once their records are in parts.
- *parts* hold the results, some hundreds each.

The state store holds a few numbers, whatever the size of the table. To write them also proves that no newer
attempt of the task has begun. Before Airflow 3.3, they are in the results folder, too.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
import uuid
from collections import deque
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.core.bulk.earlier import (
    Earlier,
    Numbers,
    read_numbers,
    save_numbers,
    stored_numbers,
)
from airflow_provider_workflows.core.bulk.table.results import RecordResult, ResultsFolder
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.submission.record import Record, StoreFailed
from airflow_provider_workflows.core.submission.terms import current
from airflow_provider_workflows.exceptions import TemporaryError

#: Results in one part.
PART = 500
#: Seconds after which results are written although they do not fill a part.
SOONEST_PART = 5.0
#: Seconds between two writes of the numbers while requests are under way.
HEARTBEAT = 4.0
#: How many records may be ahead of the first whose result is in no part.
LEAD = 20_000


class RecordStore:
    """
    The memory of one attempt.

    :param state: the task's state
    :param folder: where journals and parts go
    :param target: fingerprint of the vendor's account and of the operator's arguments
    """

    def __init__(self, state: TaskState, folder: ResultsFolder, *, target: str) -> None:
        self._state = state
        self._folder = folder
        self._attempt = ""
        self.numbers = self._load(target)
        self._head = (self.numbers.head, self.numbers.rows)
        #: What waits for the next write: rows of a journal, and those who wait for them.
        self._rows: list[dict[str, object]] = []
        self._waiting: list[asyncio.Future[None]] = []
        #: Results that are in no part yet.
        self._results: list[RecordResult] = []
        #: The journals that are there, with the lines that are in no part yet.
        self._journals: dict[str, set[int]] = {}
        self._journal = 0
        #: Lines beyond ``low`` whose turn has come, in order; and those in parts.
        self._lines: deque[int] = deque()
        self._in_parts: set[int] = set()
        #: The parts that may hold a line beyond ``low``, with their last line.
        self._recent: deque[tuple[int, int]] = deque()
        #: Journals that are no longer needed.
        self._obsolete: list[str] = []
        self._parted = self._written = time.monotonic()
        #: Wall time and boot time right before the last save that succeeded.
        self._proved = float("-inf"), float("-inf")
        self._wanted = asyncio.Event()
        self._moved = asyncio.Event()
        self._closing = False
        self.failure: Exception | None = None

    # What earlier attempts left.

    def _load(self, target: str) -> Numbers:
        return read_numbers(stored_numbers(self._state, self._folder), self._folder, target=target)

    def open(self) -> Earlier:
        """
        Read what earlier attempts left, before anything is sent.

        :raises Exception: from the store
        """
        self.numbers = replace(self.numbers, attempt=self.numbers.attempt + 1)
        self._attempt = f"{self.numbers.attempt:06}x{uuid.uuid4().hex[:8]}"
        self._save(self.numbers)  # before the first object, so that no object is there without them
        earlier = Earlier(self._folder, self.numbers)
        earlier.read()
        self.numbers = earlier.numbers
        self._journals |= earlier.journals
        self._journal = earlier.journal
        self._recent.extend(earlier.parts)
        self._in_parts |= earlier.settled
        return earlier

    # What this attempt remembers.

    def begin(self, line: int, rows: str) -> None:
        """
        Note that a record's turn has come; in order of lines.

        :param rows: fingerprint of all rows up to it
        """
        self._lines.append(line)
        if line > self._head[0]:
            self._head = (line, rows)

    @property
    def has_lead(self) -> bool:
        """Whether the records are too far ahead of one that does not end."""
        return len(self._lines) >= LEAD

    async def moved(self) -> None:
        """Wait for the next write."""
        self._moved.clear()
        self._wanted.set()
        await self._moved.wait()

    async def note(self, line: int, record: Record | None) -> None:
        """
        Write an intent, what is known of a lost answer, or that an intent had no effect.

        :raises StoreFailed: it was not written
        """
        self._rows.append({"line": line, "record": record.to_json() if record is not None else None})
        await self._write_soon()

    async def reach(self, line: int) -> None:
        """
        Note that a record may be sent for which no intent is written, because sending it again does no harm.

        :raises StoreFailed: it was not written
        """
        if line > self.numbers.ahead or not self._is_newest:
            await self._write_soon()

    async def _write_soon(self) -> None:
        self.check()
        done = asyncio.get_running_loop().create_future()
        self._waiting.append(done)
        self._wanted.set()
        await done

    def finish(self, result: RecordResult, *, journal: bool) -> asyncio.Future[None] | None:
        """
        Keep a result, and write it soon.

        :param journal: whether to write it even before it fills a part, because its intent was written
        :returns: done when it is in the journal
        """
        self._results.append(result)
        done = None
        if journal:
            self._rows.append({"line": result.line, "result": result.to_json()})
            self._waiting.append(done := asyncio.get_running_loop().create_future())
        if journal or len(self._results) >= PART:
            self._wanted.set()
        return done

    def check(self) -> None:
        """
        Check that this attempt may still send something.

        :raises StoreFailed: a write has failed, or a newer attempt has begun
        """
        if self.failure is not None:
            raise StoreFailed(self.failure)

    def check_recent(self) -> None:
        """
        Check that a moment ago no newer attempt had begun.

        :raises TemporaryError: it is not certain
        """
        self.check()
        if not self._is_newest:
            raise TemporaryError("Nothing was sent: it is not certain that this attempt is the newest")

    @property
    def _is_newest(self) -> bool:
        """Whether a save has proved it a moment ago, also if the process or the machine has stood still."""
        clock, (wall, boot) = current.clock, self._proved
        return max(clock.time() - wall, clock.boottime() - boot) <= 2 * HEARTBEAT

    async def keep_writing(self) -> None:
        """Write what is to be written, until :meth:`close` or until a write fails."""
        while self.failure is None and not self._closing:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(1.0):
                    await self._wanted.wait()
            self._wanted.clear()
            if self._is_due():
                await self._write()

    def _is_due(self) -> bool:
        now = time.monotonic()
        part = bool(self._results) and now - self._parted > SOONEST_PART
        beat = bool(self._lines) and now - self._written > HEARTBEAT
        return bool(self._rows or self._waiting or len(self._results) >= PART or part or beat)

    async def _write(self, *, last: bool = False) -> None:
        """Write once; whatever has come meanwhile waits for the next time."""
        rows, waiting, self._rows, self._waiting = self._rows, self._waiting, [], []
        now = time.monotonic()
        due = last or len(self._results) >= PART or now - self._parted > SOONEST_PART
        results, self._results = (self._results, []) if due else ([], self._results)
        numbers = self._after(results)
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(None, self._write_objects, rows, results, numbers)
        try:
            cancelled = await _outlast(work)
            self._account(work.result(), rows, results, numbers)
        except Exception as error:
            self.failure, cancelled = error, False
        except BaseException:  # such as the task's timeout; nothing may be written beside what is under way
            self.failure = TemporaryError("It is not certain that the last results were written")
            raise
        for one in waiting:
            if not one.done():
                self._answer(one)
        if cancelled:
            raise asyncio.CancelledError

    def _answer(self, waiting: asyncio.Future[None]) -> None:
        if self.failure is None:
            waiting.set_result(None)
            return
        waiting.set_exception(StoreFailed(self.failure))
        waiting.exception()  # else asyncio complains if nobody waits for it any more

    def _after(self, results: list[RecordResult]) -> Numbers:
        """Return the numbers for when these results are in a part."""
        numbers = self.numbers
        head, rows = self._head
        numbers = replace(numbers, head=head, rows=rows, ahead=max(numbers.ahead, head + PART))
        counts = replace(numbers.counts)
        for result in results:
            counts.add(result)
            self._in_parts.add(result.line)
        low = numbers.low
        while self._lines and self._lines[0] in self._in_parts:
            low = self._lines.popleft()
            self._in_parts.discard(low)
        if not results and low == numbers.low:
            return numbers
        part = numbers.part
        if results:
            part += 1
            self._recent.append((part, max(result.line for result in results)))
        while self._recent and self._recent[0][1] <= low:
            self._recent.popleft()
        first = self._recent[0][0] if self._recent else part + 1
        return replace(numbers, part=part, first=first, low=low, counts=counts)

    def _write_objects(
        self, rows: list[dict[str, object]], results: list[RecordResult], numbers: Numbers
    ) -> str | None:
        """In a thread: journal and part before the numbers that speak of them."""
        journal = None
        if rows:
            self._journal += 1
            journal = self._folder.write_intents(self._journal, self._attempt, rows)
        if results:
            self._save(self.numbers)  # proves that no newer attempt has begun, which writes parts of its own
            self._folder.write(results, numbers.part, self._attempt)
        self._save(numbers)
        while self._obsolete:
            self._folder.delete(self._obsolete.pop())
        return journal

    def _save(self, numbers: Numbers) -> None:
        # Before it, since its answer may come long after a newer attempt has begun.
        now = current.clock.time(), current.clock.boottime()
        save_numbers(self._state, self._folder, numbers)
        self._proved = now

    def _account(
        self,
        journal: str | None,
        rows: list[dict[str, object]],
        results: list[RecordResult],
        numbers: Numbers,
    ) -> None:
        self.numbers, self._written = numbers, time.monotonic()
        self._moved.set()
        if journal is not None:
            self._journals[journal] = {int(str(row["line"])) for row in rows}
        if not results:
            return
        self._parted = self._written
        lines = {result.line for result in results}
        for name, open_lines in list(self._journals.items()):
            open_lines -= lines
            if not open_lines:
                del self._journals[name]
                self._obsolete.append(name)

    def stop(self) -> None:
        """End :meth:`keep_writing` after the write that is under way."""
        self._closing = True
        self._wanted.set()

    async def close(self) -> None:
        """
        Write what is left, at the end; :meth:`keep_writing` has ended before.

        :raises StoreFailed: it was not written
        """
        if self.failure is None:
            await self._write(last=True)
        if self._obsolete and self.failure is None:
            await self._write()
        self.check()


async def _outlast(work: asyncio.Future[Any]) -> bool:
    """Wait for work in a thread, which nobody can cancel, and return whether somebody tried."""
    cancelled = False
    while not work.done():
        try:
            await asyncio.wait({work})
        except asyncio.CancelledError:
            cancelled = True
    return cancelled
