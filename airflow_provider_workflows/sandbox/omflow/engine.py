"""
The flow engine: moves rows from component to component, as recorded on the vendor's server.

Rows are never reused: who arrives at a human component leaves a ``history`` row behind and goes on as a new
one. The two are written in separate commits, and so are the rows of a fork's branches. Between the commits, a
reader sees an order with a row missing.
"""

from __future__ import annotations

from collections.abc import Callable

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.omflow.messages import Say, say
from airflow_provider_workflows.sandbox.omflow.model import Component, Process
from airflow_provider_workflows.sandbox.omflow.table import Order, Row, Table
from airflow_provider_workflows.sandbox.vendor import Event


class Engine:
    """
    Runs one process.

    :param process: with the switches that may be thrown meanwhile.
    :param agenda: of the server.
    :param journal: in which orders and pushes are counted.
    """

    def __init__(self, process: Process, agenda: Agenda, journal: Journal) -> None:
        self.process = process
        columns = frozenset(field.column for field in process.fields.values())
        self.table = Table(columns, first_no=process.first_no, first_id=process.first_id)
        self._agenda = agenda
        self._journal = journal
        self._enter: dict[str, Callable[[Row, Component], None]] = {
            "human": self._enter_human,
            "switch": self._enter_switch,
            "set": self._enter_set,
            "sleep": self._enter_timed,
            "code": self._enter_timed,
            "fork": self._enter_fork,
            "collect": self._enter_collect,
            "end": self._enter_end,
        }

    def begin(self, order: Order, *, moves: bool = True) -> None:
        """
        Take a new order in; its work begins after the process's latency.

        :param moves: False for a phantom, which stays ``running`` for good.
        """
        self._journal.effect("opened")
        self._tell(order.rows[0], "Opened", order.rows[0].create_user_id or "")
        if moves:
            self._later(order.rows[0], lambda: self._leave(order.rows[0], self.process.start))

    def push(self, row: Row, component: Component, user: str) -> None:
        """Set a row that stands at a human component to work."""
        self.table.orders[row.data_no].passed.append(component.text)
        self._journal.effect("pushed")
        self._tell(row, f"Pushed at {component.text}", user)
        row.depart(user, self._agenda.now())
        self._later(row, lambda: self._leave_human(row, component))

    def _tell(self, row: Row, what: str, by: str = "") -> None:
        self.table.orders[row.data_no].history.append(Event(self._agenda.now(), what, by))

    def component_of(self, row: Row) -> Component:
        """Return the component at which a row stands."""
        return next(item for item in self.process.flow.values() if item.uuid == row.stop_uuid)

    def later(self, action: Callable[[], None]) -> None:
        """Queue work behind the answer."""
        self._agenda.after(self.process.latency, action)

    def _later(self, row: Row, action: Callable[[], None], *, seconds: float | None = None) -> None:
        """Queue work on a row, which comes to nothing if the order is deleted meanwhile."""

        def act() -> None:
            if row.data_no in self.table.orders:
                action()

        self._agenda.after(self.process.latency if seconds is None else seconds, act)

    def _leave_human(self, row: Row, component: Component) -> None:
        if component.validation == "reject":
            self._fail(row, component, say(Say.REFUSED))
        else:
            self._leave(row, component)

    def _leave(self, row: Row, component: Component) -> None:
        if component.to:
            row.came_from = component.key
            self._go(row, component.to[0])
        else:
            # A dead end closes the order, but in a row that is history (recorded).
            row.stand_at(component, self._agenda.now())
            row.closed = row.history = True
            self._tell(row, f"Closed at {component.text}")

    def _go(self, row: Row, key: str) -> None:
        component = self.process.flow[key]
        self._enter[component.kind](row, component)

    def _enter_human(self, row: Row, component: Component) -> None:
        now = self._agenda.now()
        row.stand_at(component, now)
        row.stoptime = now
        row.history = True
        self._commit(row, lambda: self._arrive(row, component), after=self.process.commits.arrival())

    def _arrive(self, row: Row, component: Component) -> None:
        now = self._agenda.now()
        self._tell(row, f"Reached {component.text}")
        self.table.add_copy(row, now).stand_at(component, now)

    def _enter_switch(self, row: Row, component: Component) -> None:
        value = row.form.get(component.on.lower())
        target = component.cases.get(value or "", component.otherwise)
        if target is None:
            self._fail(row, component, say(Say.NO_CASE))
        else:
            self._go(row, target)

    def _enter_set(self, row: Row, component: Component) -> None:
        with self.table.changing(row):
            for field_id, value in component.values.items():
                declared = self.process.fields[field_id]
                row.form[declared.column] = value
                if declared.type in ("h_title", "h_level", "h_status"):
                    setattr(row, declared.type.removeprefix("h_"), declared.labels.get(value, value))
        self._leave(row, component)

    def _enter_timed(self, row: Row, component: Component) -> None:
        self._later(row, lambda: self._leave_timed(row, component), seconds=component.seconds)

    def _leave_timed(self, row: Row, component: Component) -> None:
        if component.fails is not None:
            self._fail(row, component, component.fails)
        else:
            self._leave(row, component)

    def _enter_end(self, row: Row, component: Component) -> None:
        now = self._agenda.now()
        row.stand_at(component, now)
        row.stoptime = now
        row.closed = True
        self._tell(row, f"Closed at {component.text}")

    def _enter_fork(self, row: Row, component: Component) -> None:
        self._become_history(row, component)
        seconds = self.process.latency
        for key in component.to:
            self._branch(row, key, seconds=seconds)
            seconds += self.process.commits.branch()

    def _enter_collect(self, row: Row, component: Component) -> None:
        arrived = self.table.orders[row.data_no].arrived.setdefault(component.key, [])
        self._become_history(row, component)
        arrived.append(row)
        incoming = self.process.incoming(component.key)
        if len(arrived) == len(incoming):
            main = component.main or incoming[0]
            goes_on = next((each for each in arrived if each.came_from == main), row)
            arrived.clear()
            self._branch(goes_on, component.to[0], seconds=self.process.latency)

    def _become_history(self, row: Row, component: Component) -> None:
        row.stand_at(component, self._agenda.now())
        row.history = True

    def _branch(self, row: Row, key: str, *, seconds: float) -> None:
        """Go on with a new row, a moment later."""
        order = self.table.orders[row.data_no]
        order.pending += 1

        def start() -> None:
            order.pending -= 1
            branch = self.table.add_copy(row, self._agenda.now())
            branch.running = True
            branch.stop_uuid = branch.stop_chart_text = None
            self._go(branch, key)

        self._later(row, start, seconds=seconds)

    def _commit(self, row: Row, write: Callable[[], None], *, after: float) -> None:
        """Write the next row of an order, which is missing until then."""
        if not after:
            write()
            return
        order = self.table.orders[row.data_no]
        order.pending += 1

        def finish() -> None:
            order.pending -= 1
            write()

        self._later(row, finish, seconds=after)

    def _fail(self, row: Row, component: Component, message: str) -> None:
        now = self._agenda.now()
        self._tell(row, f"Failed at {component.text}: {message}")
        failed = self.table.add_copy(row, now)
        # A second refusal by the same validation leaves the pushed row at work for good (recorded).
        for item in (failed,) if row.refused else (row, failed):
            item.stand_at(component, now)
            item.stoptime = now
            item.error = True
            item.error_message = message
        row.history = not row.refused
