"""What became of each record, and the folder of objects that keeps it."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, TypeAlias

from airflow_provider_workflows.core.bulk.table.formats import FORMATS
from airflow_provider_workflows.core.runtime.hand_over import hand_over
from airflow_provider_workflows.core.runtime.storage import (
    LOCAL,
    is_path,
    open_object,
    put,
    shown,
    storage_path,
)
from airflow_provider_workflows.core.runtime.versions import conf
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    PermanentError,
    TemporaryError,
    WorkflowError,
    one_line,
)

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

#: A JSON object.
Json: TypeAlias = "dict[str, Any]"
#: Airflow's option for the folder of results whose input is no file.
SECTION, OPTION = "workflows", "results_folder"
#: What results call their own columns, where they are the input of another task.
OWN_COLUMNS = ("line", "key", "id", "outcome")
#: Characters of a record's message.
MESSAGE_LIMIT = 500
#: Characters of a DAG's, run's or task's name in a path.
NAME_LIMIT = 100
_NAME = re.compile(r"(part|intents)-(\d{5,})-([\w-]+)\.jsonl", re.ASCII)


class Outcome(StrEnum):
    """What became of a record."""

    DONE = "done"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class RecordResult:
    """
    The outcome of one record.

    :param line: number of the record in the input, from 1
    :param key: what names the record, by default its line
    :param id: the vendor's id, as JSON
    :param code: the vendor's result code
    :param message: the vendor's words, or ours
    :param kept: columns of the input that are copied
    """

    line: int
    key: str | int
    outcome: Outcome
    id: Any = None
    code: str | int | None = None
    message: str | None = None
    kept: Mapping[str, Any] = field(default_factory=dict)

    def failed(self, error: WorkflowError, outcome: Outcome = Outcome.REJECTED) -> RecordResult:
        """Return the result of a record that has ended with an error."""
        return replace(self, outcome=outcome, code=error.code, message=error.message)

    def to_json(self) -> Json:
        """Return it as JSON values without what is None, safe for a file and for Airflow's channels."""
        values = {
            "line": self.line,
            "key": self.key,
            "outcome": self.outcome.value,
            "id": self.id,
            "code": self.code,
            "message": self.message[:MESSAGE_LIMIT] if self.message else None,
            "kept": self.kept or None,
        }
        known = {name: value for name, value in values.items() if value is not None}
        clean: Json = hand_over(known, f"the result of record {self.line}")
        return clean

    @staticmethod
    def from_json(data: Mapping[str, Any]) -> RecordResult:
        """
        Rebuild a result; what a newer version has added is left out.

        :raises ValueError: it is no result
        """
        try:
            return RecordResult(
                line=int(data["line"]),
                key=data["key"],
                outcome=Outcome(data["outcome"]),
                id=data.get("id"),
                code=data.get("code"),
                message=data.get("message"),
                kept=data.get("kept", {}),
            )
        except (KeyError, TypeError) as error:
            raise ValueError(f"not a result: {error!r}") from None


@dataclass
class Counts:
    """How many records had which outcome."""

    records: int = 0
    done: int = 0
    rejected: int = 0
    unknown: int = 0
    skipped: int = 0

    def add(self, result: RecordResult) -> None:
        """Count one more record."""
        self.records += 1
        setattr(self, result.outcome, getattr(self, result.outcome) + 1)

    def to_json(self) -> dict[str, int]:
        """Return the counts by name."""
        return asdict(self)


class ResultsFolder:
    """
    A folder of JSON Lines, each object written whole, and but for a person's answer once.

    :param path: the folder; it is made when the first object is written
    """

    def __init__(self, path: ObjectStoragePath) -> None:
        self._path = path

    @property
    def url(self) -> str:
        """The folder as text, from which :func:`storage_path` makes the path again."""
        return str(self._path.path if self._path.protocol in LOCAL else self._path)

    def write(self, results: Iterable[RecordResult], number: int, attempt: int | str) -> str:
        """
        Write a part as a new object.

        :param number: number of the part, from 1
        :param attempt: what tells the attempts of a task apart, of letters, digits, ``_`` and ``-``
        :return: the object's name
        :raises PermanentError: there is such a part already
        :raises TemporaryError: it could not be written
        """
        return self._write_lines("part", number, attempt, (result.to_json() for result in results))

    def rewrite(self, name: str, results: Iterable[RecordResult]) -> None:
        """Write a part once more, in the place of the earlier one."""
        lines = (json.dumps(one.to_json(), allow_nan=False, separators=(",", ":")) for one in results)
        self._put(name, "".join(f"{line}\n" for line in lines).encode(), replace=True)

    def parts(self) -> list[str]:
        """
        Return the names of the parts in order of number.

        Of two with the same number, the earlier attempt wrote its own after the later one had begun, which
        did not know of it and found out about its records anew.
        """
        return list({_order(name)[0]: name for name in self._names("part")}.values())

    def read(self, parts: Iterable[str] | None = None) -> Iterator[RecordResult]:
        """
        Read parts as a stream.

        :param parts: their names; by default all that there are
        :raises InvalidInput: a part is missing, or holds something else than results
        """
        for name in self.parts() if parts is None else parts:
            for line, value in self._read_lines(name):
                try:
                    yield RecordResult.from_json(value)
                except ValueError:
                    raise self._unreadable(f"{name} line {line}") from None

    def read_since(self, number: int) -> Iterator[RecordResult]:
        """Read the parts whose number is larger than ``number``."""
        return self.read([name for name in self.parts() if _order(name)[0] > number])

    def write_intents(self, number: int, attempt: int | str, rows: Iterable[Mapping[str, Any]]) -> str:
        """Write requests in flight as a new object of JSON mappings, like :meth:`write`."""
        return self._write_lines("intents", number, attempt, rows)

    def intents(self) -> list[str]:
        """Return the names of the objects of requests in flight, in order."""
        return self._names("intents")

    def read_intents(self, names: Iterable[str] | None = None) -> Iterator[Json]:
        """
        Read requests in flight.

        :param names: names of the objects; by default all that there are
        """
        for name in self.intents() if names is None else names:
            for _, value in self._read_lines(name):
                yield value

    def delete(self, name: str) -> None:
        """Delete an object if it is there."""
        try:
            with suppress(FileNotFoundError):
                (self._path / name).unlink()
        except Exception as error:  # object storages raise their own
            raise self._failure(f"{name} cannot be deleted in", error) from error

    def write_note(self, name: str, note: Mapping[str, Any]) -> None:
        """
        Write a small JSON object, in the place of an earlier one of that name.

        :param name: name of the object, without ``.json``
        """
        self._put(f"{name}.json", json.dumps(note).encode(), replace=True)

    def read_note(self, name: str) -> Json | None:
        """Return what :meth:`write_note` wrote; None if there is none."""
        try:
            with open_object(self._path / f"{name}.json") as stream:
                note: Json = json.loads(stream.read())
        except FileNotFoundError:
            return None
        except ValueError:
            raise self._unreadable(f"{name}.json") from None
        return note

    def _write_lines(
        self, kind: str, number: int, attempt: int | str, rows: Iterable[Mapping[str, Any]]
    ) -> str:
        name = f"{kind}-{number:05}-{attempt}.jsonl"
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name} is no name of an object of results")
        lines = [json.dumps(row, allow_nan=False, separators=(",", ":")) for row in rows]
        self._put(name, "".join(f"{line}\n" for line in lines).encode(), replace=False)
        return name

    def _put(self, name: str, data: bytes, *, replace: bool) -> None:
        try:
            put(self._path / name, data, replace=replace)
        except FileExistsError:
            raise PermanentError(
                f"{name} is already in the results folder {shown(self._path)}\n"
                "It was not overwritten. Another process of the same attempt may be at work"
            ) from None
        except Exception as error:  # object storages raise their own
            raise self._failure("The results cannot be written to", error) from error

    def _names(self, kind: str) -> list[str]:
        try:
            files = self._path.fs
            files.invalidate_cache(self._path.path)
            listed = files.ls(self._path.path, detail=False)
        except FileNotFoundError:
            return []
        except Exception as error:  # object storages raise their own
            raise self._failure("The results cannot be listed in", error) from error
        names = [str(one).rstrip("/").rpartition("/")[2] for one in listed]
        return sorted(
            (name for name in names if (found := _NAME.fullmatch(name)) and found[1] == kind), key=_order
        )

    def _read_lines(self, name: str) -> Iterator[tuple[int, Json]]:
        try:
            stream = open_object(self._path / name)
        except FileNotFoundError:
            raise InvalidInput(f"The results folder {shown(self._path)} has no {name}") from None
        except Exception as error:  # object storages raise their own
            raise self._failure(f"{name} cannot be read in", error) from error
        with stream:
            for number, line in enumerate(stream, 1):
                try:
                    value = json.loads(line)
                except ValueError:
                    value = None
                if not isinstance(value, dict):
                    raise self._unreadable(f"{name} line {number}")
                yield number, value

    def _unreadable(self, what: str) -> InvalidInput:
        return InvalidInput(
            f"{what} in {shown(self._path)} is not what a task over many records writes\n"
            "The file was changed or cut. Restore it, or choose another results folder"
        )

    def _failure(self, what: str, error: Exception) -> TemporaryError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return TemporaryError(f"{what} {shown(self._path)}: {one_line(str(reason), MESSAGE_LIMIT)}")


def results_folder(records: object, results: object, context: Mapping[str, Any]) -> ResultsFolder:
    """
    Return the folder for the results of a task: below ``results``, else beside its input.

    :param records: the task's input
    :param results: the task's parameter: a folder, or None
    :param context: Airflow's context; DAG, run, task and map index each have a folder of their own
    :raises InvalidInput: the input is no file, and neither the task nor the installation names a folder
    """
    if results:
        path = storage_path(results, "results")
    elif (source := records.get("results") if isinstance(records, Mapping) else records) and is_path(source):
        path = _beside(storage_path(source, "records"))
    elif configured := conf.get(SECTION, OPTION, fallback="").strip():
        path = storage_path(configured, f"[{SECTION}] {OPTION}")
    else:
        raise InvalidInput(
            "results: name a folder for the results, because records is not a file to put them beside\n"
            f"Nothing was sent. Set results=, or [{SECTION}] {OPTION} for all tasks"
        )
    ti = context["ti"]
    for name in (ti.dag_id, ti.run_id, ti.task_id):
        path = path / _safe(str(name))
    return ResultsFolder(path / str(ti.map_index) if ti.map_index >= 0 else path)


def _beside(path: ObjectStoragePath) -> ObjectStoragePath:
    name = path.name.removesuffix(".gz")
    stem, dot, suffix = name.rpartition(".")
    return path.parent / f"{stem if dot and dot + suffix.lower() in FORMATS else name}.results"


def _safe(name: str) -> str:
    """Return a name as one part of a path; two names never become the same."""
    safe = re.sub(r"[^\w.=-]", "_", name, flags=re.ASCII)[:NAME_LIMIT].lstrip(".")
    return safe if safe and safe == name else f"{safe}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def _order(name: str) -> tuple[int, int, str]:
    found = _NAME.fullmatch(name)
    if found is None:
        return (0, 0, name)
    # By length first, so that attempt 10 comes after attempt 9.
    return (int(found[2]), len(found[3]), found[3])
