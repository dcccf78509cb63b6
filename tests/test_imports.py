"""What a DAG file's imports cost."""

from __future__ import annotations

import json
import os
import pkgutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

from airflow_provider_workflows.provider import FORMS

HTTP_LIBRARIES = {"requests", "aiohttp", "urllib3"}
#: What a vendor's room has for DAG files; not every vendor has notifiers and feeds.
FOR_DAGS = {"operators", "sensors", "conditions", "notifier", "feeds"}
ROOMS = [form.hook_class.rsplit(".", 2)[0] for form in FORMS]
LIGHT = [
    *(
        f"{room}.{module.name}"
        for room in ROOMS
        for module in pkgutil.iter_modules(import_module(room).__path__)
        if module.name in FOR_DAGS
    ),
    "airflow_provider_workflows.base.trigger",
    "airflow_provider_workflows.events",
    "airflow_provider_workflows.retry_policy",
]


def _loaded_by(module: str, home: Path) -> set[str]:
    """Return the roots that a module loads on top of what Airflow's own public names do."""
    script = (
        "import json, sys\n"
        "import airflow.sdk, airflow.triggers.base\n"
        "from airflow.sdk import BaseOperator, BaseSensorOperator, DAG\n"
        "before = set(sys.modules)\n"
        f"import {module}\n"
        "print(json.dumps(sorted({n.partition('.')[0] for n in set(sys.modules) - before})))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(home)},
    )
    return set(json.loads(run.stdout.splitlines()[-1]))


def test_what_a_dag_file_imports_loads_no_http_library(tmp_path: Path) -> None:
    # All of them in one interpreter, as starting one takes seconds: what none of them loads, each does not.
    assert _loaded_by(", ".join(LIGHT), tmp_path).isdisjoint(HTTP_LIBRARIES)


@pytest.mark.parametrize("module", ["airflow_provider_workflows.transport.blocking, requests"])
def test_an_http_library_would_be_noticed(tmp_path: Path, module: str) -> None:
    assert not _loaded_by(module, tmp_path).isdisjoint(HTTP_LIBRARIES)


@pytest.mark.parametrize("room", ROOMS)
def test_no_vendors_modules_are_forgotten(room: str) -> None:
    assert {f"{room}.{name}" for name in ("operators", "sensors", "conditions")} <= set(LIGHT)
