"""The rows of a process: what the vendor's server keeps in the process's table."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import attrgetter

from airflow_provider_workflows.sandbox.index import Index
from airflow_provider_workflows.sandbox.omflow.model import Component
from airflow_provider_workflows.sandbox.vendor import Event, Upload


@dataclass
class Row:
    """
    One row; the names are the vendor's columns, times are seconds since the epoch.

    :param id: the ``data_id``.
    :param form: the form's columns: text, or None if never given.
    :param refused: whether a push of this row started from a refused validation.
    :param came_from: key of the component that the row has left last.
    """

    id: int
    data_no: int
    flow_uuid: str
    init_data_id: int
    create_user_id: str | None
    update_user_id: str | None
    createtime: float
    updatetime: float
    form: dict[str, str | None]
    stoptime: float | None = None
    history: bool = False
    closed: bool = False
    running: bool = True
    error: bool = False
    error_message: str | None = None
    stop_uuid: str | None = None
    stop_chart_type: str | None = None
    stop_chart_text: str | None = None
    status: str | None = None
    title: str | None = None
    level: str | None = None
    group: str | None = None
    dataid_header: str = ""
    data_param: str | None = None
    is_child: bool = False
    refused: bool = False
    came_from: str = ""

    @property
    def is_open(self) -> bool:
        """Whether the row still counts: it is neither history nor closed."""
        return not self.history and not self.closed

    @property
    def is_standing(self) -> bool:
        """Whether the query endpoint lists it: open and not at work. Failed rows are listed too."""
        return self.is_open and not self.running

    def stand_at(self, component: Component, now: float) -> None:
        """Note the component as the place of the row."""
        self.stop_uuid = component.uuid
        self.stop_chart_text = component.text
        self.running = False
        self.updatetime = now

    def depart(self, user: str, now: float) -> None:
        """Set the row to work after a push."""
        self.refused = self.error
        self.running = True
        self.error = False
        self.error_message = None
        self.stop_uuid = None
        self.stop_chart_text = None
        self.update_user_id = user
        self.updatetime = now


@dataclass
class StoredFile:
    """A file of an order."""

    id: int
    data_id: int
    upload: Upload
    createtime: float
    path: str


@dataclass
class Note:
    """One entry of an order's work log."""

    user: str
    content: str
    createtime: float


@dataclass
class Order:
    """
    One order with its rows.

    :param passed: labels of the components pushed, in order.
    :param history: what happened to it, as people would be told.
    :param arrived: the rows that have come to each collection, until all have.
    :param pending: branches and continuations that have no row yet.
    """

    data_no: int
    rows: list[Row] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    arrived: dict[str, list[Row]] = field(default_factory=dict)
    pending: int = 0


class Table:
    """
    All orders of a process, and the counters that number them.

    :param columns: of the process's form.
    """

    def __init__(self, columns: Collection[str], *, first_no: int = 1, first_id: int = 1) -> None:
        self._columns = columns
        self.orders: dict[int, Order] = {}
        self._rows: dict[int, Row] = {}
        #: By column of the form; each is made when somebody first looks for a value of it.
        self._indexes: dict[str, Index[Row]] = {}
        self._last_no = first_no - 1
        self._last_id = first_id - 1

    def next_no(self) -> int:
        """Use up an order number."""
        self._last_no += 1
        return self._last_no

    def add(self, row: Row) -> Row:
        """Take a row in under the next id."""
        self._last_id += 1
        row.id = self._last_id
        row.init_data_id = row.init_data_id or row.id
        self.orders[row.data_no].rows.append(row)
        self._rows[row.id] = row
        self._index(row)
        return row

    def add_copy(self, row: Row, now: float) -> Row:
        """Return a new row that goes on where another has stopped."""
        form = dict(row.form)
        return self.add(
            dataclasses.replace(row, history=False, refused=False, createtime=now, updatetime=now, form=form)
        )

    def remove(self, data_no: int) -> Order | None:
        """Remove an order with its rows; the order, if there was one."""
        order = self.orders.pop(data_no, None)
        for row in order.rows if order else ():
            self._unindex(row)
            del self._rows[row.id]
        return order

    def rows(self) -> list[Row]:
        """All rows, by id."""
        return list(self._rows.values())

    @contextmanager
    def changing(self, row: Row) -> Iterator[None]:
        """Let a row's form be written while the block lasts; it may be a row that is not in here yet."""
        is_here = row.id in self._rows
        if is_here:
            self._unindex(row)
        try:
            yield
        finally:
            if is_here:
                self._index(row)

    def having(self, column: str, values: Iterable[object]) -> list[Row] | None:
        """
        Return the rows that can have one of some values in a column, by id; None if no index tells.

        An empty text and no text at all are the same to an index.
        """
        if column == "id":
            rows = [self._rows.get(value) for value in values if isinstance(value, int)]
            found = [[row] for row in rows if row is not None]
        elif column == "data_no":
            orders = [self.orders.get(value) for value in values if isinstance(value, int)]
            found = [order.rows for order in orders if order is not None]
        elif column in self._columns:
            index = self._index_of(column)
            found = [index.get(str(value or "")) for value in values]
        else:
            return None
        by_id = {row.id: row for rows in found for row in rows}
        return [by_id[number] for number in sorted(by_id)]

    def _index_of(self, column: str) -> Index[Row]:
        index = self._indexes.get(column)
        if index is None:
            index = self._indexes[column] = Index(attrgetter("id"))
            for row in self._rows.values():
                index.add(row.form[column] or "", row)
        return index

    def _index(self, row: Row) -> None:
        for column, index in self._indexes.items():
            index.add(row.form[column] or "", row)

    def _unindex(self, row: Row) -> None:
        for column, index in self._indexes.items():
            index.remove(row.form[column] or "", row)

    def row(self, data_id: int) -> Row | None:
        """Return the row of this id."""
        return self._rows.get(data_id)
