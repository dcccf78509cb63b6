"""The environment is built anew when, and only when, what it is made from has changed."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev.environment import SetUpError, is_ready, last_step, require_disk, run, stamp
from dev.layout import CURRENT, ENVIRONMENTS, ROOT, Environment

PYPROJECT = """
[build-system]
requires = ["backend"]
[project]
name = "thing"
description = "a thing"
dependencies = ["one>=1"]
[project.optional-dependencies]
dev = ["two"]
[tool.ruff]
line-length = 110
"""


def made_from(
    *,
    pyproject: str = PYPROJECT,
    constraints: str = "one==1.0\n",
    python: str = "3.12.1",
    checkout: Path = Path("/home/me/checkout"),
) -> str:
    return stamp(pyproject=pyproject, constraints=constraints, python=python, checkout=checkout)


@pytest.fixture
def environment(tmp_path: Path) -> Environment:
    made = Environment(airflow="3.3", folder=tmp_path / "venv")
    made.python.parent.mkdir(parents=True)
    made.python.touch()
    return made


def test_same_ingredients_same_stamp() -> None:
    assert made_from() == made_from()


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("one>=1", "one>=2"),
        ('dev = ["two"]', 'dev = ["three"]'),
        ('"backend"', '"other"'),
        ("thing", "things"),
    ],
)
def test_dependencies_change_the_stamp(old: str, new: str) -> None:
    assert made_from(pyproject=PYPROJECT.replace(old, new, 1)) != made_from()


@pytest.mark.parametrize(("old", "new"), [("110", "100"), ("a thing", "a better thing")])
def test_what_is_not_installed_leaves_the_stamp(old: str, new: str) -> None:
    assert made_from(pyproject=PYPROJECT.replace(old, new)) == made_from()


def test_constraints_python_and_checkout_change_the_stamp() -> None:
    stamps = {
        made_from(),
        made_from(constraints="one==1.1\n"),
        made_from(python="3.12.2"),
        made_from(checkout=Path("/home/me/moved")),
    }
    assert len(stamps) == 4


def test_completed_environment_is_ready(environment: Environment) -> None:
    environment.stamp.write_text("wanted")
    assert is_ready(environment, wanted="wanted")


def test_interrupted_environment_is_not_ready(environment: Environment) -> None:
    assert not is_ready(environment, wanted="wanted")


def test_environment_of_other_ingredients_is_not_ready(environment: Environment) -> None:
    environment.stamp.write_text("older")
    assert not is_ready(environment, wanted="wanted")


def test_environment_whose_interpreter_is_gone_is_not_ready(environment: Environment) -> None:
    environment.stamp.write_text("wanted")
    environment.python.unlink()
    environment.python.symlink_to(environment.folder / "removed-python")
    assert not is_ready(environment, wanted="wanted")


def test_too_little_disk_is_one_line() -> None:
    with pytest.raises(SetUpError, match=r"no disk space: 1\.5 GB needed in .*, 0\.2 GB free") as caught:
        require_disk(free=200_000_000, need=1_500_000_000)
    assert "\n" not in str(caught.value)


def test_enough_disk_is_silent() -> None:
    require_disk(free=1_500_000_000, need=1_500_000_000)


def test_the_environments_do_not_share_a_folder() -> None:
    assert len({environment.folder for environment in ENVIRONMENTS.values()}) == len(ENVIRONMENTS) == 3
    assert CURRENT.folder.parent == ROOT


def test_failing_step_shows_the_last_lines_and_names_the_log(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "log"
    program = "import sys; [print(f'line {number}.') for number in range(100)]; sys.exit(3)"
    with pytest.raises(SetUpError) as caught:
        run([sys.executable, "-c", program], label="installing", log=log)
    assert str(caught.value) == f"installing failed; the whole log is {log}"
    output = capsys.readouterr()
    assert output.err.splitlines()[-1] == "line 99."
    assert "line 1." not in output.err.splitlines()
    assert "installing: stopped after" in output.out


def test_step_that_works_is_silent_but_for_its_progress(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run([sys.executable, "-c", "print('chatter')"], label="installing", log=tmp_path / "log")
    output = capsys.readouterr()
    assert output.err == ""
    assert output.out.splitlines()[0] == "installing ..."
    assert "installing: done after" in output.out
    assert "chatter" not in output.out


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("Collecting attrs>=22 (from airflow)", "Collecting attrs>=22"),
        ("Installing collected packages: a, b, c", "unpacking 3 packages"),
        ("Building wheels", ""),
    ],
)
def test_what_pip_is_at(tmp_path: Path, said: str, shown: str) -> None:
    log = tmp_path / "log"
    log.write_text(f"{said}\n")
    assert last_step(log) == shown
