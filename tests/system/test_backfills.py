"""The page on backfills, done as it says."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES
from dev.postgres import postgres
from tests.docs.pages import DOCS, blocks
from tests.system.conftest import PATIENCE, SERVERS, Vendors

pytestmark = [pytest.mark.system, pytest.mark.own_airflow]

DAG_ID = "daily_statement"
#: The page's last day, and one that makes fewer runs.
LAST, NEARER = "2026-03-31", "2026-01-03"


def shown(language: str) -> list[str]:
    """What the page shows in a language, block by block."""
    return [block.code for block in blocks(DOCS / "backfills.md") if block.language == language]


def arguments(line: str) -> list[str]:
    """The arguments of a command of the page, for fewer days."""
    program, *rest = shlex.split(line.replace(LAST, NEARER))
    assert program == "airflow"
    return rest


@pytest.fixture
def airflow(vendors: Vendors, tmp_path: Path) -> Iterator[AirflowInstance]:
    """
    An Airflow that has the page's DAG and nothing else.

    On SQLite a scheduler that looks while a backfill is being made may end: Airflow makes the runs in pieces.
    """
    (code,) = shown("python")
    (tmp_path / "daily_statement.py").write_text(code)
    home = AIRFLOW_HOMES / "backfill-tests"
    connections = {"omflow_default": vendors.connections["omflow_default"]}
    with (
        postgres(home.with_name(f"{home.name}-database")) as database,
        AirflowInstance(home, dags_folder=tmp_path, connections=connections, database=database) as airflow,
    ):
        airflow.wait_healthy()
        yield airflow


def backfilled(airflow: AirflowInstance) -> list[dict[str, Any]]:
    """The runs of backfills; unpaused without catchup, the DAG has a run of the last day as well."""
    runs = airflow.call("GET", f"/dags/{DAG_ID}/dagRuns")["dag_runs"]
    return [run for run in runs if run["run_type"] == "backfill"]


def settled(vendors: Vendors, airflow: AirflowInstance) -> list[int]:
    """Let people at the vendor close what is open until the backfills have ended; orders of each day."""

    def ended() -> bool | None:
        vendors.push_by_hand()
        backfills = airflow.call("GET", "/backfills", params={"dag_id": DAG_ID})["backfills"]
        states = [run["state"] for run in backfilled(airflow)]
        assert "failed" not in states
        return (states == ["success"] * 3 and all(one["completed_at"] for one in backfills)) or None

    airflow.wait_until(ended, timeout=PATIENCE, what="the backfill's runs to end")
    opened = [record["fields"]["FORMITM_1"] for record in vendors.control.records(SERVERS["1.2"])]
    return [opened.count(f"Statement of 2026-01-0{day}") for day in (1, 2, 3)]


def reports(airflow: AirflowInstance) -> list[int]:
    """How often each day of the backfill was reported."""
    tasks = [
        task for run in backfilled(airflow) for task in airflow.task_instances(DAG_ID, run["dag_run_id"])
    ]
    return [task.try_number for task in tasks if task.task_id == "report"]


def test_the_page_works_as_it_stands(vendors: Vendors, airflow: AirflowInstance) -> None:
    airflow.wait_for_dag(DAG_ID)
    begin, clear = shown("bash")
    assert LAST in begin
    assert LAST in clear
    commands = [arguments(line) for line in begin.splitlines()]
    for command in commands:
        airflow.command(*command)
    assert settled(vendors, airflow) == [1, 1, 1]
    pool = airflow.call("GET", "/pools/omflow")
    assert (pool["slots"], pool["include_deferred"]) == (8, True)

    # All orders are closed by now.
    airflow.command(*commands[-1], "--reprocess-behavior", "completed")
    assert settled(vendors, airflow) == [2, 2, 2]

    assert reports(airflow) == [2, 2, 2]
    airflow.command(*arguments(clear))
    assert settled(vendors, airflow) == [2, 2, 2]
    assert reports(airflow) == [3, 3, 3]
