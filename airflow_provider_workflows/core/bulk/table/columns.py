"""From the columns of a row to the fields of a vendor, with types."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from decimal import Decimal
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo

from airflow_provider_workflows.core.bulk.table.formats import JSON, Row, quoted
from airflow_provider_workflows.core.bulk.table.results import OWN_COLUMNS
from airflow_provider_workflows.exceptions import InvalidInput, one_line

#: Characters of columns that an error lists.
LISTED = 500
#: What an empty value becomes: nothing is sent for it, null, or empty text.
EMPTY = ("omit", "null", "text")

_MISSING = object()
_OMITTED = object()
_INT = re.compile(r"[+-]?[0-9]{1,300}")
_NUMBER = re.compile(r"[+-]?([0-9]{1,300}(\.[0-9]{0,300})?|\.[0-9]{1,300})([eE][+-]?[0-9]{1,3})?")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_DATETIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}.*", re.ASCII)
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
#: Integers that a float holds without loss.
_WHOLE = 2**53

Convert: TypeAlias = Callable[[object], object]


class BadRow(Exception):
    """A row cannot be used; the others can. It ends as the record's result, so it is no error of a task."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """
    What a row means for the vendor.

    :param key: names the record: text or an integer of its column, or its line
    :param values: by the vendor's field
    :param arguments: by the operator's own argument
    :param kept: by column, to be copied to the results
    """

    key: str | int
    values: dict[str, Any]
    arguments: dict[str, Any]
    kept: dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Cell:
    target: str
    column: str
    kind: str
    convert: Convert
    empty: str
    #: Whether a column that a row lacks counts as empty.
    may_lack: bool


class Columns:
    """
    Maps the columns of rows.

    A value that is None or empty text is left out, unless ``"empty"`` says otherwise.

    :param fields: mapping vendor field -> column, or -> ``{"column", "type", "empty", "timezone"}``; without
        it, every column that nothing else names is a field of the same name. ``type`` is one of ``text``,
        ``int``, ``number``, ``bool``, ``date``, ``datetime`` and ``json``; without it, a value stays as it is
    :param columns: mapping argument of the operator -> column, like ``fields``
    :param key: the column that names a record; by default its line does
    :param keep: columns that are copied to the results
    :raises InvalidInput: an argument is not of that form
    """

    def __init__(
        self,
        fields: Mapping[str, object] | None = None,
        columns: Mapping[str, object] | None = None,
        key: str | None = None,
        keep: Iterable[str] = (),
    ) -> None:
        self._fields = None if fields is None else _cells(fields, "fields")
        self._arguments = _cells(columns or {}, "columns")
        self._key = None if key is None else _name(key, "key")
        self._keep = _kept_names(keep)
        self._used = {key, *self._keep, *(cell.column for cell in self._arguments)}

    def read(self, row: Row) -> Mapped:
        """
        Map a row.

        :raises BadRow: the row cannot be read, or a value is not of its type; the error names line and column
        :raises InvalidInput: the whole input lacks a column
        """
        if row.problem is not None:
            raise BadRow(f"{row.where}: {row.problem}")
        return Mapped(
            self._key_of(row),
            self._same_names(row) if self._fields is None else _read(row, self._fields),
            _read(row, self._arguments),
            self._kept(row),
        )

    def _key_of(self, row: Row) -> str | int:
        if self._key is None:
            return row.line
        value = row.values.get(self._key, _MISSING)
        if value is _MISSING:
            raise _lacks(row, self._key)
        if type(value) is int or (type(value) is str and value.strip()):
            return value
        if value is None or isinstance(value, str):
            raise BadRow(f"{row.where}, column {self._key!r}: is empty, but it is the key of the record")
        try:
            return _to_text(value)
        except ValueError:
            raise _bad(row, self._key, "text or an integer", value) from None

    def _same_names(self, row: Row) -> dict[str, Any]:
        return {
            name: _as_it_is(row, name, value)
            for name, value in row.values.items()
            if value is not None and value != "" and name not in self._used
        }

    def _kept(self, row: Row) -> dict[str, Any]:
        kept = {}
        for name in self._keep:
            value = row.values.get(name, _MISSING)
            if value is not _MISSING:
                kept[name] = value
            elif row.has_header:
                raise _lacks(row, name)
        return kept


def _read(row: Row, cells: tuple[_Cell, ...]) -> dict[str, Any]:
    values = {}
    for cell in cells:
        value = _value(row, cell)
        if value is not _OMITTED:
            values[cell.target] = value
    return values


def _value(row: Row, cell: _Cell) -> object:
    value = row.values.get(cell.column, _MISSING)
    if value is _MISSING:
        if row.has_header or not cell.may_lack:
            raise _lacks(row, cell.column)
        value = None
    elif not cell.kind and value is not None and value != "":
        return _as_it_is(row, cell.column, value)
    if isinstance(value, str) and cell.kind not in ("", "text"):
        value = value.strip()
    if value is None or value == "":
        return {"omit": _OMITTED, "null": None, "text": ""}[cell.empty]
    try:
        return cell.convert(value)
    except _NoZone:
        raise BadRow(
            f"{row.where}, column {cell.column!r}: {quoted(value)} has no time zone\n"
            'Add an offset to the value, or {"timezone": "Europe/Madrid"} to the column'
        ) from None
    except (ValueError, RecursionError):
        raise _bad(row, cell.column, TYPES[cell.kind][0], value) from None


def _as_it_is(row: Row, column: str, value: object) -> object:
    if isinstance(value, (float, Decimal)) and not _is_finite(value):
        raise _bad(row, column, "a finite number", value)
    return value


def _bad(row: Row, column: str, expected: str, value: object) -> BadRow:
    return BadRow(f"{row.where}, column {column!r}: expected {expected}, got {quoted(value)}")


def _lacks(row: Row, column: str) -> Exception:
    kind: type[Exception] = InvalidInput if row.has_header else BadRow
    names = one_line(", ".join(map(repr, row.values)), LISTED)
    return kind(f"{row.where}: there is no column {column!r}\nThe columns are {names}")


def _name(given: object, parameter: str) -> str:
    if not (isinstance(given, str) and given):
        raise InvalidInput(f"{parameter}: expected the name of a column, got {quoted(given)}")
    return given


def _kept_names(keep: object) -> tuple[str, ...]:
    if isinstance(keep, str) or not isinstance(keep, Iterable):
        raise InvalidInput(f"keep: expected a list of columns, got {quoted(keep)}")
    names = tuple(_name(one, "keep") for one in keep)
    if taken := [name for name in names if name in OWN_COLUMNS]:
        raise InvalidInput(
            f"keep: the column {taken[0]!r} cannot be kept, because the results have their own\n"
            f"Rename the column. The results' own columns are {', '.join(OWN_COLUMNS)}"
        )
    return names


def _cells(mapping: object, parameter: str) -> tuple[_Cell, ...]:
    if not isinstance(mapping, Mapping):
        raise InvalidInput(f"{parameter}: expected a mapping of name to column, got {quoted(mapping)}")
    return tuple(_cell(target, given, parameter) for target, given in mapping.items())


def _cell(target: object, given: object, parameter: str) -> _Cell:
    where = f"{parameter}[{target!r}]"
    if not isinstance(target, str):
        raise InvalidInput(f"{where}: the name must be text")
    said = {"column": given} if isinstance(given, str) else given
    if not isinstance(said, Mapping):
        raise InvalidInput(f"{where}: expected a column or a mapping, got {quoted(given)}")
    if unknown := [name for name in said if name not in ("column", "type", "empty", "timezone")]:
        raise InvalidInput(f"{where}: {unknown[0]!r} is not one of column, type, empty, timezone")
    column, kind, empty = _name(said.get("column"), where), said.get("type"), said.get("empty")
    if kind is not None and not (isinstance(kind, str) and kind in TYPES):
        raise InvalidInput(f"{where}: the type {quoted(kind)} is not one of {', '.join(TYPES)}")
    if empty is not None and empty not in EMPTY:
        raise InvalidInput(f"{where}: empty is {quoted(empty)}, but must be one of {', '.join(EMPTY)}")
    convert = TYPES[kind][1] if kind else lambda value: value
    if (zone := said.get("timezone")) is not None:
        convert = _in_zone(zone, kind, where)
    return _Cell(target, column, kind or "", convert, empty or "omit", empty is not None)


class _NoZone(ValueError):
    """A point in time has no time zone."""


def _is_finite(value: float | Decimal) -> bool:
    return Decimal(value).is_finite()


def _to_text(value: object) -> str:
    match value:
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case float() | Decimal() if not _is_finite(value):
            raise ValueError
        case int() | float() | Decimal():
            return str(value)
        case date() | time():
            return value.isoformat()
        case bytes():
            return value.decode()
    raise ValueError


def _to_int(value: object) -> int:
    match value:
        case int() if not isinstance(value, bool):
            return value
        case str() if _INT.fullmatch(value):
            return int(value)
        # A column of integers some of which are missing comes as float from pandas.
        case float() if value.is_integer() and abs(value) <= _WHOLE:
            return int(value)
        case Decimal() if _is_finite(value) and value.adjusted() < 300 and value == (whole := int(value)):
            return whole
    raise ValueError


def _to_number(value: object) -> int | float | Decimal:
    match value:
        case int() if not isinstance(value, bool):
            return value
        case float() | Decimal() if _is_finite(value):
            return value
        case str() if _INT.fullmatch(value):
            return int(value)
        case str() if _NUMBER.fullmatch(value):
            return Decimal(value)
    raise ValueError


def _to_bool(value: object) -> bool:
    match value:
        case bool():
            return value
        case int() if value in (0, 1):
            return bool(value)
        case str() if (found := _BOOLEANS.get(value.lower())) is not None:
            return found
    raise ValueError


def _to_date(value: object) -> str:
    match value:
        case datetime() if value.time() == time():
            return value.date().isoformat()
        case date() if not isinstance(value, datetime):
            return value.isoformat()
        case str() if _DATE.fullmatch(value):
            return date.fromisoformat(value).isoformat()
    raise ValueError


def _to_datetime(value: object, zone: tzinfo | None = None) -> datetime:
    if isinstance(value, str) and _DATETIME.fullmatch(value):
        value = datetime.fromisoformat(value)
    if not isinstance(value, datetime):
        raise ValueError
    if value.utcoffset() is not None:
        return value
    if zone is None:
        raise _NoZone
    return value.replace(tzinfo=zone)


def _in_zone(name: object, kind: object, where: str) -> Convert:
    if kind != "datetime":
        raise InvalidInput(f"{where}: a timezone goes with the type datetime")
    try:
        zone = ZoneInfo(str(name))
    except (LookupError, ValueError, OSError):
        raise InvalidInput(f"{where}: there is no time zone {quoted(name)}") from None
    return lambda value: _to_datetime(value, zone)


def _to_json(value: object) -> object:
    return JSON.decode(value) if isinstance(value, str) else value


#: By the name of the type: what a value must be, for messages, and what makes it so. A date becomes text,
#: because no vendor takes anything else for it.
TYPES: Mapping[str, tuple[str, Convert]] = {
    "text": ("text", _to_text),
    "int": ("an integer", _to_int),
    "number": ("a number", _to_number),
    "bool": ("true or false", _to_bool),
    "date": ("a date like 2026-12-31", _to_date),
    "datetime": ("a date and time like 2026-12-31T09:30:00Z", _to_datetime),
    "json": ("JSON", _to_json),
}
