"""What one OMFlow server holds while it runs, and how a person or a test looks at it."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from airflow_provider_workflows.sandbox.clock import Agenda, Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.omflow.declared import read_declared
from airflow_provider_workflows.sandbox.omflow.dialect import Dialect
from airflow_provider_workflows.sandbox.omflow.engine import Engine
from airflow_provider_workflows.sandbox.omflow.messages import Refusal, Say
from airflow_provider_workflows.sandbox.omflow.model import Process, User
from airflow_provider_workflows.sandbox.omflow.sessions import Sessions
from airflow_provider_workflows.sandbox.omflow.table import Order, Row
from airflow_provider_workflows.sandbox.vendor import Action, Record

#: What the server stores for a field without a value.
_EMPTY = ("", "[]")


@dataclass(frozen=True)
class Flow:
    """A process with the engine that runs it."""

    process: Process
    engine: Engine


class State:
    """
    Processes, users, orders and codes of one server.

    :raises DeclarationError: if the declaration cannot be used.
    """

    def __init__(self, declaration: Table, clock: Clock, journal: Journal, dialect: Dialect) -> None:
        declared = read_declared(declaration)
        self.dialect = dialect
        self.journal = journal
        self.agenda = Agenda(clock)
        self.users = declared.users
        self.flows = {
            api_path: Flow(process, Engine(process, self.agenda, journal))
            for api_path, process in declared.processes.items()
        }
        self.sessions = Sessions(self.users, self.agenda, dialect)
        self.file_ids = itertools.count(declared.first_file)

    def flow(self, api_path: str) -> Flow | None:
        """Return the deployed flow of this path."""
        flow = self.flows.get(api_path)
        return flow if flow is not None and flow.process.deployed else None

    def flow_of_uuid(self, uuid: str) -> Flow | None:
        """Return the deployed flow of this UUID, which must be written without dashes (recorded)."""
        deployed = (flow for flow in self.flows.values() if flow.process.deployed)
        return next((flow for flow in deployed if flow.process.uuid == uuid), None)

    def flow_of_name(self, app: object, name: object) -> Flow | None:
        """Return the deployed flow of this name in this app."""
        deployed = (flow for flow in self.flows.values() if flow.process.deployed)
        return next((flow for flow in deployed if (flow.process.app, flow.process.name) == (app, name)), None)

    def forget_author(self, name: str) -> None:
        """Leave the rows of a removed user without an author, as the server's database does (recorded)."""
        for row in (row for flow in self.flows.values() for row in flow.engine.table.rows()):
            row.create_user_id = None if row.create_user_id == name else row.create_user_id
            row.update_user_id = None if row.update_user_id == name else row.update_user_id

    def demand(self, user: User, right: str, process: Process) -> None:
        """
        Insist on a right.

        :raises Refusal: if the user does not have it.
        """
        if not user.may(right, process.api_path):
            raise Refusal(403, Say.NO_RIGHT)

    def spoken_number(self, data_no: int) -> int | str:
        """Return an order number as this version tells it."""
        return str(data_no) if self.dialect.textual else data_no


def records_of(vendor: str, state: State) -> list[Record]:
    """All orders of a server, process by process."""
    return [
        _record(vendor, flow, order)
        for flow in state.flows.values()
        for order in flow.engine.table.orders.values()
    ]


def _record(vendor: str, flow: Flow, order: Order) -> Record:
    standing = [row for row in order.rows if row.is_standing]
    latest = max(order.rows, key=lambda row: (row.is_open, row.id))
    api_path = flow.process.api_path
    return Record(
        vendor=vendor,
        kind="order",
        id=f"{api_path}/{order.data_no}",
        state=state_of(order),
        standing=tuple(row.stop_chart_text or "" for row in standing),
        stops=tuple(order.passed),
        fields={name.upper(): value for name, value in latest.form.items() if value not in (None, *_EMPTY)},
        files=tuple(
            {
                "name": file.upload.name,
                "field": file.upload.field,
                "size": file.upload.size,
                "sha256": file.upload.sha256,
            }
            for file in order.files
        ),
        error=next((row.error_message for row in standing if row.error), None),
        actions=tuple(_action(api_path, row) for row in standing if _pushable(flow.engine, row)),
    )


def state_of(order: Order) -> str:
    """Return the order's state: failed before waiting before running, as a person would be told."""
    standing = [row for row in order.rows if row.is_standing]
    if any(row.error for row in standing):
        return "failed"
    if standing:
        return "waiting"
    if order.pending or any(row.is_open for row in order.rows):
        return "running"
    return "finished"


def _pushable(engine: Engine, row: Row) -> bool:
    return engine.component_of(row).kind == "human"


def _action(api_path: str, row: Row) -> Action:
    arguments = {"api_path": api_path, "data_id": str(row.id)}
    return Action(f"Push “{row.stop_chart_text}”", "push", arguments)
