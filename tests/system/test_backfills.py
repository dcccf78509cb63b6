"""The page on backfills, done as it says."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from dev.airflow_instance import AirflowInstance
from dev.layout import AIRFLOW_HOMES
from dev.postgres import postgres
from tests.docs.pages import DOCS, blocks
from tests.system.conftest import SERVERS, Stage

pytestmark = pytest.mark.system

DAG_ID = "daily_statement"
#: The page's last day, and one that makes fewer runs.
LAST, NEARER = "2026-03-31", "2026-01-03"


def shown(language: str) -> str:
    """What the page shows in a language, in one piece."""
    (code,) = (block.code for block in blocks(DOCS / "backfills.md") if block.language == language)
    return code


@pytest.fixture
def airflow(stage: Stage, tmp_path: Path) -> Iterator[AirflowInstance]:
    """
    An Airflow that has the page's DAG and nothing else.

    On SQLite a scheduler that looks while a backfill is being made may end: Airflow makes the runs in pieces.
    """
    (tmp_path / "daily_statement.py").write_text(shown("python"))
    home = AIRFLOW_HOMES / "backfill-tests"
    connections = {"omflow_default": stage.connections["omflow_default"]}
    with (
        postgres(home.with_name(f"{home.name}-database")) as database,
        AirflowInstance(home, dags_folder=tmp_path, connections=connections, database=database) as airflow,
    ):
        airflow.wait_healthy()
        yield airflow


def settled(stage: Stage, airflow: AirflowInstance) -> list[int]:
    """Let people at the vendor close what is open until the backfills have ended; orders of each day."""

    def ended() -> bool | None:
        stage.push_by_hand()
        backfills = airflow.call("GET", "/backfills", params={"dag_id": DAG_ID})["backfills"]
        runs = airflow.call("GET", f"/dags/{DAG_ID}/dagRuns")["dag_runs"]
        # Unpaused without catchup, it has a run of the last day as well.
        states = [run["state"] for run in runs if run["run_type"] == "backfill"]
        assert "failed" not in states
        return (states == ["success"] * 3 and all(one["completed_at"] for one in backfills)) or None

    airflow.wait_until(ended, timeout=240, what="the backfill's runs to end")
    opened = [record["fields"]["FORMITM_1"] for record in stage.control.records(SERVERS["1.2"])]
    return [opened.count(f"Statement of 2026-01-0{day}") for day in (1, 2, 3)]


def test_the_page_works_as_it_stands(stage: Stage, airflow: AirflowInstance) -> None:
    airflow.wait_for_dag(DAG_ID)
    assert LAST in shown("bash")
    commands = [shlex.split(line) for line in shown("bash").replace(LAST, NEARER).splitlines()]
    for program, *arguments in commands:
        assert program == "airflow"
        airflow.command(*arguments)
    assert settled(stage, airflow) == [1, 1, 1]
    pool = airflow.call("GET", "/pools/omflow")
    assert (pool["slots"], pool["include_deferred"]) == (8, True)

    # Days that have a run are left alone, unless the user asks for more; all orders are closed by now.
    _, *again = commands[-1]
    airflow.command(*again)
    assert settled(stage, airflow) == [1, 1, 1]
    airflow.command(*again, "--reprocess-behavior", "completed")
    assert settled(stage, airflow) == [2, 2, 2]
