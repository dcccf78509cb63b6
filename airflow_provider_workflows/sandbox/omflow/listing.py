"""The list endpoint: columns, conditions, order and slice, with all their recorded oddities."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from typing import Any
from uuid import UUID

from airflow_provider_workflows.sandbox.omflow.dialect import Dialect
from airflow_provider_workflows.sandbox.omflow.forms import FALSE, TRUE
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.table import Row, Table

Cell = str | int | bool | None

# In the order in which the server shows them.
_COLUMNS = (
    "id",
    "flow_uuid",
    "dataid_header",
    "data_no",
    "history",
    "status",
    "title",
    "level",
    "group",
    "closed",
    "stop_uuid",
    "stop_chart_type",
    "stop_chart_text",
    "running",
    "error",
    "createtime",
    "updatetime",
    "stoptime",
    "create_user_id",
    "update_user_id",
    "data_param",
    "error_message",
    "init_data_id",
    "is_child",
)
_TIMES = frozenset({"createtime", "updatetime", "stoptime"})
_NUMBERS = frozenset({"id", "data_no", "init_data_id"})
_FLAGS = frozenset({"history", "closed", "running", "error", "is_child"})
# Relations that the server names among the choices and answers by their ids.
_RELATIONS = {"create_user": "create_user_id", "update_user": "update_user_id", "init_data": "init_data_id"}
_TIME = re.compile(r"\d{4}-\d{1,2}-\d{1,2}([T ]\d{1,2}:\d{2}|$)")
_DEFAULT_LIMIT = 100
# The recorded server gives local times without a zone.
_ZONE = timezone(timedelta(hours=8), "Asia/Taipei")


@dataclass(frozen=True)
class _Condition:
    """
    A condition on a row.

    :param values: those of its column that meet it, if it asks for some.
    """

    column: str
    meets: Callable[[Row], bool]
    values: frozenset[Cell] | None = None


def local_time(seconds: float, *, timespec: str = "milliseconds", separator: str = "T") -> str:
    """Return a time as the server writes it: of its own zone, without saying which."""
    moment = datetime.fromtimestamp(seconds, UTC).astimezone(_ZONE).replace(tzinfo=None)
    return moment.isoformat(separator, timespec)


def list_rows(
    table: Table, columns: Sequence[str], request: Mapping[str, Any], dialect: Dialect
) -> list[dict[str, Cell]]:
    """
    Answer a list request.

    :param table: of the process.
    :param columns: of the process's form.
    :raises Refusal: naming an unknown column and all known ones, or with the server's exception text.
    """
    try:
        return _listed(table, (*_COLUMNS, *columns), request, dialect)
    except (AttributeError, TypeError, ValueError) as error:
        raise Refusal(404, Say.QUERY_ERROR, error=str(error)) from None


def _listed(
    table: Table, known: Sequence[str], request: Mapping[str, Any], dialect: Dialect
) -> list[dict[str, Cell]]:
    conditions = list(_conditions(request.get("search_conditions"), known))
    kept = _candidates(table, conditions)
    for condition in conditions:
        kept = [row for row in kept if condition.meets(row)]
    excluded = list(_conditions(request.get("exclude_conditions"), known))
    if excluded:
        kept = [row for row in kept if not all(condition.meets(row) for condition in excluded)]
    wanted = [_column(name, known) for name in request.get("search_columns") or known]
    orders = [(_column(name.removeprefix("-"), known), name) for name in request.get("order_columns") or []]
    for column, name in reversed(orders):
        kept.sort(key=partial(_row_key, column), reverse=name.startswith("-"))
    return [
        {name: _spoken(name, cell(row, name), dialect) for name in wanted}
        for row in _slice(kept, request, dialect)
    ]


def _candidates(table: Table, conditions: Iterable[_Condition]) -> list[Row]:
    """Return the rows to test: the fewest that an index tells for one of the conditions, else all."""
    told = (table.having(one.column, one.values) for one in conditions if one.values is not None)
    found = [rows for rows in told if rows is not None]
    return min(found, key=len) if found else table.rows()


def cell(row: Row, column: str) -> Cell:
    """Return the value of a column, as JSON shows it on 1.1."""
    if column in row.form:
        return row.form[column]
    value: Any = getattr(row, column)
    if column == "flow_uuid":
        return str(UUID(str(value)))
    if column in _TIMES and isinstance(value, float):
        return local_time(value)
    known: Cell = value
    return known


def _spoken(column: str, value: Cell, dialect: Dialect) -> Cell:
    return str(value) if dialect.textual and column == "data_no" else value


def _slice(rows: list[Row], request: Mapping[str, Any], dialect: Dialect) -> list[Row]:
    """``limit`` is the end index (recorded); 0 means all in 1.2 (vendor manual)."""
    start = int(request.get("start", 0))
    limit = int(request.get("limit", _DEFAULT_LIMIT))
    if start < 0 or limit < 0:
        raise ValueError("Negative indexing is not supported.")
    if limit == 0 and dialect.zero_is_all:
        return rows[start:]
    return rows[start:limit]


def _column(name: str, known: Sequence[str]) -> str:
    column = _RELATIONS.get(name, name)
    if column not in known:
        choices = ", ".join(sorted({*known, *_RELATIONS, "extra_data"}))
        error = f"Cannot resolve keyword '{name}' into field. Choices are: {choices}"
        raise Refusal(404, Say.QUERY_ERROR, error=error)
    return column


def _conditions(conditions: Any, known: Sequence[str]) -> Iterator[_Condition]:
    """Read conditions; a malformed one silently drops itself and all that follow (recorded)."""
    for condition in conditions if isinstance(conditions, list) else []:
        try:
            name, operator, value = condition["column"], condition["condition"], condition["value"]
        except (KeyError, TypeError):
            return
        yield _condition(_column(str(name), known), str(operator), value)


def _condition(column: str, operator: str, value: Any) -> _Condition:
    if operator == "in":
        wanted = frozenset(_coerced(column, item) for item in value)
        return _Condition(column, lambda row: cell(row, column) in wanted, wanted)
    if operator == "contains":
        # In any case: the server asks its database for "icontains".
        return _Condition(column, lambda row: str(value).lower() in str(cell(row, column) or "").lower())
    target = _coerced(column, value)
    if operator == ">":
        return _Condition(column, lambda row: _sort_key(cell(row, column)) > _sort_key(target))
    if operator == "<":
        return _Condition(column, lambda row: _sort_key(cell(row, column)) < _sort_key(target))
    # "=" and everything the server does not know, "!=" among them.
    return _Condition(column, lambda row: cell(row, column) == target, frozenset({target}))


def _coerced(column: str, value: Any) -> Cell:
    if value is None:
        return None
    if column in _NUMBERS:
        return int(value)
    if column in _FLAGS:
        if value not in (*TRUE, *FALSE):
            raise ValueError([f"'{value}' 必須為 True 或 False。"])
        return value in TRUE
    if column == "flow_uuid":
        return _uuid(value)
    if column in _TIMES and not _TIME.match(str(value)):
        raise ValueError([f"'{value}' 格式錯誤，必須為 YYYY-MM-DD HH:MM[:ss[.uuuuuu]][TZ]。"])  # noqa: RUF001
    return str(value)


def _uuid(value: Any) -> str:
    try:
        return str(UUID(str(value)))
    except ValueError:
        raise ValueError([f"'{value}' 不是有效的 UUID"]) from None


def _row_key(column: str, row: Row) -> tuple[int, float, str]:
    return _sort_key(cell(row, column))


def _sort_key(value: Cell) -> tuple[int, float, str]:
    """NULL before numbers before text, as SQLite sorts."""
    if value is None:
        return 0, 0.0, ""
    if isinstance(value, str):
        return 2, 0.0, value
    return 1, float(value), ""
