"""A real Airflow of several machines, which are all this one: two workers, triggerers and schedulers."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import sqlalchemy

from dev import component_host
from dev.airflow_home import AirflowError
from dev.airflow_instance import COMPONENTS, AirflowInstance
from dev.process import tail
from dev.redis_server import RedisServer

#: Tasks of a worker at once.
CONCURRENCY = 8
WORKERS = ("worker-1", "worker-2")
TRIGGERERS = ("triggerer-1", "triggerer-2")
SCHEDULERS = ("scheduler-1", "scheduler-2")
#: What the database calls the jobs of a component.
JOBS: Mapping[str, str] = {
    "scheduler": "SchedulerJob",
    "triggerer": "TriggererJob",
    "dag-processor": "DagProcessorJob",
}
#: A component that ends by itself so often is broken.
TIMES = 20


def _worker(name: str) -> tuple[str, ...]:
    return (
        *("celery", "worker", "--celery-hostname", name, "--concurrency", str(CONCURRENCY)),
        *("--skip-serve-logs", "--without-mingle", "--without-gossip", "--pid", f"{{home}}/{name}.pid"),
    )


@dataclass(frozen=True, kw_only=True)
class Machine:
    """
    Where a component runs, if not among the others.

    :param command: what its command begins with, such as ``nsenter``
    :param api_server: address of the API server, seen from there
    """

    command: Sequence[str]
    api_server: str


class AirflowCluster(AirflowInstance):
    """
    API server and DAG processor, two schedulers, two triggerers, and two workers; a context manager.

    Each has a host name of its own, and counts a vendor's limit of requests in a folder of its own. One that
    ends by itself is started again, as Kubernetes and systemd do.

    :param home: home folder, made anew
    :param dags_folder: where the DAG files are
    :param environment: further variables for its processes
    :param database: address of an empty PostgreSQL database, in SQLAlchemy's form
    :param redis: broker of the workers, which also keeps the limits
    """

    components: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "api-server": COMPONENTS["api-server"],
        "dag-processor": COMPONENTS["dag-processor"],
        **dict.fromkeys(SCHEDULERS, COMPONENTS["scheduler"]),
        **dict.fromkeys(TRIGGERERS, COMPONENTS["triggerer"]),
        **{name: _worker(name) for name in WORKERS},
    }

    def __init__(
        self,
        home: Path,
        *,
        dags_folder: Path,
        environment: Mapping[str, str],
        database: str,
        redis: RedisServer,
    ) -> None:
        settings = {
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": f"{component_host.__name__}.{component_host.name.__name__}",
            "AIRFLOW__CELERY__BROKER_URL": redis.url,
            "AIRFLOW__CELERY__RESULT_BACKEND": f"db+{database}",
            # After a Redis restart, Celery 5.6.3 takes fewer tasks than before, for good.
            "AIRFLOW__CELERY__EXTRA_CELERY_CONFIG": '{"worker_enable_prefetch_count_reduction": false}',
            "AIRFLOW__WORKFLOWS__LIMITS_URL": redis.url,
        }
        super().__init__(
            home, dags_folder=dags_folder, environment={**settings, **environment}, database=database
        )
        #: Further variables of a component, from its next start on.
        self.extra: dict[str, Mapping[str, str]] = {}
        self._machines: dict[str, Machine] = {}
        self._engine = sqlalchemy.create_engine(database, isolation_level="AUTOCOMMIT", pool_pre_ping=True)
        self._read_from: dict[str, int] = {}
        self.started_again: Counter[str] = Counter()

    def place(self, component: str, machine: Machine) -> None:
        """Let a component that is started from now on run somewhere else."""
        self._machines[component] = machine

    def stop(self) -> None:
        """End all processes and return when none is left."""
        super().stop()
        self._engine.dispose()

    def check_alive(self) -> None:
        """Start again what has ended by itself."""
        for component, process in list(self._processes.items()):
            if process.exit_code is None:
                continue
            self.started_again[component] += 1
            if self.started_again[component] > TIMES:
                log = self.log(component)
                raise AirflowError(f"{component} ends again and again:\n{tail(log)}\nthe whole log is {log}")
            time.sleep(1.0)
            self._start(component)

    def _start(self, component: str) -> None:
        log = self.log(component)
        self._read_from[component] = log.stat().st_size if log.exists() else 0
        super()._start(component)

    def _command(self, component: str) -> list[str]:
        command = [part.format(home=self.home) for part in super()._command(component)]
        machine = self._machines.get(component)
        return [*machine.command, *command] if machine else command

    def _variables(self, component: str) -> Mapping[str, str]:
        variables = {
            component_host.VARIABLE: component,
            "AIRFLOW__WORKFLOWS__LIMITS_FOLDER": str(self.home / "limits" / component),
        }
        if machine := self._machines.get(component):
            variables["AIRFLOW__CORE__EXECUTION_API_SERVER_URL"] = f"{machine.api_server}/execution/"
        return {**variables, **self.extra.get(component, {})}

    def _beats(self, health: Mapping[str, Any], component: str) -> bool:
        if component == "api-server":
            return True
        if component in WORKERS:
            with self.log(component).open("rb") as log:
                log.seek(self._read_from[component])
                return b" ready." in log.read()
        query = "SELECT max(latest_heartbeat) FROM job WHERE job_type = :kind AND hostname = :host"
        kind = JOBS[component.rstrip("-12")]
        with self._engine.connect() as connection:
            beat = connection.execute(sqlalchemy.text(query), {"kind": kind, "host": component}).scalar()
        return beat is not None and beat >= self._started[component]
