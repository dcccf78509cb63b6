"""One real Airflow and one sandbox for all system tests."""

from __future__ import annotations

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

HOME = ROOT / ".airflow" / "system-tests"
SERVERS = {"1.2": "omflow-1.2", "1.1": "omflow-1.1"}


@dataclass(frozen=True)
class Stage:
    """The Airflow, the sandbox, and what is secret between them."""

    airflow: AirflowInstance
    control: Control
    connections: dict[str, dict[str, Any]]
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


@pytest.fixture(scope="session")
def stage() -> Iterator[Stage]:
    login, password = f"canary{secrets.token_hex(3)}", f"p/w+{secrets.token_urlsafe(12)}"
    with running_sandbox(ROOT / ".airflow" / "system-tests-sandbox") as sandbox:
        connections = {
            "omflow_default": _connection(sandbox.url, "airflow", "sandbox", "1.2"),
            "omflow_old": _connection(sandbox.url, "airflow", "sandbox", "1.1"),
            "omflow_wrong": _connection(sandbox.url, "airflow", "not the password", "1.2"),
            "omflow_canary": _connection(sandbox.url, login, password, "1.2"),
            "kiban_default": {
                "conn_type": "kiban",
                "host": f"{sandbox.url}/kiban",
                "password": "kiban-sandbox-key",
                "extra": {"environment": "sandbox"},
            },
        }
        with AirflowInstance(
            HOME,
            dags_folder=Path(__file__).parent / "dags",
            connections=connections,
            environment={
                "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
                # A triggerer that was killed is missed after 8 seconds, not after 30.
                "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
                "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
            },
        ) as airflow:
            airflow.wait_healthy()
            yield Stage(airflow, Control(sandbox.url), connections, login, password)


@pytest.fixture(autouse=True)
def fresh_vendor(stage: Stage) -> None:
    """Each test begins with an empty vendor."""
    stage.control.reset()
    stage.control.add_user(
        SERVERS["1.2"], stage.canary_login, stage.canary_password, rights=["add", "modify", "view"]
    )
