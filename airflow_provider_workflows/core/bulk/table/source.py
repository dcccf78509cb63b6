"""The rows of a table, as a stream: from an iterable, from files, or from the results of another task."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, time
from itertools import count
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.bulk.table.formats import FORMATS, READERS, Row, cannot_read
from airflow_provider_workflows.core.bulk.table.results import RecordResult, ResultsFolder
from airflow_provider_workflows.core.runtime.storage import is_path, shown, storage_path
from airflow_provider_workflows.core.tasks.attachments import check_path
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from airflow.sdk import ObjectStoragePath

__all__ = ["Fingerprint", "Row", "read_rows"]

#: Items of a sequence that are asked for at a time.
BATCH = 500
KINDS = f"a list of mappings, the result of a task over many records, or a path ({', '.join(FORMATS)})"


def read_rows(records: object) -> Iterator[Row]:
    """
    Read a table as a stream: its memory does not grow with the table.

    :param records: an iterable of mappings; a path whose suffix tells the format (``.jsonl``, ``.csv``,
        ``.tsv``, ``.parquet``; the text formats also ``.gz``), or of a folder of such files; or the result
        of a task over many records, whose outcomes are a column
    :raises InvalidInput: it is something else, or it cannot be read; at once or while the rows are read
    """
    if isinstance(records, Mapping):
        return _of_results(records)
    if is_path(records):
        return _of_files(_path(records))
    if isinstance(records, Iterable) and not isinstance(records, (bytes, bytearray)):
        return _of_iterable(records)
    raise InvalidInput(f"records: expected {KINDS}; got {type(records).__name__}")


class Fingerprint:
    """Tells whether rows are the same as earlier ones, whatever the order of their columns."""

    def __init__(self) -> None:
        self._digest = hashlib.blake2b(digest_size=16)

    def update(self, row: Row) -> None:
        """Take in the next row."""
        try:
            text = _CANONICAL.encode(row.values)
        except (TypeError, ValueError, RecursionError):  # keys of several types, or a value inside itself
            text = repr(row.values)
        self._digest.update(f"{text}{row.problem or ''}\n".encode(errors="surrogatepass"))

    def hexdigest(self) -> str:
        """Return the fingerprint of the rows up to here; more may follow."""
        return self._digest.hexdigest()


def _canonical(value: object) -> object:
    """Return what stands for a value that JSON does not know, the same in each process."""
    match value:
        case date() | time():
            return value.isoformat()
        case bytes() | bytearray():
            return value.hex()
        case Mapping():
            return dict(value)
        case set() | frozenset():
            return sorted(map(repr, value))
    return f"{type(value).__name__} {value}"


_CANONICAL = json.JSONEncoder(sort_keys=True, separators=(",", ":"), default=_canonical)


def _of_iterable(records: Iterable[object]) -> Iterator[Row]:
    for line, record in enumerate(_batched(records), 1):
        problem = None
        if not isinstance(record, Mapping):
            kind = type(record).__name__
            if line == 1:
                raise InvalidInput(f"records: expected {KINDS}; got {type(records).__name__} of {kind}")
            record, problem = {}, f"expected a mapping of columns, got {kind}"
        elif not all(type(name) is str for name in record):
            record, problem = {}, "a column's name is not text"
        yield Row(line, record, f"record {line}", problem)


def _batched(records: Iterable[object]) -> Iterator[object]:
    if not isinstance(records, Sequence) or isinstance(records, (list, tuple)):
        yield from records
        return
    # A sequence in XCom asks Airflow's server for each item, or for each slice.
    for start in count(0, BATCH):
        batch = records[start : start + BATCH]
        yield from batch
        if len(batch) < BATCH:
            return


def _of_results(summary: Mapping[object, object]) -> Iterator[Row]:
    folder = summary.get("results")
    if not isinstance(folder, str):
        raise InvalidInput(f"records: expected {KINDS}; got a mapping without 'results'")
    return _result_rows(ResultsFolder(storage_path(folder, "records")))


def _result_rows(folder: ResultsFolder) -> Iterator[Row]:
    for line, result in enumerate(folder.read(), 1):
        yield Row(line, _columns(result), f"record {result.line} of the results")


def _columns(result: RecordResult) -> dict[str, object]:
    own = {"line": result.line, "key": result.key, "id": result.id, "outcome": result.outcome.value}
    return {**result.kept, **own}


def _path(records: object) -> ObjectStoragePath:
    if isinstance(records, str) and records.lstrip()[:1] in ("[", "{"):
        raise InvalidInput(
            "records: got text of a list or mapping, to which a template was rendered\n"
            "Pass the task's output itself, or set render_template_as_native_obj on the DAG"
        )
    path = storage_path(records, "records")
    check_path(path, f"records: {shown(path)!r}")
    return path


def _of_files(path: ObjectStoragePath) -> Iterator[Row]:
    line = 0
    for file, kind in _files(path):
        for row in READERS[kind](file, line):
            line = row.line
            yield row


def _files(path: ObjectStoragePath) -> list[tuple[ObjectStoragePath, str]]:
    """Return the files at a path in order of name, each with its format."""
    try:
        if not path.is_dir():
            return [(path, _format(path))]
        # Names that begin with _ or . are marks of the program that wrote the folder.
        files = [one for one in path.iterdir() if one.name[:1] not in ("_", ".") and not one.is_dir()]
    except (OSError, ValueError) as error:
        raise cannot_read(path, error) from None
    found = [(file, _format(file)) for file in sorted(files, key=lambda file: file.name)]
    if len({kind for _, kind in found}) != 1:
        raise InvalidInput(
            f"records: the folder {shown(path)!r} must hold files of one format; it has "
            f"{', '.join(sorted({kind for _, kind in found})) or 'none'}"
        )
    return found


def _format(path: ObjectStoragePath) -> str:
    name = path.name.lower()
    kind = FORMATS.get(os.path.splitext(name.removesuffix(".gz"))[1])
    if kind is None or (kind == "parquet" and name.endswith(".gz")):
        raise InvalidInput(
            f"records: the format of {shown(path)!r} is unknown\n"
            f"Use a file with one of {', '.join(FORMATS)}; all but .parquet may end in .gz, too"
        )
    return kind
