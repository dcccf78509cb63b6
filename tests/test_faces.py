"""What a vendor's package offers by itself, and that it loads nothing before it is used."""

from __future__ import annotations

import ast
import inspect
import re
import subprocess
import sys
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.connection.hook import WorkflowHook
from airflow_provider_workflows.core.lazy import lazy_exports
from airflow_provider_workflows.core.tasks.task import HookMixin
from airflow_provider_workflows.provider import FORMS
from dev.layout import ROOT

PACKAGES = [form.package for form in FORMS]
#: The modules whose public names a DAG file or a task's function may want.
PUBLIC = ("hooks", "operators", "many", "sensors", "notifications", "events")


def public_names(package: str) -> set[str]:
    """Return what a vendor's modules define for users: classes, and functions that watch for events."""
    found = set()
    for name in PUBLIC:
        if find_spec(f"{package}.{name}") is None:
            continue
        module = import_module(f"{package}.{name}")
        for public, value in vars(module).items():
            own = getattr(value, "__module__", None) == module.__name__ and not public.startswith("_")
            watches = name == "events" and inspect.isfunction(value)
            offered = inspect.isclass(value) and issubclass(value, (WorkflowHook, HookMixin))
            if own and (watches or offered):
                found.add(public)
    return found


def imported_for_types(package: str) -> dict[str, str]:
    """Return the names that a type checker sees, with their modules."""
    tree = ast.parse(Path(str(import_module(package).__file__)).read_text(encoding="utf-8"))
    (block,) = (node for node in tree.body if isinstance(node, ast.If))
    assert ast.unparse(block.test) == "TYPE_CHECKING"
    imports = [node for node in block.body if isinstance(node, ast.ImportFrom)]
    return {alias.name: str(node.module) for node in imports for alias in node.names}


@pytest.mark.parametrize("package", PACKAGES)
class TestEachVendor:
    def test_offers_all_that_is_public(self, package: str) -> None:
        assert public_names(package) <= set(import_module(package).__all__)

    def test_type_checkers_see_the_same(self, package: str) -> None:
        face = import_module(package)
        seen = imported_for_types(package)
        assert sorted(seen) == sorted(face.__all__)
        for name, module in seen.items():
            assert getattr(face, name) is getattr(import_module(module), name)

    def test_completion_finds_the_names(self, package: str) -> None:
        face = import_module(package)
        assert {*face.__all__, "__doc__", "connection"} <= set(dir(face))

    def test_everything_can_be_imported_at_once(self, package: str) -> None:
        names: dict[str, Any] = {}
        exec(f"from {package} import *", names)
        assert {*import_module(package).__all__} <= {*names}

    def test_another_name_is_an_error(self, package: str) -> None:
        with pytest.raises(AttributeError, match=f"module '{package}' has no attribute 'Operator'"):
            _ = import_module(package).Operator


def test_the_provider_info_loads_the_declarations_and_nothing_else() -> None:
    script = (
        "import sys; before = set(sys.modules)\n"
        "import airflow_provider_workflows.provider\n"
        "print(*sorted(set(sys.modules) - before - sys.stdlib_module_names), sep='\\n')\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.partition(".")[0] not in sys.stdlib_module_names}
    root = "airflow_provider_workflows"
    core = {f"{root}.core", f"{root}.core.lazy", f"{root}.core.connection"}
    form = {f"{root}.core.connection.form", f"{root}.core.connection.ui_link"}
    vendors = {name for package in PACKAGES for name in (package, f"{package}.connection")}
    assert loaded == {root, f"{root}.provider"} | core | form | vendors


def test_a_name_is_loaded_at_its_first_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "vendor_face"
    package.mkdir()
    (package / "hooks.py").write_text("class Hook: pass\n")
    (package / "__init__.py").write_text(
        "from airflow_provider_workflows.core.lazy import lazy_exports\n"
        "__getattr__, __dir__ = lazy_exports(__name__, {'hooks': ['Hook']})\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    face = import_module("vendor_face")
    assert "vendor_face.hooks" not in sys.modules
    assert "Hook" in dir(face)
    assert "Hook" not in vars(face)
    assert face.Hook.__module__ == "vendor_face.hooks"
    assert vars(face)["Hook"] is face.Hook


def test_what_a_module_lacks_is_an_error_of_that_module() -> None:
    load, _ = lazy_exports("airflow_provider_workflows.omflow", {"connection": ["NOTHING"]})
    with pytest.raises(AttributeError, match=r"omflow\.connection"):
        load("NOTHING")


def shown_to_users() -> list[Path]:
    """Return the pages and the example DAGs."""
    return [ROOT / "README.md", *(ROOT / "docs").glob("*.md"), *(ROOT / "example_dags").glob("*.py")]


def test_pages_and_examples_import_from_the_package() -> None:
    inner = re.compile(rf"from ({'|'.join(map(re.escape, PACKAGES))})\.({'|'.join(PUBLIC)}) import")
    assert inner.search("from airflow_provider_workflows.omflow.hooks import OMFlowHook")
    pages = shown_to_users()
    assert len(pages) > 20
    assert [path.name for path in pages if inner.search(path.read_text(encoding="utf-8"))] == []
