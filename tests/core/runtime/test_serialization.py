"""A class path from Airflow's database is imported only if it is of this package, or if Airflow allows it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from airflow_provider_workflows.core.events.feed import Feed
from airflow_provider_workflows.core.runtime.serialization import check_allowed, import_string
from airflow_provider_workflows.core.waiting.condition import Condition
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.conditions import OrderClosed
from tests.core.waiting.test_condition import Older

OPTION = "AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES"
MODULE = "module_of_nobody"


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module that can be imported, and has not been."""
    (tmp_path / f"{MODULE}.py").write_text("class Thing: pass\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, MODULE, raising=False)
    return MODULE


def allow(monkeypatch: pytest.MonkeyPatch, patterns: str, regexps: str = "") -> None:
    monkeypatch.setenv(OPTION, patterns)
    monkeypatch.setenv(f"{OPTION}_REGEXP", regexps)


@pytest.mark.parametrize(
    ("patterns", "regexps"),
    [
        ("airflow.*", ""),
        ("", ""),
        ("module_of_somebody.* other.*", ""),
        (MODULE, ""),
        ("", r"module_of_nobody\.Thin other\..*"),
        ("", r"odule_of_nobody\.Thing"),
    ],
)
def test_what_is_not_allowed_is_not_imported(
    module: str, monkeypatch: pytest.MonkeyPatch, patterns: str, regexps: str
) -> None:
    allow(monkeypatch, patterns, regexps)
    path = f"{module}.Thing"
    for read in (
        lambda: check_allowed(path, "hook"),
        lambda: Condition.from_json({"condition": path, "format": 1, "values": {}}),
        lambda: Feed.from_json(f'{{"feed": "{path}", "format": 1, "values": {{}}}}'),
    ):
        with pytest.raises(InvalidInput, match=r"Add module_of_nobody\.\* to \[core\] allowed_deserializ"):
            read()
    assert module not in sys.modules


@pytest.mark.parametrize(
    ("patterns", "regexps"),
    [
        ("airflow.* module_of_nobody.*", ""),
        ("module_of_nobody.Thing", ""),
        ("", r"other\..* module_of_nobody\..*"),
    ],
)
def test_what_airflow_allows_is_imported(
    module: str, monkeypatch: pytest.MonkeyPatch, patterns: str, regexps: str
) -> None:
    allow(monkeypatch, patterns, regexps)
    check_allowed(f"{module}.Thing", "hook")
    with pytest.raises(InvalidInput, match="is not a condition"):
        Condition.from_json({"condition": f"{module}.Thing", "format": 1, "values": {}})
    assert module in sys.modules


def test_this_packages_own_need_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "")
    condition = OrderClosed(api_path="purchase", data_no=7)
    assert Condition.from_json(condition.to_json()) == condition


def test_a_name_that_only_begins_like_this_packages_is_not_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "airflow.*")
    with pytest.raises(InvalidInput, match="is not allowed in the triggerer"):
        check_allowed("airflow_provider_workflows_of_nobody.Thing", "hook")


def test_what_could_not_be_read_back_is_not_written(monkeypatch: pytest.MonkeyPatch) -> None:
    allow(monkeypatch, "airflow.*")
    with pytest.raises(InvalidInput, match=r"Add tests\.\* to \[core\] allowed_deserialization_classes on"):
        Older(name="x").to_json()


@pytest.mark.parametrize("path", ["tests.nowhere.Thing", "tests.core.harness.Nothing", "tests."])
def test_what_does_not_exist_is_named(path: str) -> None:
    with pytest.raises(InvalidInput, match=f"The hook '{path}' cannot be imported: "):
        import_string(path, "hook")
