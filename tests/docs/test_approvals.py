"""The page about approvals: its DAGs return what it shows if a person is faster than the sensor."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.layout import EXAMPLE_DAGS
from dev.vendors import connections
from tests.core.conftest import clock as clock
from tests.core.harness import Clock
from tests.docs.dag_run import DagRun
from tests.docs.pages import DOCS, blocks_of, sections
from tests.docs.test_blocks import read_dags
from tests.docs.test_examples import MADE_ANEW

PAGE = DOCS / "approvals.md"


@pytest.fixture(autouse=True)
def connected(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    for conn_id, fields in connections(sandbox.control.url).items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def section(name: str, language: str) -> list[Any]:
    (found,) = (one for one in sections(PAGE) if one.name == name)
    return [one for one in blocks_of(PAGE, found) if one.language == language]


def like(value: Any) -> Any:
    """Return a value without what is made anew for each run."""
    if isinstance(value, dict):
        anew = {*MADE_ANEW, "at"}
        return {key: type(one) if key in anew else like(one) for key, one in value.items()}
    return [like(one) for one in value] if isinstance(value, list) else value


def ran(name: str, clock: Clock, folder: Path, act: Callable[[], None], **how: Any) -> dict[str, Any]:
    """Run the DAG of a section; a person acts between the first two looks."""
    (source,) = section(name, "python")
    (dag,) = read_dags(source, folder)
    clock.after(0.3, act)
    return DagRun(dag, clock=clock, **how).run()


def shown(name: str) -> Any:
    (found,) = section(name, "json")
    return json.loads(found.code)


def test_omflow(sandbox: SandboxServer, clock: Clock, tmp_path: Path) -> None:
    control = sandbox.control

    def act() -> None:
        control.advance(5)
        control.push("omflow-1.2", "payout", 2)
        control.advance(5)

    name = "OMFlow: a stop"
    returned = ran(name, clock, tmp_path, act, given={"is_ours": False}, skipped={"release"})
    assert like(returned["at_release"]) == like(shown(name))
    assert returned["paid"]["closing_stop"] == "Paid"


def test_blizwork(sandbox: SandboxServer, clock: Clock, tmp_path: Path) -> None:
    def act() -> None:
        sandbox.control.advance(5)
        sandbox.control.command(
            "blizwork", "run", workflow="credit", case="1", form="review", to="application"
        )

    name = "BlizWork: an activity"
    returned = ran(name, clock, tmp_path, act)["reviewed"]
    assert returned["by"]
    assert like(returned) == like(shown(name))


def test_kiban(sandbox: SandboxServer, clock: Clock, tmp_path: Path) -> None:
    control = sandbox.control

    def act() -> None:
        control.advance(5)
        (execution,) = control.records("kiban")
        control.command("kiban", "answer", execution_id=execution["id"])
        control.advance(5)

    name = "Kiban: a step"
    returned = ran(name, clock, tmp_path, act)
    assert like(returned["reviewed"]) == like(shown(name))
    assert returned["ended"]["status"] == "SUCCESS"


def test_mybpm(sandbox: SandboxServer, clock: Clock, tmp_path: Path) -> None:
    def act() -> None:
        (request,) = sandbox.control.records("mybpm")
        (approve,) = (one for one in request["actions"] if "Approve" in one["label"])
        sandbox.control.command("mybpm", approve["command"], **approve["arguments"])

    returned = ran("MyBPM: a field", clock, tmp_path, act)
    assert returned["decided"]["apiValue"] == "decisionYes~0001"


def test_the_example_is_shown_as_it_is() -> None:
    (source,) = section("Approve in Airflow", "python")
    assert source.code.strip() == (EXAMPLE_DAGS / "omflow_approval.py").read_text().strip()
