"""
What system tests share: a sandbox, and a real Airflow with connections to it, whose every secret is random.

Tests that start an Airflow of their own take ``vendors``, and have the mark ``own_airflow``: another pytest
runs them beside the rest.
"""

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
from tests.system.metrics_sink import MetricsSink, metrics_sink
from tests.vendors import VENDORS

HOME = ROOT / ".airflow" / "system-tests"
#: Where OpenLineage's events go, of the DAGs that ask for it.
LINEAGE = HOME / "lineage" / "events.json"
#: Seconds for what an Airflow that has nothing else to do has done in a tenth of it.
PATIENCE = 600
SERVERS = {"1.2": "omflow-1.2", "1.1": "omflow-1.1"}
#: Servers that issue something secret.
ISSUERS = tuple(mount for vendor in VENDORS.values() for mount in vendor.issuers)
DAGS = {"dags-folder": Path(__file__).parent / "dags", "examples": EXAMPLE_DAGS}


@dataclass(frozen=True, kw_only=True)
class Vendors:
    """The sandbox, and what is secret between it and an Airflow."""

    folder: Path
    control: Control
    accounts: Accounts
    connections: dict[str, dict[str, Any]] = field(repr=False)
    issued: set[str] = field(default_factory=set, repr=False)

    def note_issued(self) -> None:
        """Remember the codes and tokens that vendors have issued: they forget them when they are reset."""
        for vendor in ISSUERS:
            self.issued.update(self.control.issued(vendor))

    def push_by_hand(self) -> None:
        """Push every order on from where it stands, as a person at the vendor would."""
        for record in self.control.records(SERVERS["1.2"]):
            for action in record["actions"]:
                if action["command"] == "push" and "quick_action" not in action["arguments"]:
                    self.control.push(SERVERS["1.2"], **action["arguments"])


@dataclass(frozen=True, kw_only=True)
class System(Vendors):
    """The same with an Airflow that has the connections."""

    airflow: AirflowInstance
    metrics: MetricsSink

    def run(self, dag_id: str, **conf: Any) -> str:
        """Trigger a run of a DAG and return its id."""
        self.airflow.wait_for_dag(dag_id)
        self.airflow.unpause(dag_id)
        return self.airflow.trigger(dag_id, conf=conf)

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
def vendors(request: pytest.FixtureRequest) -> Iterator[Vendors]:
    is_shared = any("system" in getattr(item, "fixturenames", ()) for item in request.session.items)
    folder = HOME.with_name(f"{HOME.name}-sandbox" if is_shared else "own-airflow-sandbox")
    accounts, declaration = Accounts.random(), folder / "processes.toml"
    accounts.declare(declaration)
    with running_sandbox(folder, processes=declaration) as sandbox:
        declaration.unlink()
        yield Vendors(
            folder=folder,
            control=Control(sandbox.url, timeout=PATIENCE),
            accounts=accounts,
            connections=accounts.connections(sandbox.url),
        )


@pytest.fixture(scope="session")
def system(vendors: Vendors) -> Iterator[System]:
    known, accounts = vendors.connections, vendors.accounts
    environment = {
        "AIRFLOW__LOGGING__LOGGING_LEVEL": "DEBUG",
        "PYTHONPATH": str(ROOT),  # DAG files use what vendors declare for tests
        "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": _bundles(),
        # A triggerer that was killed is missed after 8 seconds, not after 30.
        "AIRFLOW__TRIGGERER__JOB_HEARTBEAT_SEC": "2",
        "AIRFLOW__TRIGGERER__TRIGGERER_HEALTH_CHECK_THRESHOLD": "8",
        # The API server gives no connection of the database's to a callback that an executor runs.
        "AIRFLOW_CONN_BLIZWORK_OF_EXECUTOR": json.dumps(known["blizwork_default"]),
        **_lineage(),
    }
    with metrics_sink() as metrics:
        environment.update(metrics.settings())
        with AirflowInstance(HOME, dags_folder=DAGS["dags-folder"], environment=environment) as airflow:
            LINEAGE.parent.mkdir()
            airflow.wait_healthy()
            for conn_id, fields in {**known, **accounts.refused(known)}.items():
                airflow.add_connection(conn_id, fields)
            yield System(**vars(vendors), airflow=airflow, metrics=metrics)


@pytest.fixture(autouse=True)
def fresh_vendor(request: pytest.FixtureRequest) -> None:
    """Each test of a real Airflow begins with empty vendors, and counts from nothing."""
    if "vendors" in request.fixturenames:
        vendors: Vendors = request.getfixturevalue("vendors")
        vendors.note_issued()
        vendors.control.reset()
    if "system" in request.fixturenames:
        request.getfixturevalue("system").metrics.forget()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put last what searches all that the others have left."""
    items.sort(key=lambda item: item.get_closest_marker("last") is not None)
