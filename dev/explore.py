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


def arguments() -> argparse.Namespace:
    """Return what the user asked for; an empty port means any that is free."""

    def port(text: str) -> int:
        return int(text or 0)

    parser = argparse.ArgumentParser(prog="python -m dev.explore")
    parser.add_argument("--port", type=port, default=0, help="port of Airflow's UI")
    parser.add_argument("--sandbox-port", type=port, default=0, help="port of the sandbox")
    return parser.parse_args()


def summary(airflow: AirflowInstance, sandbox: RunningSandbox) -> Table:
    """
    Where everything is.

    :param airflow: a running Airflow
    :param sandbox: the vendors
    """
    table = Table.grid(padding=(0, 2))
    table.add_row("Airflow", airflow.url)
    table.add_row("Sandbox", sandbox.url)
    for conn_id, fields in connections(sandbox.url).items():
        table.add_row("Connection", f"{conn_id} (type {fields['conn_type']}) to {fields['host']}")
    table.add_row("DAG to try", f"{airflow.url}/dags/{DAG_ID}")
    table.add_row("Airflow's home", str(airflow.home))
    return table


def explore(airflow: AirflowInstance, sandbox: RunningSandbox, console: Console) -> None:
    """
    Say where everything is, and wait for Ctrl-C.

    :param airflow: a started Airflow
    :param sandbox: the vendors
    :param console: where to print
    :raises AirflowError: if a component of Airflow ends
    :raises SandboxError: if the sandbox ends
    """
    with step(console, "Starting Airflow"):
        airflow.wait_healthy()
        airflow.wait_for_dag(DAG_ID)
    airflow.unpause(DAG_ID)
    console.print(summary(airflow, sandbox), soft_wrap=True, highlight=False)
    console.print("Ctrl-C stops both.")
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
            AirflowInstance(
                HOME, dags_folder=EXAMPLE_DAGS, connections=connections(sandbox.url), port=port
            ) as airflow,
        ):
            explore(airflow, sandbox, console)
    except (AirflowError, PortTaken, SandboxError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
    return 1


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
