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
from airflow_provider_workflows.sandbox.omflow.table import Order


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
        #: The orders by what they are called, oldest first.
        self.held: dict[str, tuple[Flow, Order]] = {}
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


def order_id(process: Process, data_no: int) -> str:
    """Return what an order is called among all of a server."""
    return f"{process.api_path}/{data_no}"
