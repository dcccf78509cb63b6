"""
Formats of tables: JSON Lines, CSV and Parquet, each as a stream of rows.

What is wrong with one row is said by that row, so that the others go on. What is wrong with the whole file is
raised.
"""

from __future__ import annotations

import csv
import gzip
import json
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import isinf
from types import ModuleType
from typing import IO, TYPE_CHECKING, Any

from airflow_provider_workflows.core.runtime.storage import open_object, shown
from airflow_provider_workflows.exceptions import InvalidInput

if TYPE_CHECKING:
    from _csv import Reader as _Reader

    from airflow.sdk import ObjectStoragePath

#: Suffixes of the files that are read as records, and what they are written in.
FORMATS = {".jsonl": "jsonl", ".ndjson": "jsonl", ".csv": "csv", ".tsv": "tsv", ".parquet": "parquet"}
#: Bytes of a line, and bytes that are read at a time.
LONGEST_LINE, CHUNK = 1024 * 1024, 256 * 1024
#: Rows of a Parquet file that are read at a time.
BATCH = 500
#: The first release of pyarrow that is used.
OLDEST_ARROW = 18
#: Characters from which a number with a decimal point is kept as Decimal, because float would lose some.
EXACT = 16
#: Characters of a value that a message quotes.
QUOTED_LIMIT = 40
BOM = b"\xef\xbb\xbf"
_TOO_LONG = f"the line has more than {LONGEST_LINE} bytes"
_NOT_UTF8 = "the line has bytes that are not UTF-8"


@dataclass(frozen=True, slots=True)
class Row:
    """
    A row of a table.

    :param line: number of the record, from 1; blank lines do not count
    :param values: by column
    :param where: where it is, for messages
    :param problem: why it cannot be read, or None; then it has no values
    :param has_header: whether all rows of its file have the same columns
    """

    line: int
    values: Mapping[str, object]
    where: str
    problem: str | None = None
    has_header: bool = False


def quoted(value: object) -> str:
    """Return a value for a message: it may be personal or secret, so a long one is not shown."""
    match value:
        case str() if len(value) <= QUOTED_LIMIT and len(text := repr(value)) <= QUOTED_LIMIT + 2:
            return text
        case str():
            return f"text of {len(value)} characters"
        case int() if abs(value) < 10**QUOTED_LIMIT:  # one without end cannot be written out
            return str(value)
        case float() | Decimal() | date() | None if len(text := str(value)) <= QUOTED_LIMIT:
            return text
    return type(value).__name__


def cannot_read(path: ObjectStoragePath, error: Exception) -> InvalidInput:
    """Return the error for an input that cannot be read."""
    reason = getattr(error, "strerror", None) or error
    if isinstance(error, FileNotFoundError):
        reason = "there is no such file or folder"
    return InvalidInput(f"records: {shown(path)!r} cannot be read: {reason}")


@contextmanager
def _opened(path: ObjectStoragePath) -> Iterator[IO[bytes]]:
    try:
        stream = open_object(path)
    except (OSError, ValueError) as error:
        raise cannot_read(path, error) from None
    with stream:
        if not path.name.lower().endswith(".gz"):
            yield stream
            return
        try:
            with gzip.open(stream) as unpacked:
                yield unpacked  # type: ignore[misc]
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InvalidInput(f"records: {shown(path)!r} is not a whole gzip file: {error}") from None


def lines(stream: IO[bytes], longest: int = LONGEST_LINE, chunk_size: int = CHUNK) -> Iterator[bytes | None]:
    """
    Yield each line without its end, and None for one that is too long, which is never kept.

    :param longest: bytes of the longest line that is kept
    :param chunk_size: bytes that are read at a time
    """
    start = stream.read(len(BOM))
    rest = b"" if start == BOM else start
    while chunk := stream.read(chunk_size):
        *whole, rest = (rest + chunk).split(b"\n")
        yield from (line if len(line) <= longest else None for line in whole)
        if len(rest) > longest:
            yield None
            rest = _after_line(stream, chunk_size)
    if rest:
        yield from rest.removesuffix(b"\n").split(b"\n")


def _after_line(stream: IO[bytes], chunk_size: int) -> bytes:
    while chunk := stream.read(chunk_size):
        _, ended, rest = chunk.partition(b"\n")
        if ended:
            return rest
    return b""


def _jsonl_rows(file: ObjectStoragePath, line: int) -> Iterator[Row]:
    name = file.name
    with _opened(file) as stream:
        for number, raw in enumerate(lines(stream), 1):
            if raw is not None and (not raw or raw.isspace()):
                continue
            line += 1
            values, problem = _json_object(raw)
            yield Row(line, values, f"{name} line {number}", problem)


def _json_object(raw: bytes | None) -> tuple[dict[str, object], str | None]:
    if raw is None:
        return {}, _TOO_LONG
    try:
        value = JSON.decode(raw.decode())
    except UnicodeDecodeError:
        return {}, _NOT_UTF8
    except json.JSONDecodeError as error:
        return {}, f"the line is not JSON: {error.msg} at character {error.pos + 1}"
    except (ValueError, RecursionError) as error:
        return {}, f"the line is not JSON that can be kept: {error}"
    if not isinstance(value, dict):
        return {}, "the line is not a JSON object"
    return value, None


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    values = dict(pairs)
    if len(values) < len(pairs):
        raise ValueError("a key occurs twice in an object")
    return values


def _number(text: str) -> float | Decimal:
    number = float(text)
    if number and len(text) <= EXACT and not isinf(number):
        return number
    exact = Decimal(text)
    # Written out, such a number would fill the memory.
    if isinf(number) or (exact and not number):
        raise ValueError("a number is too large or too small")
    return exact if len(text) > EXACT else number


def _no_number(text: str) -> object:
    raise ValueError(f"{text} is not a number of JSON")


#: Refuses what another program may read otherwise.
JSON = json.JSONDecoder(object_pairs_hook=_once, parse_float=_number, parse_constant=_no_number)


def _csv_rows(file: ObjectStoragePath, line: int, delimiter: str = ",") -> Iterator[Row]:
    name = file.name
    with _opened(file) as stream:
        problems: list[str] = []
        reader = csv.reader(_texts(stream, problems), delimiter=delimiter, strict=True)
        header = _header(file, reader, problems)
        width = len(header)
        for first, cells in _records(reader, problems):
            line += 1
            if len(cells) == width and not problems:
                yield Row(line, dict(zip(header, cells, strict=True)), f"{name} line {first}", None, True)
                continue
            last = reader.line_num
            where = f"{name} line {first}" if first == last else f"{name} lines {first} to {last}"
            problems.append(f"{len(cells)} columns, but the header has {width}")
            yield Row(line, {}, where, problems[0], True)
            problems.clear()


def _records(reader: _Reader, problems: list[str]) -> Iterator[tuple[int, list[str]]]:
    """Yield each record with the line where it begins; blank lines are none."""
    while True:
        first = reader.line_num + 1
        try:
            for cells in reader:
                if cells or problems:
                    yield first, cells
                first = reader.line_num + 1
            return
        except csv.Error as error:
            # The reader goes on with the next line.
            problems.append(f"not valid CSV: {error}")
            yield first, []


def _texts(stream: IO[bytes], problems: list[str]) -> Iterator[str]:
    """Yield the lines as text, and add to ``problems`` what is wrong with them."""
    for line in lines(stream):
        if line is None:
            problems.append(_TOO_LONG)
            yield "too long\n"
            continue
        try:
            text = line.decode()
        except UnicodeDecodeError:
            problems.append(_NOT_UTF8)
            text = line.decode(errors="replace")
        yield text + "\n"


def _header(file: ObjectStoragePath, reader: _Reader, problems: list[str]) -> list[str]:
    try:
        header = next((cells for cells in reader if cells or problems), [])
    except csv.Error as error:
        header = []
        problems.append(f"not valid CSV: {error}")
    if not header:
        problems.append("there is none")
    _check_names(header, problems)
    if problems:
        raise InvalidInput(f"records: {shown(file)!r} needs a header line with its columns: {problems[0]}")
    return header


def _check_names(names: Sequence[str], problems: list[str]) -> None:
    if not all(names):
        problems.append("a column has no name")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        problems.append(f"the column {twice[0]!r} occurs twice")


def _parquet_rows(file: ObjectStoragePath, line: int) -> Iterator[Row]:
    arrow = _arrow(file)
    with _opened(file) as stream:
        try:
            # Reads on while the rows are used, instead of a whole row group at once.
            table = arrow.parquet.ParquetFile(stream, buffer_size=CHUNK, pre_buffer=False)
            problems: list[str] = []
            _check_names(table.schema_arrow.names, problems)
            if problems:
                raise ValueError(problems[0])
            schema = arrow.schema([one.with_type(_coarse(arrow, one.type)) for one in table.schema_arrow])
            name = file.name
            for batch in table.iter_batches(batch_size=BATCH, use_threads=False):
                rows = arrow.Table.from_batches([batch]).cast(schema, safe=False)
                for values in rows.to_pylist():
                    line += 1
                    yield Row(line, values, f"{name} row {line}", None, True)
        except (arrow.ArrowException, ValueError) as error:
            raise cannot_read(file, error) from None


def _arrow(file: ObjectStoragePath) -> ModuleType:
    try:
        import pyarrow
        import pyarrow.parquet

        if int(pyarrow.__version__.partition(".")[0]) >= OLDEST_ARROW:
            module: ModuleType = pyarrow
            return module
        why = f"{pyarrow.__version__} is installed"
    except ImportError as error:
        why = str(error)
    raise InvalidInput(
        f"records: {shown(file)!r} needs pyarrow {OLDEST_ARROW} or newer: {why}\n"
        "Install airflow_provider_workflows[parquet] on the workers"
    )


def _coarse(arrow: ModuleType, kind: Any) -> Any:
    """Return a type of microseconds for one of nanoseconds, which Python has not."""
    if getattr(kind, "unit", "") != "ns":
        return kind
    if arrow.types.is_timestamp(kind):
        return arrow.timestamp("us", tz=kind.tz)
    return arrow.time64("us") if arrow.types.is_time(kind) else arrow.duration("us")


def _tsv_rows(file: ObjectStoragePath, line: int) -> Iterator[Row]:
    return _csv_rows(file, line, "\t")


READERS: Mapping[str, Callable[[ObjectStoragePath, int], Iterator[Row]]] = {
    "jsonl": _jsonl_rows,
    "csv": _csv_rows,
    "tsv": _tsv_rows,
    "parquet": _parquet_rows,
}
