"""The whole DAGs of the README and the vendors' pages run against the sandbox and return what is shown."""

from __future__ import annotations

import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.vendors import connections
from tests.core.conftest import clock as clock
from tests.core.harness import Clock
from tests.docs.dag_run import DagRun
from tests.docs.pages import DOCS, ROOT, VENDORS, Section, blocks, blocks_of, sections
from tests.docs.test_blocks import read_dags

README, START = ROOT / "README.md", DOCS / "getting-started.md"
#: Pages that ask the reader to act as a person, and show no results.
WITH_A_PERSON = (README, START)
#: Keys of what a vendor makes up for each run.
MADE_ANEW = {"id", "boi_id", "spid", "node_id"}
#: Its tasks return folders of their own.
TABLES = DOCS / "from-a-table.md"
PAGES = [*WITH_A_PERSON, TABLES, *(DOCS / f"{vendor}.md" for vendor in VENDORS)]


@pytest.fixture(autouse=True)
def connected(sandbox: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connections with the default ids, as ``make airflow`` sets them."""
    for conn_id, fields in connections(sandbox.control.url).items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{conn_id.upper()}", json.dumps(fields))


def release(sandbox: SandboxServer) -> None:
    """Do what the pages ask of a person: release the order that waits."""
    (order,) = sandbox.control.records("omflow-1.2")
    sandbox.control.push("omflow-1.2", "payout", order["actions"][0]["arguments"]["data_id"])


def example(page: Path) -> Section:
    (found,) = (one for one in sections(page) if one.name in ("Use it", "Your first DAG", "A whole DAG"))
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_it_runs_and_returns_what_is_shown(
    page: Path, clock: Clock, sandbox: SandboxServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    if page in WITH_A_PERSON:
        clock.after(600, lambda: release(sandbox))
    pieces = blocks_of(page, example(page))
    (source,) = (one for one in pieces if one.language == "python")
    (dag,) = read_dags(source, tmp_path)
    returned = DagRun(dag, clock=clock).run()
    shown = [json.loads(one.code) for one in pieces if one.language == "json"]
    if page not in (*WITH_A_PERSON, TABLES):
        assert [nameless(one) for one in shown] == [nameless(returned)], json.dumps(returned, indent=2)


def test_values_are_passed_on(clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = DOCS / "waiting.md"
    (found,) = (one for one in sections(page) if one.name == "Pass values on")
    (source,) = (one for one in blocks_of(page, found) if one.language == "python")
    (dag,) = read_dags(source, tmp_path)
    returned = DagRun(dag, clock=clock).run()
    total = returned["robot"]["outputs"]["total"]
    assert float(returned["customer"]["fields"]["LIMIT"]["apiValue"]) == float(total)
    assert returned["apply"]["next_form_id"] == "scoring"


def test_files_are_attached(clock: Clock, sandbox: SandboxServer, tmp_path: Path) -> None:
    (source,) = (one for one in blocks(DOCS / "attach-files.md") if one.language == "python")
    here = replace(source, code=source.code.replace("/tmp/offers", str(tmp_path / "offers")))
    assert here != source
    (dag,) = read_dags(here, tmp_path)
    DagRun(dag, clock=clock).run()
    (order,) = sandbox.control.records("omflow-1.2")
    assert [(one["name"], one["size"]) for one in order["files"]] == [("offer.txt", 14)]


def nameless(value: Any) -> Any:
    """Return a value without the ids that a vendor makes anew for each run."""
    if isinstance(value, dict):
        return {key: type(one) if key in MADE_ANEW else nameless(one) for key, one in value.items()}
    return [nameless(one) for one in value] if isinstance(value, list) else value


def test_another_result_is_noticed() -> None:
    one = {"a": [{"id": "1", "c": None}], "d": "x"}
    assert nameless(one) == nameless({"a": [{"id": "2", "c": None}], "d": "x"})
    for other in ({"a": [{"id": 2, "c": None}], "d": "x"}, {"a": [], "d": "x"}, {**one, "d": "y"}):
        assert nameless(one) != nameless(other)
