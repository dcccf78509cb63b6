"""Many records in one task, from a CSV file to two vendors, on a real Airflow."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.system.conftest import PATIENCE, SERVERS, System

pytestmark = pytest.mark.system

ROWS, BAD = 40, 7


def write_customers(path: Path) -> Path:
    """A table of customers, one of which has no number."""
    rows = [
        f"{'' if line == BAD else 1000 + line},Customer {line},{line * 1000.5}" for line in range(1, ROWS + 1)
    ]
    path.write_text("\n".join(["iin,name,limit", *rows, ""]))
    return path


def results_of(summary: dict[str, Any]) -> list[dict[str, Any]]:
    """The results in the folder that a summary names."""
    parts = sorted(Path(summary["results"]).glob("part-*.jsonl"))
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


def kill_in_the_middle(system: System, run_id: str, task_id: str, fault: str) -> None:
    """Kill the process of a task once a fault has struck a request of it."""

    def struck() -> bool | None:
        return system.control.hits(fault) > 0 or None

    system.airflow.wait_until(struck, timeout=PATIENCE, what=f"a request of {task_id} to be struck")
    system.airflow.kill_task(system.tasks("tables", run_id)[task_id], with_supervisor=False)
    system.control.clear_faults()


def test_a_killed_task_goes_on_with_the_records_that_are_left(system: System, tmp_path: Path) -> None:
    table = write_customers(tmp_path / "customers.csv")
    upserts = system.control.fault("mybpm", "upsert", "slow", skip=ROWS // 3, times=ROWS, seconds=3)
    run_id = system.run("tables", customers=str(table))
    kill_in_the_middle(system, run_id, "customers", upserts)
    opens = system.control.fault(SERVERS["1.2"], "open", "slow", skip=ROWS // 3, times=ROWS, seconds=3)
    kill_in_the_middle(system, run_id, "orders", opens)
    assert system.airflow.wait_for_run("tables", run_id, timeout=PATIENCE) == "success"

    tasks = system.tasks("tables", run_id)
    assert {name: tasks[name].try_number for name in ("customers", "orders")} == {"customers": 2, "orders": 2}
    summaries = {name: system.airflow.xcom("tables", run_id, name) for name in tasks}
    folders = {name: Path(summary["results"]) for name, summary in summaries.items()}
    assert all(folder.is_relative_to(tmp_path) for folder in folders.values())
    beside = tmp_path / "customers.results" / "tables"
    assert (folders["customers"].parents[1], folders["customers"].name) == (beside, "customers")
    counts = {"records": ROWS, "done": ROWS - 1, "unknown": 0}
    assert summaries["customers"] == {
        **counts,
        "rejected": 1,
        "skipped": 0,
        "results": str(folders["customers"]),
    }
    assert summaries["orders"] == {**counts, "rejected": 0, "skipped": 1, "results": str(folders["orders"])}

    customers = results_of(summaries["customers"])
    assert sorted(result["line"] for result in customers) == list(range(1, ROWS + 1))
    assert [result["line"] for result in customers if result["outcome"] == "rejected"] == [BAD]
    created = {record["fields"]["NAME"]: record for record in system.control.records("mybpm")}
    assert system.control.effects("mybpm")["created"] == len(created) == ROWS - 1
    done = [result for result in customers if result["outcome"] == "done"]
    assert {result["kept"]["name"]: f"CUSTOMER/{result['id']}" for result in done} == {
        name: record["id"] for name, record in created.items()
    }

    orders = results_of(summaries["orders"])
    assert Counter(result["outcome"] for result in orders) == {"done": ROWS - 1, "skipped": 1}
    opened = system.control.records(SERVERS["1.2"])
    assert Counter(record["fields"]["FORMITM_1"] for record in opened) == Counter(list(created))
    assert {f"purchase/{result['id']}" for result in orders if result["outcome"] == "done"} == {
        record["id"] for record in opened
    }
