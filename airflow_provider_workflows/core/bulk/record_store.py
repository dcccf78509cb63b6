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
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_workflows.core.bulk.results import Counts, RecordResult, ResultsFolder
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.submission.record import Record, StoreFailed
from airflow_provider_workflows.exceptions import InvalidInput, TemporaryError

#: Name of the numbers in the task state store, and of their object in the results folder.
KEY = "workflow_records"
#: Raised whenever the meaning of a number changes.
FORMAT = 1
#: Results in one part.
PART = 500
#: Seconds after which results are written although they do not fill a part.
SOONEST_PART = 5.0
#: Seconds between two writes of the numbers while requests are under way.
HEARTBEAT = 4.0
#: How many records may be ahead of the first whose result is in no part.
LEAD = 20_000


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """
    The few numbers that a task keeps.

    :param seed: what the marks of all records are made of
    :param target: fingerprint of the vendor's account and of the operator's arguments
    :param folder: where the results are
    :param part: number of the last part
    :param first: number of the first part that may hold a record beyond ``low``
    :param low: up to this line, every record's result is in a part
    :param head: the last line whose turn has come
    :param rows: fingerprint of the rows up to ``head``
    :param ahead: up to this line, records may have been sent without a journal
    :param counts: of the results in parts
    """

    seed: str
    target: str
    folder: str
    part: int = 0
    first: int = 1
    low: int = 0
    head: int = 0
    rows: str = ""
    ahead: int = 0
    counts: Counts = field(default_factory=Counts)

    def to_json(self) -> dict[str, object]:
        """Return the numbers as JSON values."""
        return {"format": FORMAT, **vars(self), "counts": self.counts.to_json()}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Numbers:
        """
        Read the numbers.

        :raises InvalidInput: they cannot be read
        """
        try:
            values = {name: data[name] for name in cls.__dataclass_fields__}
            if data["format"] != FORMAT:
                raise ValueError(f"it is of format {data['format']!r}")
            return cls(**{**values, "counts": Counts(**values["counts"])})
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(
                f"The record {KEY!r} in this task's state store cannot be read: {error}\nNothing was sent"
            ) from None


@dataclass
class Earlier:
    """
    What earlier attempts left of the records beyond ``Numbers.low``.

    :param settled: lines whose result is in a part
    :param results: results that are in a journal alone, by line
    :param doubts: intents without a result, by line
    """

    settled: set[int] = field(default_factory=set)
    results: dict[int, RecordResult] = field(default_factory=dict)
    doubts: dict[int, Record] = field(default_factory=dict)


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
        self._attempt = uuid.uuid4().hex[:8]
        self.numbers = self._load(target)
        self.earlier = Earlier()
        self._head = (self.numbers.head, self.numbers.rows)
        #: What waits for the next write: rows of a journal, and those who wait for them.
        self._rows: list[dict[str, object]] = []
        self._waiting: list[asyncio.Future[None]] = []
        #: Results that are in no part yet.
        self._results: list[RecordResult] = []
        #: The journals that are there, with the lines that are in no part yet.
        self._journals: dict[str, set[int]] = {}
        self._journal = 0
        #: The attempts whose intents are in doubt, by line.
        self._doubters: dict[int, str] = {}
        #: Lines beyond ``low`` whose turn has come, in order; and those in parts.
        self._lines: deque[int] = deque()
        self._in_parts: set[int] = set()
        #: The parts that may hold a line beyond ``low``, with their last line.
        self._recent: deque[tuple[int, int]] = deque()
        #: Journals that are no longer needed.
        self._obsolete: list[str] = []
        self._parted = self._written = time.monotonic()
        self._wanted = asyncio.Event()
        self._moved = asyncio.Event()
        self._closing = False
        self.failure: Exception | None = None

    # What earlier attempts left.

    def _load(self, target: str) -> Numbers:
        stored = self._state.load(KEY) if self._state.lasting else self._folder.read_note(KEY)
        if stored is None:
            self._check_empty()
            return Numbers(seed=uuid.uuid4().hex, target=target, folder=self._folder.url)
        if not isinstance(stored, Mapping):
            raise InvalidInput(f"The record {KEY!r} in this task's state store is not an object")
        numbers = Numbers.from_json(stored)
        for was, now, what in (
            (numbers.folder, self._folder.url, "the results folder"),
            (numbers.target, target, "the vendor's account or what is sent"),
        ):
            if was != now:
                raise InvalidInput(
                    f"Nothing was sent: {what} has changed since an earlier attempt of this task\n"
                    f"That attempt's results are in {numbers.folder}\n"
                    "Restore it and clear the task, or use a new task for what is to be sent now"
                )
        return numbers

    def _check_empty(self) -> None:
        """Refuse results of which the state store knows nothing, as of a DAG run that was deleted."""
        if self._folder.parts() or self._folder.intents():
            raise InvalidInput(
                f"Nothing was sent: the results folder {self._folder.url} has results of this task already,\n"
                f"and its state store has no record {KEY!r} of them, as after the DAG run was deleted\n"
                "To send all records again, move that folder away and clear the task"
            )

    def open(self) -> Earlier:
        """
        Read what earlier attempts left, before anything is sent.

        :raises Exception: from the store
        """
        self._save(self.numbers)  # before the first object, so that no object is there without them
        earlier, numbers = self.earlier, self.numbers
        for name in self._folder.parts():
            if (part := int(name.split("-")[1])) >= numbers.first:
                self._open_part(part, name)
        for name in self._folder.intents():
            self._open_journal(name)
        for line in earlier.settled:
            earlier.results.pop(line, None)
        for line in earlier.settled | earlier.results.keys():
            earlier.doubts.pop(line, None)
        self._in_parts |= earlier.settled
        return earlier

    def _open_part(self, part: int, name: str) -> None:
        numbers, lines = self.numbers, set()
        is_new = part > numbers.part  # written by an attempt that was killed before it noted that
        for result in self._folder.read([name]):
            lines.add(result.line)
            if is_new:
                numbers.counts.add(result)
        self.earlier.settled |= {line for line in lines if line > numbers.low}
        self._recent.append((part, max(lines, default=0)))
        self.numbers = replace(numbers, part=max(part, numbers.part))

    def _open_journal(self, name: str) -> None:
        """
        Read a journal.

        An intent that had no effect is taken back only for the attempt that says so. One that was taken for
        dead may say so late, when another has sent the request again.
        """
        earlier, lines = self.earlier, set[int]()
        _, number, attempt = name.removesuffix(".jsonl").split("-")
        self._journal = max(self._journal, int(number))
        for row in self._folder.read_intents([name]):
            line = int(row["line"])
            lines.add(line)
            if "result" in row:
                earlier.results[line] = RecordResult.from_json(row["result"])
            elif row.get("record") is not None:
                earlier.doubts[line] = Record.from_json(row["record"])
                self._doubters[line] = attempt
            elif self._doubters.get(line) == attempt:
                del earlier.doubts[line], self._doubters[line]
        self._journals[name] = {line for line in lines - earlier.settled if line > self.numbers.low}

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
        """Wait until another part is written."""
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
        if line > self.numbers.ahead:
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
        if time.monotonic() - self._written > 2 * HEARTBEAT:
            raise TemporaryError("Nothing was sent: it is not certain that this attempt is the newest")

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
        cancelled = await _outlast(work)
        try:
            self._account(work.result(), rows, results, numbers)
        except Exception as error:
            self.failure = error
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
        numbers = replace(numbers, head=head, rows=rows, ahead=head + PART)
        if not results:
            return numbers
        counts = replace(numbers.counts)
        for result in results:
            counts.add(result)
            self._in_parts.add(result.line)
        low = numbers.low
        while self._lines and self._lines[0] in self._in_parts:
            low = self._lines.popleft()
            self._in_parts.discard(low)
        part = numbers.part + 1
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
        if self._state.lasting:
            self._state.save(KEY, numbers.to_json())
        else:
            self._folder.write_note(KEY, numbers.to_json())

    def _account(
        self,
        journal: str | None,
        rows: list[dict[str, object]],
        results: list[RecordResult],
        numbers: Numbers,
    ) -> None:
        self.numbers, self._written = numbers, time.monotonic()
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
        self._moved.set()

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
