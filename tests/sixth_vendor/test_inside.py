"""
The made-up vendor among the others, in a copy of the project: its own files, and three entries.

Nothing else is edited: what a test, a page or a contract says of vendors, it takes from what they declare.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
COPIED = ("airflow_provider_workflows", "dev", "docs", "example_dags", "tests")
FILES = ("pyproject.toml", "README.md", "CONTRIBUTING.md", "CHANGELOG.md", "Makefile")
#: File, what stands there, and what stands there with one vendor more.
ENTRIES = (
    (
        "airflow_provider_workflows/provider.py",
        ("from airflow_provider_workflows.robusta import", "kiban.FORM)"),
        (
            "from airflow_provider_workflows.pigeon import connection as pigeon\n{}",
            "kiban.FORM, pigeon.FORM)",
        ),
    ),
    (
        "airflow_provider_workflows/sandbox/registry.py",
        ("import blizwork, kiban, mybpm, omflow, robusta", "    kiban.VENDOR,\n"),
        ("import blizwork, kiban, mybpm, omflow, pigeon, robusta", "{}    pigeon.VENDOR,\n"),
    ),
    (
        "docs/index.md",
        ("| [Kiban Workfloo](kiban.md)", "\nkiban\n"),
        ("| [Pigeon Post](pigeon.md) | send a letter | | its arrival |\n{}", "{}pigeon\n"),
    ),
)
#: What proves it whole, of the tests that all vendors share; and its own.
PROOF = (
    "tests/test_vendors.py",
    "tests/test_provider.py::test_every_notifier_is_named_and_can_run_as_a_callback",
    "tests/test_provider.py::test_airflows_own_schema_accepts_the_information",
    "tests/test_provider.py::test_hook_agrees_with_its_connection_type",
    "tests/test_facts.py",
    "tests/test_testing.py::test_every_connection_leads_to_its_vendor",
    "tests/test_testing.py::test_the_accounts_are_the_declared_ones",
    "tests/core/test_upgrades.py::test_a_trigger_is_read_and_looks_where_it_did",
    "tests/core/test_upgrades.py::test_every_condition_has_samples",
    "tests/core/test_upgraded_feeds.py::test_a_record_is_found_again_under_its_key",
    "tests/core/test_upgraded_feeds.py::test_every_feed_has_samples",
    "tests/core/connection/test_probe.py::TestReached",
    "tests/core/tasks/test_links.py::test_every_operator_and_sensor_has_the_link",
    "tests/core/tasks/test_links.py::test_what_each_vendors_tasks_announce_has_a_page",
    "tests/system/chaos/test_matrix.py",
    "tests/system/chaos/test_tables.py::test_every_operator_for_many_records_has_its_cells",
    "tests/docs/test_parameters.py::test_every_parameter_and_no_other",
    "tests/docs/test_parameters.py::test_template_fields",
    "tests/docs/test_examples.py",
    "tests/pigeon",
)
#: Of vendors' own tests, the other vendors' need not run again.
ONLY = "pigeon or not (omflow or mybpm or blizwork or robusta or kiban)"


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the project with one vendor more."""
    copy = tmp_path_factory.mktemp("project")
    for name in COPIED:
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "*.png"))
    for name in FILES:
        shutil.copy(ROOT / name, copy / name)
    shutil.copytree(HERE / "pigeon_post", copy / "airflow_provider_workflows" / "pigeon")
    shutil.copytree(HERE / "pigeon_loft", copy / "airflow_provider_workflows" / "sandbox" / "pigeon")
    shutil.copytree(HERE / "inside", copy, dirs_exist_ok=True)
    for name, before, after in ENTRIES:
        _enter(copy / name, before, after)
    return copy


def _enter(file: Path, before: tuple[str, ...], after: tuple[str, ...]) -> None:
    text = file.read_text(encoding="utf-8")
    for old, new in zip(before, after, strict=True):
        assert text.count(old) == 1, f"{file.name} has not one {old!r}"
        text = text.replace(old, new.replace("{}", old))
    file.write_text(text, encoding="utf-8")


def run(project: Path, *command: str) -> str:
    """Run one of Python's modules in the copy; return what it says."""
    environment = {**os.environ, "PYTHONPATH": str(project), "AIRFLOW_HOME": str(project / "airflow-home")}
    ended = subprocess.run(
        [sys.executable, "-m", *command],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-20_000:]
    return ended.stdout


def test_what_vendors_must_have_it_has(project: Path) -> None:
    told = run(project, "pytest", "-q", "-n", "0", "-k", ONLY, *PROOF)
    assert " passed" in told.splitlines()[-1]


def test_its_pages_are_written(project: Path) -> None:
    run(project, "dev.vendor_tables")
    for page in ("docs/connections.md", "docs/exactly-once.md"):
        assert "| Pigeon Post" in (project / page).read_text(encoding="utf-8"), page
    assert "[Pigeon Post](docs/pigeon.md)" in (project / "README.md").read_text(encoding="utf-8")


def test_the_sandbox_serves_it_and_airflow_is_told_of_it(project: Path) -> None:
    program = (
        "from airflow_provider_workflows.provider import get_provider_info\n"
        "from airflow_provider_workflows.sandbox.server import SandboxServer\n"
        "with SandboxServer() as server:\n"
        "    print(server.control.effects('pigeon'))\n"
        "info = get_provider_info()\n"
        "print(info['connection-types'][-1]['hook-class-name'], *info['notifications'])\n"
    )
    (project / "asking.py").write_text(program, encoding="utf-8")
    effects, told = run(project, "asking").splitlines()[-2:]
    assert effects == "{'sent': 0, 'requests': {}}"
    assert "airflow_provider_workflows.pigeon.hooks.PigeonHook" in told
    assert "airflow_provider_workflows.pigeon.notifications.PigeonSendNotifier" in told
