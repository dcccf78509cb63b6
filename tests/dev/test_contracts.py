"""What import-linter is not told or cannot see: the vendors by name, and the modules of other packages."""

from __future__ import annotations

import ast
from itertools import permutations
from pathlib import Path

import grimp
import pytest

from airflow_provider_workflows.provider import FORMS
from dev.layout import CACHE, ROOT

EXCEPTIONS = {"airflow.sdk.exceptions", "airflow.exceptions"}  # the latter is where Airflow 3.1 keeps them
PACKAGE = ROOT / "airflow_provider_workflows"
WITHOUT_AIRFLOW = sorted(
    [
        PACKAGE / "exceptions.py",
        *(path for room in ("protocol", "transport") for path in (PACKAGE / "core" / room).rglob("*.py")),
    ]
)


def airflow_modules(path: Path) -> set[str]:
    """Names of the Airflow modules that a file imports, wherever in the file."""
    imported: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            imported |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            imported.add(node.module)
    return {name for name in imported if name.split(".")[0] == "airflow"}


@pytest.mark.parametrize("path", WITHOUT_AIRFLOW, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_only_airflow_name_is_its_exceptions(path: Path) -> None:
    allowed = EXCEPTIONS if path.name == "exceptions.py" else set()
    assert airflow_modules(path) <= allowed


def test_the_search_finds_imports(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import json\ndef f():\n    from airflow.models import X\n    import airflow.sdk\n")
    assert airflow_modules(planted) == {"airflow.models", "airflow.sdk"}


VENDORS = [form.package for form in FORMS]
#: A vendor's package, and its double.
STRANGERS = [VENDORS, [name.replace(".", ".sandbox.", 1) for name in VENDORS]]


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    """Who imports whom."""
    return grimp.build_graph(PACKAGE.name, cache_dir=str(CACHE / "grimp"))


def acquaintances(graph: grimp.ImportGraph, packages: list[str]) -> list[str]:
    """Ways by which one of some packages imports another, over however many modules."""
    chains = (
        graph.find_shortest_chain(one, other, as_packages=True) for one, other in permutations(packages, 2)
    )
    return [" -> ".join(chain) for chain in chains if chain]


@pytest.mark.parametrize("packages", STRANGERS, ids=["vendors", "doubles"])
def test_vendors_are_strangers_to_one_another(graph: grimp.ImportGraph, packages: list[str]) -> None:
    assert set(packages) <= graph.modules
    assert acquaintances(graph, packages) == []


def test_an_acquaintance_is_noticed(graph: grimp.ImportGraph) -> None:
    one, other = f"{VENDORS[0]}.operators", f"{VENDORS[1]}.hooks"
    graph.add_import(importer=one, imported=other)
    assert acquaintances(graph, VENDORS) == [f"{one} -> {other}"]
    graph.remove_import(importer=one, imported=other)
