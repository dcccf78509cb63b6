"""
Runs the example DAG on a real Airflow against the sandbox, and compares what both sides say afterwards.

usage: python -m dev.demo

Exit code: 0 if every task succeeded and both sides agree, 1 if not, 130 after Ctrl-C.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence

from rich.console import Console

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_client import TERMINAL, AirflowClient, TaskInstance
from dev.airflow_home import AirflowError
from dev.airflow_instance import AirflowInstance
from dev.display import RunProgress, step, tasks_table, vendors_table
from dev.layout import AIRFLOW_HOMES, EXAMPLE_DAGS
from dev.outcome import TaskRow, disagreements, task_row, vendor_rows
from dev.process import interruptible
from dev.sandbox_process import RunningSandbox, SandboxError, running_sandbox
from dev.vendors import connections

DAG_ID = "loan_origination"
RUN_SECONDS = 900.0
LOG_LINES = 25
HOME = AIRFLOW_HOMES / "demo"
SANDBOX_FOLDER = AIRFLOW_HOMES / "demo-sandbox"


def run_example(airflow: AirflowInstance, sandbox: RunningSandbox, console: Console) -> str:
    """
    Run the example DAG to its end and return the run's id.

    :param airflow: a started Airflow
    :param sandbox: the vendors
    :param console: where the course of the run is shown
    :raises AirflowError: if Airflow does not get that far
    :raises SandboxError: if the sandbox ends
    """
    with step(console, "Starting Airflow"):
        airflow.wait_healthy()
        airflow.wait_for_dag(DAG_ID)
    airflow.unpause(DAG_ID)
    run_id = airflow.trigger(DAG_ID)
    console.print(f"Running DAG {DAG_ID}", highlight=False)
    began = time.monotonic()

    def ended() -> str | None:
        sandbox.check_alive()
        progress.show(ordered(airflow.task_instances(DAG_ID, run_id)), seconds=time.monotonic() - began)
        state = airflow.run_state(DAG_ID, run_id)
        return state if state in TERMINAL else None

    with RunProgress(console) as progress:
        airflow.wait_until(ended, timeout=RUN_SECONDS, what=f"the run {run_id} to end")
    return run_id


def ordered(tasks: Sequence[TaskInstance]) -> list[TaskInstance]:
    """Tasks in the order in which they began; those that have not begun come last."""
    return sorted(tasks, key=lambda task: (task.start_date or "~", task.task_id, task.map_index))


def task_rows(airflow: AirflowClient, run_id: str) -> list[TaskRow]:
    """
    Rows of all tasks of a run, with what each said about the vendor's side.

    :param airflow: a running Airflow
    :param run_id: the run
    """
    return [
        task_row(
            task=task.label,
            state=task.state,
            seconds=task.duration,
            remote=airflow.xcom(DAG_ID, run_id, task.task_id, "remote", task.map_index),
        )
        for task in ordered(airflow.task_instances(DAG_ID, run_id))
    ]


def show_failures(airflow: AirflowClient, run_id: str, console: Console) -> None:
    """
    Show how the log of each failed task ends.

    :param airflow: a running Airflow
    :param run_id: the run
    :param console: where to show it
    """
    for task in airflow.task_instances(DAG_ID, run_id):
        if task.state == "failed":
            log = airflow.logs(
                DAG_ID, run_id, task.task_id, try_number=task.try_number, map_index=task.map_index
            )
            console.print(f"\nThe log of {task.label} ends:", markup=False, highlight=False)
            console.print("\n".join(log.splitlines()[-LOG_LINES:]), markup=False, highlight=False)


def compare(airflow: AirflowInstance, sandbox: RunningSandbox, run_id: str, console: Console) -> int:
    """
    Print what both sides say, and what disagrees; returns the exit code.

    :param airflow: a running Airflow
    :param sandbox: the vendors
    :param run_id: the run
    :param console: where to print
    """
    tasks = task_rows(airflow, run_id)
    held = vendor_rows(Control(sandbox.url).records())
    console.print(tasks_table(tasks), vendors_table(held))
    problems = disagreements(tasks, held)
    if not problems:
        console.print("Both sides agree: every task succeeded, every record is finished.", style="green")
        return 0
    show_failures(airflow, run_id, console)
    console.print("\nThe two sides do not agree:", style="red")
    for problem in problems:
        console.print(f"- {problem}", markup=False, highlight=False)
    console.print(f"Logs: {airflow.home / 'logs'} and {sandbox.process.log}", soft_wrap=True, highlight=False)
    return 1


def main() -> int:
    # A log has no width of its own, and 80 columns would cut ids.
    console = Console() if sys.stdout.isatty() else Console(width=120)
    try:
        with (
            running_sandbox(SANDBOX_FOLDER) as sandbox,
            AirflowInstance(HOME, dags_folder=EXAMPLE_DAGS, connections=connections(sandbox.url)) as airflow,
        ):
            return compare(airflow, sandbox, run_example(airflow, sandbox, console), console)
    except (AirflowError, SandboxError) as error:
        console.print(f"error: {error}", style="red", markup=False, soft_wrap=True, highlight=False)
        console.print(f"Logs: {HOME} and {SANDBOX_FOLDER}", soft_wrap=True, highlight=False)
        return 1


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
