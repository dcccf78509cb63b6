"""Which tests run in which environment."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from dev.environment import SetUpError, named
from dev.layout import CURRENT, ENVIRONMENTS, OLDEST, ROOT, on_python
from dev.unit_tests import OF_ANY, OF_CURRENT, arguments


def test_the_current_airflow_runs_them_all_and_the_others_what_depends_on_it() -> None:
    assert not any("--ignore" in one for one in arguments(CURRENT))
    for environment in [*ENVIRONMENTS.values()][1:]:
        ignored = [one for one in arguments(environment) if one.startswith("--ignore=")]
        assert ignored == [f"--ignore={folder}" for folder in (*OF_CURRENT, *OF_ANY)]
    for folder in (*OF_CURRENT, *OF_ANY):
        assert (ROOT / folder).is_dir()


def test_environments_by_name() -> None:
    assert (named("newest"), named("oldest")) == (CURRENT, OLDEST)
    for airflow, environment in ENVIRONMENTS.items():
        assert named(airflow) is environment
    with pytest.raises(SetUpError, match=r"Airflow 2\.11 is not supported; choose from 3\.3, 3\.2, 3\.1"):
        named("2.11")


def test_another_python_has_a_folder_of_its_own() -> None:
    folders = {environment.folder for environment in ENVIRONMENTS.values()}
    assert on_python("3.12").folder not in folders | {on_python("3.13").folder}
    assert on_python("3.12").constraints == CURRENT.constraints


@pytest.mark.parametrize("program", ["dev.environment", "dev.unit_tests"])
def test_an_airflow_that_is_not_supported_is_one_line(program: str) -> None:
    command = [sys.executable, "-m", program, "2.11"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert done.stderr == "error: Airflow 2.11 is not supported; choose from 3.3, 3.2, 3.1\n"


def test_tests_on_a_real_airflow_lie_where_make_looks_for_them() -> None:
    lines = re.findall(r"-m (?:\"system and .*\"|system) (.+)", (ROOT / "Makefile").read_text())
    places = {place for line in lines for place in line.split()}
    folders = sorted(place for place in places if not place.endswith(".py"))
    assert folders == ["tests/dev", "tests/system"]
    marked = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "tests").rglob("test_*.py")
        if re.search(r"^pytestmark = .*(\n.*)?mark\.system", path.read_text(), re.M)
    ]
    assert len(marked) > len(folders)
    assert [path for path in marked if not path.startswith(tuple(f"{one}/" for one in folders))] == []
