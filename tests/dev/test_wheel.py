"""What users install: the wheel, built without a network, from a checkout."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hatchling.builders.wheel import WheelBuilder

from dev.layout import EXAMPLE_DAGS, ROOT

PACKAGE = "airflow_provider_workflows"


def files(folder: Path, kind: str) -> dict[str, str]:
    """Build a wheel of a kind, and return the contents of its text files by name."""
    (wheel,) = WheelBuilder(str(ROOT)).build(directory=str(folder), versions=[kind])
    with zipfile.ZipFile(wheel) as archive:
        return {name: archive.read(name).decode(errors="replace") for name in archive.namelist()}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """The files in the wheel."""
    return set(files(tmp_path_factory.mktemp("wheel"), "standard"))


def test_the_examples_are_where_airflow_looks_for_a_providers(names: set[str]) -> None:
    kept = {path.name for path in EXAMPLE_DAGS.iterdir() if path.suffix in (".py", ".csv")}
    assert "omflow_order.py" in kept
    found = {name for name in names if name.startswith(f"{PACKAGE}/example_dags/")}
    assert found == {f"{PACKAGE}/example_dags/{name}" for name in kept}


def test_the_package_is_whole(names: set[str]) -> None:
    sources = {path.relative_to(ROOT).as_posix() for path in (ROOT / PACKAGE).rglob("*.py")}
    assert sources <= names
    assert {f"{PACKAGE}/py.typed", f"{PACKAGE}/sandbox/omflow/processes.toml"} <= names


def test_nothing_else_is_at_its_top(names: set[str]) -> None:
    tops = {Path(name).parts[0] for name in names}
    assert {top for top in tops if not top.endswith(".dist-info")} == {PACKAGE}


def test_a_checkout_is_used_in_place(tmp_path: Path) -> None:
    installed = files(tmp_path, "editable")
    (path,) = (name for name in installed if ".dist-info/" not in name)
    assert installed[path].split() == [str(ROOT)]
