"""One real Airflow and one sandbox for all system tests; every secret between them is random."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_instance import AirflowInstance
from dev.layout import EXAMPLE_DAGS, ROOT
from dev.sandbox_process import running_sandbox
from tests.system.accounts import Accounts
from tests.system.counted import Counted, counting

HOME = ROOT / ".airflow" / "system-tests"
#: Where OpenLineage's events go, of the DAGs that ask for it.
LINEAGE = HOME / "lineage" / "events.json"
SANDBOX_HOME = ROOT / ".airflow" / "system-tests-sandbox"
SERVERS = {"1.2": "omflow-1.2", "1.1": "omflow-1.1"}
#: Servers that issue something secret.
ISSUERS = (*SERVERS.values(), "mybpm")
DAGS = {"dags-folder": Path(__file__).parent / "dags", "examples": EXAMPLE_DAGS}


@dataclass(frozen=True)
class Stage:
    """The Airflow, the sandbox, and what is secret between them."""

    airflow: AirflowInstance
    control: Control
    accounts: Accounts
    counted: Counted
    connections: dict[str, dict[str, Any]] = field(repr=False)
    issued: set[str] = field(default_factory=set, repr=False)

    def note_issued(self) -> None:
        """Remember the codes and tokens that vendors have issued: they forget them when they are reset."""
        for vendor in ISSUERS:
            self.issued.update(self.control.issued(vendor))

    def run(self, dag_id: str, **conf: Any) -> str:
        """Trigger a run of a DAG and return its id."""
        self.airflow.wait_for_dag(dag_id)
        self.airflow.unpause(dag_id)
        return self.airflow.trigger(dag_id, conf=conf)

    def push_by_hand(self) -> None:
        """Push every order on from where it stands, as a person at the vendor would."""
        for record in self.control.records(SERVERS["1.2"]):
            for action in record["actions"]:
                self.control.push(SERVERS["1.2"], **action["arguments"])

    def tasks(self, dag_id: str, run_id: str) -> dict[str, Any]:
        """The run's task instances by id."""
        return {task.task_id: task for task in self.airflow.task_instances(dag_id, run_id)}


def _bundles() -> str:
    """Airflow's setting for several folders of DAG files."""
    bundle = "airflow.dag_processing.bundles.local.LocalDagBundle"
    return json.dumps(
        [{"name": name, "classpath": bundle, "kwargs": {"path": str(path)}} for name, path in DAGS.items()]
    )


def _lineage() -> dict[str, str]:
    transport = {"type": "file", "log_file_path": str(LINEAGE), "append": True}
    return {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__SELECTIVE_ENABLE": "True",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    accounts, declaration = Accounts.random(), SANDBOX_HOME / "processes.toml"
    accounts.declare(declaration)
    environment = {
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": _bundles(),
        # A triggerer that was killed is missed after 8 seconds, not after 30.
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
        **_lineage(),
    }
    with counting() as counted, running_sandbox(SANDBOX_HOME, processes=declaration) as sandbox:
        declaration.unlink()
        connections = accounts.connections(sandbox.url)
        # The API server gives no connection of the database's to a callback that an executor runs.
        environment["AIRFLOW_CONN_BLIZWORK_OF_EXECUTOR"] = json.dumps(connections["blizwork_default"])
        environment.update(counted.settings())
        with AirflowInstance(HOME, dags_folder=DAGS["dags-folder"], environment=environment) as airflow:
            LINEAGE.parent.mkdir()
            airflow.wait_healthy()
            for conn_id, fields in {**connections, **accounts.refused(connections)}.items():
                airflow.add_connection(conn_id, fields)
            yield Stage(airflow, Control(sandbox.url), accounts, counted, connections)


@pytest.fixture(autouse=True)
def fresh_vendor(request: pytest.FixtureRequest) -> None:
    """Each test of a real Airflow begins with empty vendors, and counts from nothing."""
    if request.node.get_closest_marker("system"):
        stage: Stage = request.getfixturevalue("stage")
        stage.note_issued()
        stage.control.reset()
        stage.counted.forget()
