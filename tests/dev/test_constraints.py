"""One constraints file for every Python."""

from __future__ import annotations

import re
import tomllib

import pytest
from packaging.version import Version

from dev.constraints import floors, merge
from dev.layout import ENVIRONMENTS, OLDEST, ROOT, Environment

LINE = re.compile(r'[a-z0-9.-]+==[\w.]+( ; python_version == "3\.1\d"( or python_version == "3\.1\d")*)?')


def test_plain_pin_where_all_agree() -> None:
    assert merge({"3.11": {"b": "2", "a": "1"}, "3.12": {"a": "1", "b": "2"}}) == ["a==1", "b==2"]


def test_plain_pin_for_what_only_some_need() -> None:
    assert merge({"3.11": {"backport": "1"}, "3.12": {}}) == ["backport==1"]


def test_markers_where_they_differ() -> None:
    assert merge({"3.11": {"a": "1"}, "3.12": {"a": "2"}, "3.13": {"a": "2"}}) == [
        'a==1 ; python_version == "3.11"',
        'a==2 ; python_version == "3.12" or python_version == "3.13"',
    ]


@pytest.mark.parametrize("environment", ENVIRONMENTS.values(), ids=ENVIRONMENTS)
def test_files_are_pins_and_nothing_else(environment: Environment) -> None:
    lines = [line for line in environment.constraints.read_text().splitlines() if not line.startswith("#")]
    assert [line for line in lines if not LINE.fullmatch(line)] == []
    pinned = {line.partition("==")[0] for line in lines}
    assert {"apache-airflow", "apache-airflow-core", "aiohttp", "requests", "pytest", "hatchling"} <= pinned
    assert any(line.startswith(f"apache-airflow=={environment.airflow}.") for line in lines)


def test_floors_are_what_users_are_promised() -> None:
    extras = {"sandbox": ["c>=1.0.3"], "dev": ["d>=4"]}
    assert floors({"dependencies": ["a>=1", "b>=2.32.4"], "optional-dependencies": extras}) == [
        "a==1",
        "b==2.32.4",
        "c==1.0.3",
    ]


def test_the_oldest_environment_is_made_of_the_floors() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    promised = dict(floor.split("==") for floor in floors(project))
    lines = OLDEST.constraints.read_text().splitlines()
    pinned = dict(line.split("==") for line in lines if line.partition("==")[0] in promised)
    assert {name: Version(pin) for name, pin in pinned.items()} == {
        name: Version(floor) for name, floor in promised.items()
    }
