"""What a task's process makes of its DAG file."""

from __future__ import annotations

import os
import subprocess
import sys

from dev.layout import ROOT
from tests.system.chaos.operators import TASK_NICENESS

PROGRAM = """
import os, sys
from tests.system.chaos.lifecycle.dag_files import {make}
before = os.nice(0)
print(*{make}({name!r}), os.nice(0) - before, "tests.system.chaos.lifecycle.run_driver" in sys.modules)
"""


def made(make: str, name: str, dag_id: str) -> list[str]:
    """Return the ids of the DAGs, how much nicer the process became, and whether it has the cells."""
    program = PROGRAM.format(make=make, name=name)
    environment = {**os.environ, "_AIRFLOW_PARSING_CONTEXT_DAG_ID": dag_id}
    run = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    return run.stdout.splitlines()[-1].split()


def test_a_task_makes_its_own_dag_alone_and_gives_way() -> None:
    dag_id = "robusta_sync_prompt"
    assert made("write_dags", "robusta", dag_id) == [dag_id, str(TASK_NICENESS), "False"]


def test_so_does_a_sensors() -> None:
    dag_id = "mybpm_watch_deferrable_prompt"
    assert made("watching_dags", "mybpm", dag_id) == [dag_id, str(TASK_NICENESS), "False"]
