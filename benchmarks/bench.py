"""What the groups of measurements share: files of records, and servers that are started when first needed."""

from __future__ import annotations

import contextlib
import functools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.sandbox.control import Control
from benchmarks.peers.server import BareServer, bare_server
from benchmarks.peers.work import API_TOKEN, write_rows
from benchmarks.report import RESULTS
from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES, ROOT
from dev.postgres import postgres
from dev.sandbox_process import RunningSandbox, running_sandbox
from dev.vendors import connections

if TYPE_CHECKING:
    from rich.console import Console

HOME = AIRFLOW_HOMES / "bench"
DAGS = ROOT / "benchmarks" / "dags"
#: Records that most measurements take.
RECORDS = 10_000


class Bench:
    """
    One run of the benchmarks.

    :param console: where progress is told
    """

    def __init__(self, console: Console, stack: contextlib.ExitStack) -> None:
        self._console = console
        self._stack = stack
        shutil.rmtree(RESULTS / "results", ignore_errors=True)

    def say(self, text: str) -> None:
        """Tell what is being done."""
        self._console.print(f"  {text}", highlight=False, markup=False)

    def records(self, count: int = RECORDS) -> str:
        """Return the file with so many records."""
        return str(write_rows(RESULTS / f"rows-{count}.jsonl", count))

    def results(self, name: str) -> str:
        """Return a folder for results, which is not there yet."""
        return str(RESULTS / "results" / name)

    @functools.cached_property
    def bare(self) -> BareServer:
        """A server that answers at once."""
        return self._stack.enter_context(bare_server(RESULTS / "bare"))

    @functools.cached_property
    def slow(self) -> BareServer:
        """A server that answers after 20 ms."""
        return self._stack.enter_context(bare_server(RESULTS / "slow", delay=0.02))

    @functools.cached_property
    def bare_tls(self) -> BareServer:
        """A server that answers at once, over TLS."""
        return self._stack.enter_context(bare_server(RESULTS / "bare-tls", tls=True))

    @functools.cached_property
    def sandbox(self) -> RunningSandbox:
        """The vendors' doubles."""
        return self._stack.enter_context(running_sandbox(RESULTS / "sandbox"))

    @property
    def control(self) -> Control:
        """What steers the doubles."""
        return Control(self.sandbox.url, timeout=120)

    @functools.cached_property
    def airflow(self) -> AirflowInstance:
        """An Airflow on PostgreSQL with connections to the sandbox and to the bare server."""
        self.say("Starting Airflow on PostgreSQL")
        address = self._stack.enter_context(postgres(AIRFLOW_HOMES / "bench-postgres"))
        known = connections(self.sandbox.url)
        airflow = AirflowInstance(
            HOME,
            dags_folder=DAGS,
            database=address,
            connections={**known, "bench_http": self._http()},
            environment={
                "PYTHONPATH": str(ROOT),
                "BENCH_RECORDS": self.records(),
                "BENCH_RESULTS": self.results("airflow"),
            },
        )
        self._stack.enter_context(airflow)
        airflow.wait_healthy()
        return airflow

    def _http(self) -> dict[str, Any]:
        """Return a connection of Airflow's http provider to the sandbox's MyBPM."""
        headers = {"API-TOKEN": API_TOKEN, "Content-Type": "application/json"}
        return {"conn_type": "http", "host": f"{self.sandbox.url}/mybpm", "extra": headers}

    def run_dag(self, dag_id: str, *, timeout: float = 900.0, **conf: Any) -> DagRun:
        """Trigger a run of a DAG, wait for its end, and return what Airflow tells of it."""
        run_id = self.start_dag(dag_id, **conf)
        state = self.airflow.wait_for_run(dag_id, run_id, timeout=timeout)
        if state != "success":
            raise RuntimeError(f"run {run_id} of {dag_id} is {state}; logs are in {HOME / 'logs'}")
        return DagRun(self.airflow, dag_id, run_id)

    def start_dag(self, dag_id: str, **conf: Any) -> str:
        """Trigger a run of a DAG and return its id."""
        self.airflow.wait_for_dag(dag_id)
        self.airflow.unpause(dag_id)
        return self.airflow.trigger(dag_id, conf=conf)


class DagRun:
    """A run of a DAG, as Airflow tells of it."""

    def __init__(self, airflow: AirflowInstance, dag_id: str, run_id: str) -> None:
        self._airflow = airflow
        self.dag_id = dag_id
        self.run_id = run_id

    @property
    def seconds(self) -> float:
        """From its start to its end, by Airflow's own account."""
        run = self._airflow.call("GET", f"/dags/{self.dag_id}/dagRuns/{self.run_id}")
        return float(run["duration"])

    def xcom(self, task_id: str) -> Any:
        """Return what a task returned."""
        return self._airflow.xcom(self.dag_id, self.run_id, task_id)


def read_lines(folder: str) -> Iterator[dict[str, Any]]:
    """Read all outcomes in a folder of results."""
    for path in sorted(Path(folder).rglob("part-*.jsonl")):
        for line in path.read_text(encoding="utf-8").splitlines():
            yield json.loads(line)
