"""A real Airflow for a while: isolated, without login, and gone without a trace of a process."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, ClassVar

import requests

from dev.airflow_client import AirflowClient, TaskInstance
from dev.airflow_home import DATABASE, AirflowError, claimed, configuration, environment_of, prepare
from dev.keeper import descendants
from dev.layout import ROOT
from dev.ports import LOOPBACK, HeldPort
from dev.process import KeptProcess, tail

COMPONENTS: Mapping[str, tuple[str, ...]] = {
    "api-server": ("api-server",),
    # Logs are read from the files in the home folder, so that nobody needs a server for them.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
    "triggerer": ("triggerer", "--skip-serve-logs"),
}
GRACE = 2.0
"""Seconds to end in order. The triggerer would take 13, the scheduler await its tasks: nobody needs that."""

#: The API server keeps Python's 5 seconds: its event loop may wait for one of its own requests, which cannot
#: go on meanwhile, so that every second more would be lost.
IMPATIENT = "api-server"
PATIENCE: Mapping[str, str] = {"AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "dev.sqlite.CONNECT"}


class AirflowInstance(AirflowClient):
    """
    API server, scheduler, DAG processor and triggerer in a fresh home folder; a context manager.

    Logs stay in the home folder until the next instance is started in it. Whatever way this process ends,
    no process of the instance survives it.

    :param home: home folder, made anew
    :param dags_folder: where the DAG files are
    :param environment: further variables for its processes, such as ``AIRFLOW__<SECTION>__<KEY>``
    :param connections: connection id and the connection's fields, as in Airflow's JSON form
    :param port: where the API server listens; held by the instance, any by default
    :param database: address of an empty database, in SQLAlchemy's form; by default a SQLite file in the home
        folder, whose one writer dozens of tasks at once are too much for
    :raises AirflowError: if another instance uses the home folder
    """

    components: ClassVar[Mapping[str, tuple[str, ...]]] = COMPONENTS

    def __init__(
        self,
        home: Path,
        *,
        dags_folder: Path,
        environment: Mapping[str, str] | None = None,
        connections: Mapping[str, Mapping[str, Any]] | None = None,
        port: HeldPort | None = None,
        database: str | None = None,
    ) -> None:
        self.home = home
        self.address = database or f"sqlite:///{home / DATABASE}"
        self._database = database
        self.dags_folder = dags_folder
        self._port = port or HeldPort()
        super().__init__(f"http://{LOOPBACK}:{self._port.number}")
        self._environment = {
            **environment_of(home),
            **{
                f"AIRFLOW_CONN_{name.upper()}": json.dumps(fields)
                for name, fields in (connections or {}).items()
            },
            **(environment or {}),
        }
        self._processes: dict[str, KeptProcess] = {}
        self._started: dict[str, datetime] = {}
        self._claim = contextlib.ExitStack()

    @property
    def database(self) -> Path:
        """The SQLite file, unless another database was given."""
        return self.home / DATABASE

    def __enter__(self) -> AirflowInstance:
        self._claim.enter_context(claimed(self.home))
        try:
            settings = configuration(dags_folder=self.dags_folder, port=self._port.number)
            prepare(self.home, settings, database=self._database)
            for component in self.components:
                self._start(component)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End all processes and return when none is left."""
        for process in self._processes.values():
            process.begin_stop()
        for process in self._processes.values():
            process.stop()
        self._processes.clear()
        self._claim.close()
        self._port.close()

    def log(self, component: str) -> Path:
        """Log file of a component."""
        return self.home / f"{component}.log"

    def keeper(self, component: str) -> int:
        """
        Process id above all processes of a component.

        :param component: api-server, scheduler, dag-processor or triggerer
        """
        return self._processes[component].pid

    def wait_healthy(self, *, timeout: float = 300.0) -> None:
        """
        Wait until every component that was started last has given a sign of life.

        :param timeout: seconds to wait
        :raises AirflowError: if a component ended, or the time is over
        """
        silent: list[str] = []

        def healthy() -> bool | None:
            silent[:] = self._silent()
            return None if silent else True

        self.wait_until(
            healthy,
            timeout=timeout,
            what=lambda: f"a sign of life of {', '.join(silent)} (its log is in {self.home})",
        )

    def command(self, *arguments: str) -> str:
        """
        Give a command, as a person at a terminal does, and return what it prints.

        :param arguments: after ``airflow``
        :raises AirflowError: if it fails
        """
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env={**self._patience("command"), **self._environment},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        if done.returncode:
            raise AirflowError(f"airflow {' '.join(arguments)} ended with {done.returncode}:\n{done.stdout}")
        return done.stdout

    def kill(self, component: str) -> None:
        """End a component and all it started at once, as when its machine loses power."""
        self._processes.pop(component).kill()

    def kill_task(self, task: TaskInstance, *, with_supervisor: bool = True) -> None:
        """
        End the process that runs a task at once, as when its worker loses power.

        LocalExecutor's worker supervises the task in a process of its own. Spared, it tells Airflow of the
        death at once; ended too, Airflow notices when heartbeats have been missing for ``[scheduler]
        task_instance_heartbeat_timeout`` seconds. Needs Linux.

        :param task: as Airflow last told of it
        :param with_supervisor: whether the worker ends with it
        :raises AirflowError: if no process of this Airflow runs the task any more
        """
        ours = set(descendants(os.getpid()))
        if task.pid not in ours:
            raise AirflowError(f"no process runs {task.label}; it is {task.state}")
        supervisor = parent(task.pid)
        # The supervisor first: it must not live to tell of the death.
        for pid in (supervisor, task.pid) if with_supervisor and supervisor in ours else (task.pid,):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def restart(self, component: str) -> None:
        """
        Start a component again, after stopping it if it runs, and wait until it is healthy.

        :param component: api-server, scheduler, dag-processor or triggerer
        :raises AirflowError: if it does not start
        """
        if component in self._processes:
            self._processes.pop(component).stop()
        self._start(component)
        self.wait_healthy()

    def check_alive(self) -> None:
        for component, process in list(self._processes.items()):  # a restart in another thread changes it
            if process.exit_code is not None:
                log = self.log(component)
                ended = f"{component} ended with code {process.exit_code}"
                raise AirflowError(f"{ended}:\n{tail(log)}\nthe whole log is {log}")

    def _start(self, component: str) -> None:
        self._started[component] = datetime.now(UTC)
        self._processes[component] = KeptProcess(
            self._command(component),
            log=self.log(component),
            environment={
                **self._patience(component),
                **self._environment,
                **self._variables(component),
            },
            grace=GRACE,
        )

    def _command(self, component: str) -> list[str]:
        """Program and arguments of a component."""
        return [sys.executable, "-m", "airflow", *self.components[component]]

    def _variables(self, component: str) -> Mapping[str, str]:
        """Environment variables of a component alone."""
        return {}

    def _patience(self, component: str) -> Mapping[str, str]:
        """How long a process waits for SQLite's one writer."""
        return PATIENCE if self._database is None and component != IMPATIENT else {}

    def _silent(self) -> list[str]:
        """Return the components that have given no sign of life."""
        try:
            health = self._session.get(f"{self.url}/api/v2/monitor/health", timeout=60).json()
        except (requests.ConnectionError, requests.Timeout):
            return [IMPATIENT]
        if "scheduler" not in health:  # an error: the database is busy
            return ["the database"]
        return [component for component in list(self._processes) if not self._beats(health, component)]

    def _beats(self, health: Mapping[str, Any], component: str) -> bool:
        """Whether the component itself, not one of the same name before it, has given a sign of life."""
        if component == IMPATIENT:
            return True
        name = component.replace("-", "_")
        beat = health[name][f"latest_{name}_heartbeat"]
        return beat is not None and datetime.fromisoformat(beat) >= self._started[component]


def parent(pid: int) -> int:
    """Process id of a process's parent, from Linux's /proc; 0 if the process is gone."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    except OSError:
        return 0
