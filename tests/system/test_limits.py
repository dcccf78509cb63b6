"""A backfill against a plan of a few requests a second: nothing is refused, and no pool is configured."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES
from dev.postgres import postgres
from tests.system.conftest import PATIENCE, Vendors

pytestmark = [pytest.mark.system, pytest.mark.own_airflow]

DAG_ID = "daily_case"
FIRST, LAST, RUNS = "2026-01-01", "2026-02-09", 40
#: Requests a second: of the plan that BlizWork's documentation calls Avanzado.
RATE = 5


@pytest.fixture
def airflow(vendors: Vendors, tmp_path: Path) -> Iterator[AirflowInstance]:
    """An Airflow with one DAG, and a connection that names the plan."""
    home = AIRFLOW_HOMES / "limit-tests"
    blizwork = vendors.connections["blizwork_default"]
    connection = {**blizwork, "extra": {**blizwork["extra"], "plan": "Avanzado"}}
    with (
        postgres(home.with_name(f"{home.name}-database")) as database,
        AirflowInstance(
            home,
            dags_folder=Path(__file__).parent / "limit_dags",
            connections={"blizwork_default": connection},
            environment={"AIRFLOW__WORKFLOWS__LIMITS_FOLDER": str(tmp_path / "limits")},
            database=database,
        ) as airflow,
    ):
        airflow.wait_healthy()
        yield airflow


def states(airflow: AirflowInstance) -> list[str]:
    """The states of the backfill's runs; unpaused without catchup, the DAG has one more."""
    runs: list[dict[str, Any]] = airflow.call("GET", f"/dags/{DAG_ID}/dagRuns", params={"limit": 100})[
        "dag_runs"
    ]
    return [run["state"] for run in runs if run["run_type"] == "backfill"]


def test_a_backfill_keeps_to_the_plan(vendors: Vendors, airflow: AirflowInstance) -> None:
    vendors.control.set_plan("blizwork", RATE, "sliding_second")
    airflow.wait_for_dag(DAG_ID)
    airflow.unpause(DAG_ID)
    dates = ("--from-date", FIRST, "--to-date", LAST)
    airflow.command("backfill", "create", "--dag-id", DAG_ID, *dates, "--max-active-runs", str(RUNS))

    def ended() -> bool | None:
        now = states(airflow)
        assert "failed" not in now
        return now == ["success"] * RUNS or None

    airflow.wait_until(ended, timeout=PATIENCE, what="the backfill's runs to end")
    effects = vendors.control.effects("blizwork")
    assert effects["opened"] >= RUNS
    assert effects["requests"]["init"] == effects["opened"], "none was refused"
