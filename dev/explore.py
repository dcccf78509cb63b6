"""
Leaves the demo's Airflow and the sandbox running, to look around and try things.

usage: python -m dev.explore [--port PORT] [--sandbox-port PORT]
"""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.table import Table

from dev.airflow_home import AirflowError
from dev.airflow_instance import AirflowInstance
from dev.demo import DAG_ID
from dev.display import step
from dev.layout import AIRFLOW_HOMES, EXAMPLE_DAGS
from dev.ports import HeldPort, PortTaken
from dev.process import interruptible
from dev.sandbox_process import RunningSandbox, SandboxError, running_sandbox
from dev.vendors import connections

HOME = AIRFLOW_HOMES / "explore"
SANDBOX_FOLDER = AIRFLOW_HOMES / "explore-sandbox"
#: Columns of a terminal that the table of addresses takes at least.
WIDTH = 120


def arguments() -> argparse.Namespace:
    """Return what the user asked for; an empty port means any that is free."""

    def port(text: str) -> int:
        return int(text or 0)

    parser = argparse.ArgumentParser(prog="python -m dev.explore")
    parser.add_argument("--port", type=port, default=0, help="port of Airflow's UI")
    parser.add_argument("--sandbox-port", type=port, default=0, help="port of the sandbox")
    return parser.parse_args()


def summary(airflow: str, sandbox: str) -> Table:
    """
    Where everything is, and who may log in.

    :param airflow: address of Airflow's UI
    :param sandbox: address of the sandbox
    """
    table = Table("", "Address", "Login", "Password or key")
    table.add_row("Airflow", airflow, "not needed")
    table.add_row("DAG to try", f"{airflow}/dags/{DAG_ID}")
    table.add_row("Connections to test", f"{airflow}/connections")
    table.add_row("Sandbox's page", sandbox, "not needed", end_section=True)
    for conn_id, fields in connections(sandbox).items():
        table.add_row(conn_id, fields["host"], fields["login"], fields["password"])
    return table


def explore(airflow: AirflowInstance, sandbox: RunningSandbox, console: Console) -> None:
    """
    Make the connections, say where everything is, and wait for Ctrl-C.

    The connections are in Airflow's database, where its UI shows and tests them.

    :param airflow: a started Airflow
    :param sandbox: the vendors
    :param console: where to print
    :raises AirflowError: if a component of Airflow ends
    :raises SandboxError: if the sandbox ends
    """
    with step(console, "Starting Airflow"):
        airflow.wait_healthy()
    with step(console, "Adding the connections"):
        for conn_id, fields in connections(sandbox.url).items():
            airflow.add_connection(conn_id, fields)
    with step(console, "Reading the example DAGs"):
        airflow.wait_for_dag(DAG_ID)
    airflow.unpause(DAG_ID)
    console.print(f"Ctrl-C stops Airflow and the sandbox. Airflow's home is {airflow.home}", soft_wrap=True)
    # Whatever the width of the terminal, an address must stay in one piece.
    wide = Console(file=console.file, width=max(console.width, WIDTH))
    wide.print(summary(airflow.url, sandbox.url), highlight=False)
    while True:
        time.sleep(1)
        airflow.check_alive()
        sandbox.check_alive()


def main() -> int:
    options = arguments()
    # A log has no width of its own, and 80 columns would cut ids.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        # Both before anything is started: a taken port is said at once.
        with (
            HeldPort(options.port) as port,
            HeldPort(options.sandbox_port) as sandbox_port,
            running_sandbox(SANDBOX_FOLDER, port=sandbox_port.number) as sandbox,
            AirflowInstance(HOME, dags_folder=EXAMPLE_DAGS, port=port) as airflow,
        ):
            explore(airflow, sandbox, console)
    except (AirflowError, PortTaken, SandboxError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
    return 1


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
