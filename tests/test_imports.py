"""What a DAG file's imports load: no HTTP library, and of this package only what declares a task."""

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

ROOT = "airflow_provider_workflows"
HTTP_LIBRARIES = {"requests", "aiohttp", "urllib3"}
#: What a vendor's package has for DAG files; not every vendor has notifiers and feeds.
FOR_DAGS = {"operators", "many", "sensors", "conditions", "notifications", "events"}
ROOMS = [form.package for form in FORMS]
LIGHT = [
    *(
        f"{room}.{module.name}"
        for room in ROOMS
        for module in pkgutil.iter_modules(import_module(room).__path__)
        if module.name in FOR_DAGS
    ),
    f"{ROOT}.core.waiting.trigger",
    f"{ROOT}.events",
    f"{ROOT}.retry_policy",
]
#: What operators and sensors need to be declared. Everything else waits until a task runs: import it in the
#: method that needs it, and for annotations under TYPE_CHECKING.
DECLARING = {
    ROOT,
    f"{ROOT}.exceptions",
    f"{ROOT}.core",
    f"{ROOT}.core.lazy",
    *(f"{ROOT}.core.connection{name}" for name in ("", ".form", ".ui_link")),
    *(
        f"{ROOT}.core.runtime{name}"
        for name in ("", ".durations", ".serialization", ".task_state", ".templates", ".versions")
    ),
    *(f"{ROOT}.core.bulk{name}" for name in ("", ".operator", ".sensor")),
    *(
        f"{ROOT}.core.tasks{name}"
        for name in ("", ".asking", ".lineage", ".links", ".operator", ".sensor", ".task")
    ),
}


def _loaded_by(imports: str, home: Path) -> set[str]:
    """Return the modules that imports load on top of what Airflow's own public names do, and all of ours."""
    script = (
        "import json, sys\n"
        "import airflow.sdk, airflow.triggers.base\n"
        "from airflow.sdk import BaseOperator, BaseSensorOperator, DAG\n"
        f"before = {{name for name in sys.modules if name.partition('.')[0] != {ROOT!r}}}\n"
        f"{imports}\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))\n"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "AIRFLOW_HOME": str(home)},
    )
    return set(json.loads(run.stdout.splitlines()[-1]))


def _roots(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def test_what_a_dag_file_imports_loads_no_http_library(tmp_path: Path) -> None:
    # All of them in one interpreter, as starting one takes seconds: what none of them loads, each does not.
    assert _roots(_loaded_by(f"import {', '.join(LIGHT)}", tmp_path)).isdisjoint(HTTP_LIBRARIES)


@pytest.mark.parametrize("module", [f"{ROOT}.core.transport.requests_adapter, requests"])
def test_an_http_library_would_be_noticed(tmp_path: Path, module: str) -> None:
    assert not _roots(_loaded_by(f"import {module}", tmp_path)).isdisjoint(HTTP_LIBRARIES)


@pytest.mark.parametrize("room", ROOMS)
def test_no_vendors_modules_are_forgotten(room: str) -> None:
    assert {f"{room}.{name}" for name in ("operators", "many", "sensors", "conditions")} <= set(LIGHT)


def test_operators_and_sensors_load_only_what_declares_a_task(tmp_path: Path) -> None:
    names = {
        room: [name for name in import_module(room).__all__ if name.endswith(("Operator", "Sensor"))]
        for room in ROOMS
    }
    imports = "\n".join(f"from {room} import {', '.join(found)}" for room, found in names.items())
    loaded = {name for name in _loaded_by(imports, tmp_path) if name.partition(".")[0] == ROOT}
    own = {
        f"{room}{name}" for room in ROOMS for name in ("", ".connection", ".many", ".operators", ".sensors")
    }
    # Airflow may have asked for the provider's information before.
    assert loaded - {f"{ROOT}.provider"} == DECLARING | own
