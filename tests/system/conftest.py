"""One real Airflow and one sandbox for all system tests."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.control import Control
from dev.airflow_instance import AirflowInstance
from dev.layout import ROOT
from dev.sandbox_process import running_sandbox
from dev.vendors import connections as every_vendor

HOME = ROOT / ".airflow" / "system-tests"
#: Where OpenLineage's events go, of the DAGs that ask for it.
LINEAGE = HOME / "lineage" / "events.json"
SERVERS = {"1.2": "omflow-1.2", "1.1": "omflow-1.1"}


@dataclass(frozen=True)
class Stage:
    """The Airflow, the sandbox, and what is secret between them."""

    airflow: AirflowInstance
    control: Control
    canary_login: str
    canary_password: str

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


def _connection(url: str, login: str, password: str, version: str) -> dict[str, Any]:
    extra = {"language": "en", "server_version": version, "timeout": 5}
    return {
        "conn_type": "omflow",
        "host": f"{url}/{SERVERS[version]}",
        "login": login,
        "password": password,
        "extra": extra,
    }


def _lineage() -> dict[str, str]:
    transport = {"type": "file", "log_file_path": str(LINEAGE), "append": True}
    return {
        "AIRFLOW__OPENLINEAGE__DISABLED": "False",
        "AIRFLOW__OPENLINEAGE__SELECTIVE_ENABLE": "True",
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(transport),
    }


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    login, password = f"canary{secrets.token_hex(3)}", f"p/w+{secrets.token_urlsafe(12)}"
    with running_sandbox(ROOT / ".airflow" / "system-tests-sandbox") as sandbox:
        connections = {
            **every_vendor(sandbox.url),
            "omflow_default": _connection(sandbox.url, "airflow", "sandbox", "1.2"),
            "omflow_old": _connection(sandbox.url, "airflow", "sandbox", "1.1"),
            "omflow_wrong": _connection(sandbox.url, "airflow", "not the password", "1.2"),
            "omflow_canary": _connection(sandbox.url, login, password, "1.2"),
        }
        with AirflowInstance(
            HOME,
            dags_folder=Path(__file__).parent / "dags",
            connections=connections,
            environment={"AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG", **_lineage()},
        ) as airflow:
            LINEAGE.parent.mkdir()
            airflow.wait_healthy()
            yield Stage(airflow, Control(sandbox.url), login, password)


@pytest.fixture(autouse=True)
def fresh_vendor(stage: Stage) -> None:
    """Each test begins with an empty vendor."""
    stage.control.reset()
    stage.control.add_user(
        SERVERS["1.2"], stage.canary_login, stage.canary_password, rights=["add", "modify", "view"]
    )
