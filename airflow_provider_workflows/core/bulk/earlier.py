"""What earlier attempts at a table left: a few numbers, and what is in journals and parts."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_workflows.core.bulk.table.results import Counts, RecordResult, ResultsFolder
from airflow_provider_workflows.core.bulk.table.source import Fingerprint, Row
from airflow_provider_workflows.core.runtime.task_state import TaskState
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.exceptions import InvalidInput

#: Name of the numbers in the task state store, and of their object in the results folder.
KEY = "workflow_records"
#: Raised whenever the meaning of a number changes.
FORMAT = 1


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """
    The few numbers that a task keeps.

    :param seed: what the marks of all records are made of
    :param target: fingerprint of the vendor's account and of the operator's arguments
    :param folder: where the results are
    :param attempt: how many attempts have begun
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
    attempt: int = 0
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


def stored_numbers(state: TaskState, folder: ResultsFolder) -> object:
    """Return the numbers as earlier attempts saved them; None if none has."""
    return state.load(KEY) if state.lasting else folder.read_note(KEY)


def save_numbers(state: TaskState, folder: ResultsFolder, numbers: Numbers) -> None:
    """Save the numbers in the state store; before Airflow 3.3, in the results folder."""
    if state.lasting:
        state.save(KEY, numbers.to_json())
    else:
        folder.write_note(KEY, numbers.to_json())


def read_numbers(stored: object, folder: ResultsFolder, *, target: str) -> Numbers:
    """
    Return the numbers of earlier attempts, or new ones if there was none.

    :param stored: what :func:`stored_numbers` returned
    :param folder: of this attempt
    :param target: fingerprint of the vendor's account and of the operator's arguments
    :raises InvalidInput: they cannot be read, or do not fit to what this attempt is about to do
    """
    if stored is None:
        _check_empty(folder)
        return Numbers(seed=uuid.uuid4().hex, target=target, folder=folder.url)
    if not isinstance(stored, Mapping):
        raise InvalidInput(f"The record {KEY!r} in this task's state store is not an object")
    numbers = Numbers.from_json(stored)
    for was, now, what in (
        (numbers.folder, folder.url, "the results folder"),
        (numbers.target, target, "the vendor's account or what is sent"),
    ):
        if was != now:
            raise InvalidInput(
                f"Nothing was sent: {what} has changed since an earlier attempt of this task\n"
                f"That attempt's results are in {numbers.folder}\n"
                "Restore it and clear the task, or use a new task for what is to be sent now"
            )
    return numbers


def _check_empty(folder: ResultsFolder) -> None:
    """Refuse results of which the state store knows nothing, as of a DAG run that was deleted."""
    if folder.parts() or folder.intents():
        raise InvalidInput(
            f"Nothing was sent: the results folder {folder.url} has results of this task already,\n"
            f"and its state store has no record {KEY!r} of them, as after the DAG run was deleted\n"
            "To send all records again, move that folder away and clear the task"
        )


class Earlier:
    """
    What earlier attempts left of the records beyond ``Numbers.low``.

    :param folder: with journals and parts
    :param numbers: as the state store has them
    """

    def __init__(self, folder: ResultsFolder, numbers: Numbers) -> None:
        self._folder = folder
        #: The numbers, with the parts that an attempt wrote right before it was killed.
        self.numbers = numbers
        #: Lines whose result is in a part.
        self.settled: set[int] = set()
        #: Results that are in a journal alone, by line.
        self.results: dict[int, RecordResult] = {}
        #: Intents without a result, by line; and whose they are.
        self.doubts: dict[int, Record] = {}
        self._doubters: dict[int, str] = {}
        #: The parts that may hold a line beyond ``low``, in order, with their last line.
        self.parts: list[tuple[int, int]] = []
        #: The journals, in order, with their lines that are in no part.
        self.journals: dict[str, set[int]] = {}
        #: Number of the last journal.
        self.journal = 0

    def read(self) -> None:
        """Read parts and journals."""
        for name in self._folder.parts():
            if (part := int(name.split("-")[1])) >= self.numbers.first:
                self._read_part(part, name)
        # What a later attempt wrote counts more than what one that it overtook wrote at the same time.
        for name in sorted(self._folder.intents(), key=lambda name: name.split("-")[2]):
            self._read_journal(name)
        for line in self.settled:
            self.results.pop(line, None)
        for line in self.settled | self.results.keys():
            self.doubts.pop(line, None)

    def _read_part(self, part: int, name: str) -> None:
        numbers, lines, counts = self.numbers, set[int](), replace(self.numbers.counts)
        is_new = part > numbers.part  # written by an attempt that was killed before it noted that
        for result in self._folder.read([name]):
            lines.add(result.line)
            if is_new:
                counts.add(result)
        self.settled |= {line for line in lines if line > numbers.low}
        self.parts.append((part, max(lines, default=0)))
        self.numbers = replace(numbers, part=max(part, numbers.part), counts=counts)

    def _read_journal(self, name: str) -> None:
        """
        Read a journal.

        An intent that had no effect is taken back only for the attempt that says so. One that was taken for
        dead may say so late, when another has sent the request again.
        """
        lines = set[int]()
        _, number, attempt = name.removesuffix(".jsonl").split("-")
        self.journal = max(self.journal, int(number))
        for row in self._folder.read_intents([name]):
            line = int(row["line"])
            lines.add(line)
            if "result" in row:
                self.results[line] = RecordResult.from_json(row["result"])
            elif row.get("record") is not None:
                self.doubts[line], self._doubters[line] = Record.from_json(row["record"]), attempt
            elif self._doubters.get(line) == attempt:
                del self.doubts[line], self._doubters[line]
        self.journals[name] = {line for line in lines - self.settled if line > self.numbers.low}


def check_rows(rows: Callable[[], Iterator[Row]], numbers: Numbers) -> None:
    """
    Check that the rows are still those that earlier attempts began with.

    :param rows: reads the table, from its beginning
    :raises InvalidInput: they are not
    """
    fingerprint = Fingerprint()
    for row in itertools.islice(rows() if numbers.head else (), numbers.head):
        fingerprint.update(row)
    if numbers.head and fingerprint.hexdigest() != numbers.rows:
        raise InvalidInput(
            f"The input has changed: its first {numbers.head} records are not those of earlier attempts\n"
            "Nothing more was sent\n"
            "Restore the input and clear the task, or send the new records by a new task"
        )
