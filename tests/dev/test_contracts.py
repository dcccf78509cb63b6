"""What import-linter cannot see, since it knows other packages by their top name only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from dev.layout import ROOT

EXCEPTIONS = {"airflow.sdk.exceptions", "airflow.exceptions"}  # the latter is where Airflow 3.1 keeps them
BELOW_BASE = sorted(
    path
    for room in ("protocol", "transport")
    for path in (ROOT / "airflow_provider_workflows" / room).rglob("*.py")
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


@pytest.mark.parametrize("path", BELOW_BASE, ids=lambda path: str(path.relative_to(ROOT)))
def test_the_only_airflow_name_below_base_is_its_exceptions(path: Path) -> None:
    allowed = EXCEPTIONS if path.parts[-2:] == ("protocol", "errors.py") else set()
    assert airflow_modules(path) <= allowed


def test_the_search_finds_imports(tmp_path: Path) -> None:
    planted = tmp_path / "planted.py"
    planted.write_text("import json\ndef f():\n    from airflow.models import X\n    import airflow.sdk\n")
    assert airflow_modules(planted) == {"airflow.models", "airflow.sdk"}
