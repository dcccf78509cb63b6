"""The rows of a process: what the vendor's server keeps in the process's table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field

from airflow_provider_workflows.sandbox.omflow.model import Component
from airflow_provider_workflows.sandbox.vendor import Upload


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
    :param arrived: the rows that have come to each collection, until all have.
    :param pending: branches and continuations that have no row yet.
    """

    data_no: int
    rows: list[Row] = field(default_factory=list)
    files: list[StoredFile] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    passed: list[str] = field(default_factory=list)
    arrived: dict[str, list[Row]] = field(default_factory=dict)
    pending: int = 0


class Table:
    """All orders of a process, and the counters that number them."""

    def __init__(self, *, first_no: int = 1, first_id: int = 1) -> None:
        self.orders: dict[int, Order] = {}
        self._rows: dict[int, Row] = {}
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
            del self._rows[row.id]
        return order

    def rows(self) -> list[Row]:
        """All rows, by id."""
        return list(self._rows.values())

    def row(self, data_id: int) -> Row | None:
        """Return the row of this id."""
        return self._rows.get(data_id)
