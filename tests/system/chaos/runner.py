"""Runs deployments: starts what they need, runs their lanes side by side, and shows a person the progress."""

from __future__ import annotations

import contextlib
import json
import os
import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor

from airflow_provider_workflows.core.connection.cache import forget
from dev.airflow_home import environment_of
from dev.layout import AIRFLOW_HOMES, ROOT
from dev.postgres import postgres
from dev.sandbox_process import RunningSandbox, running_sandbox
from tests.system.chaos.airflow_reader import AirflowReader
from tests.system.chaos.cell import Cell, CellResult
from tests.system.chaos.cell_context import CellContext, row
from tests.system.chaos.deployment import Deployment, Lane
from tests.system.chaos.progress_display import ProgressDisplay
from tests.system.chaos.variants import processes

#: Tasks that run at once: many of them sleep, but all of them start, and that is what takes the machine.
PARALLELISM = 24
SETTINGS = {
    "AIRFLOW__CORE__PARALLELISM": str(PARALLELISM),
    "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": "64",
    "AIRFLOW__CORE__MAX_ACTIVE_RUNS_PER_DAG": "32",
    "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "120",
    # The files do not change: reading them again and again would take a quarter of the machine.
    "AIRFLOW__DAG_PROCESSOR__MIN_FILE_PROCESS_INTERVAL": "3600",
    # Each running task talks to the API server, and a request of it may need two connections.
    "AIRFLOW__DATABASE__SQL_ALCHEMY_POOL_SIZE": "64",
    "AIRFLOW__DATABASE__SQL_ALCHEMY_MAX_OVERFLOW": "64",
    # Who starts dozens of tasks at once on two cores must give the API server time: after 5 s, the default, a
    # task whose start or whose write to the state store it has not answered is failed.
    "AIRFLOW__WORKERS__EXECUTION_API_TIMEOUT": "60",
    # There is one scheduler, so nobody else can take its tasks over. A round in which it hands out dozens of
    # them may take longer than 30 s, the default, after which it takes itself for dead and resets them all.
    "AIRFLOW__SCHEDULER__SCHEDULER_HEALTH_CHECK_THRESHOLD": "3600",
    "PYTHONPATH": str(ROOT),
}

Report = Callable[[CellResult], None]


def run(deployment: Deployment, *, size: int, progress: ProgressDisplay, report: Report) -> None:
    """
    Run all cells of a deployment.

    :param deployment: the deployment
    :param size: submissions a cell
    :param progress: shows what goes on
    :param report: gets each row once it is there
    :raises AirflowError: if the Airflow does not start
    :raises PostgresError: if its database does not start
    :raises SandboxError: if a sandbox does not start
    """
    with contextlib.ExitStack() as stack:
        progress.deployment(deployment.name, "starting the database, Airflow and the sandboxes")
        if deployment.prepare is not None:
            deployment.prepare()
        sandboxes = _sandboxes(deployment, stack)
        connections = _connections(deployment, sandboxes)
        os.environ.update(connections)  # hooks of this very process use the lanes' connections, too
        forget()  # an earlier deployment may have had connections of the same names
        home = AIRFLOW_HOMES / f"chaos-{deployment.name}"
        environment = {**SETTINGS, "CHAOS_SIZE": str(size), **deployment.environment, **connections}
        database = stack.enter_context(postgres(AIRFLOW_HOMES / f"chaos-{deployment.name}-database"))
        instance = deployment.airflow(
            home, dags_folder=deployment.dags, environment=environment, database=database
        )
        stack.enter_context(instance)
        whole = {**environment_of(home), **environment}
        instance.wait_healthy()
        reader = stack.enter_context(AirflowReader(home, database))
        contexts = [
            CellContext(instance, lane, sandboxes[lane.name], reader, size, whole, _shower(progress, lane))
            for lane in deployment.lanes
        ]
        stopped = threading.Event()
        stack.callback(stopped.set)
        lanes = [_runner(context, progress, report, stopped) for context in contexts]
        with progress:
            for together in [[lane] for lane in lanes] if deployment.in_turn else [lanes]:
                _side_by_side(together, progress)


def _connections(deployment: Deployment, sandboxes: Mapping[str, RunningSandbox]) -> dict[str, str]:
    """The lanes' connections, as environment variables."""
    return {
        f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields)
        for lane in deployment.lanes
        for name, fields in lane.connections(sandboxes[lane.name].url).items()
    }


def _sandboxes(deployment: Deployment, stack: contextlib.ExitStack) -> dict[str, RunningSandbox]:
    folder = AIRFLOW_HOMES / f"chaos-{deployment.name}-sandboxes"
    folder.mkdir(parents=True, exist_ok=True)
    declaration = folder / "processes.toml"
    declaration.write_text(processes())
    contexts = {
        lane.name: running_sandbox(folder / lane.name, processes=declaration) for lane in deployment.lanes
    }
    with ThreadPoolExecutor() as pool:
        started = {name: pool.submit(context.__enter__) for name, context in contexts.items()}
    for name, future in started.items():
        if future.exception() is None:
            stack.push(contexts[name].__exit__)
    return {name: future.result() for name, future in started.items()}


def _shower(progress: ProgressDisplay, lane: Lane) -> Callable[[str], None]:
    def show(text: str) -> None:
        progress.lane(lane.name, text)

    return show


def _runner(
    context: CellContext, progress: ProgressDisplay, report: Report, stopped: threading.Event
) -> threading.Thread:
    def work() -> None:
        for cell in context.lane.cells:
            progress.begin(context.lane.name, cell)
            result = attempt(cell, context)
            if stopped.is_set():
                return  # what a cell says once its Airflow is being taken away means nothing
            progress.end(context.lane.name, result)
            report(result)

    # A daemon: after Ctrl-C nobody waits for a lane, whose processes are gone anyway.
    return threading.Thread(target=work, name=context.lane.name, daemon=True)


def attempt(cell: Cell, context: CellContext) -> CellResult:
    """Run a cell; whatever goes wrong becomes its row."""
    began = time.monotonic()
    try:
        return cell.run(context)
    except Exception as error:
        return row(cell, None, began=began, problems=[f"{type(error).__name__}: {error}"])


def _side_by_side(lanes: list[threading.Thread], progress: ProgressDisplay) -> None:
    for lane in lanes:
        lane.start()
    while any(lane.is_alive() for lane in lanes):
        progress.tick()
        time.sleep(0.5)
