"""Finding a usable Python, with made-up ones on the PATH."""

from __future__ import annotations

from pathlib import Path

import pytest

from dev.layout import ROOT
from tests.dev.machine import Machine

FAKE = """#!/bin/sh
case "$2" in
    *print*) echo {version} ;;
    *version_info*) exit {out_of_range} ;;
    *ensurepip*) exit {without_venv} ;;
esac
"""


def install(machine: Machine, name: str, version: str, *, in_range: bool = True, venv: bool = True) -> None:
    machine.install(
        name, FAKE.format(version=version, out_of_range=int(not in_range), without_venv=int(not venv))
    )


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, script="find-python")


def test_first_in_range_is_taken(machine: Machine) -> None:
    install(machine, "python3", "3.9.18", in_range=False)
    install(machine, "python3.12", "3.12.1")
    install(machine, "python3.11", "3.11.7")
    assert machine.find().stdout == "python3.12\n"


def test_one_without_venv_is_passed_over(machine: Machine) -> None:
    install(machine, "python3", "3.11.2", venv=False)
    install(machine, "python3.13", "3.13.0")
    assert machine.find().stdout == "python3.13\n"


@pytest.mark.parametrize("version", ["3.10.13", "3.14.0"])
def test_too_old_or_too_new_is_one_line(machine: Machine, version: str) -> None:
    install(machine, "python3", version, in_range=False)
    found = machine.find()
    assert found.returncode == 1
    assert found.stdout == ""
    assert found.stderr.splitlines() == [
        f"error: Python 3.11, 3.12 or 3.13 is needed (python3 is {version}); "
        "install one, or name it: make PYTHON=/path/to/python3"
    ]


def test_none_at_all_is_one_line(machine: Machine) -> None:
    found = machine.find()
    assert found.returncode == 1
    assert found.stderr.count("\n") == 1
    assert "none found" in found.stderr


def test_missing_venv_is_one_line_that_says_how_to_get_it(machine: Machine) -> None:
    install(machine, "python3", "3.11.2", venv=False)
    found = machine.find()
    assert found.returncode == 1
    assert found.stderr.startswith("error: python3 lacks the venv or ensurepip module; install it")
    assert found.stderr.count("\n") == 1


def test_the_named_one_is_the_only_candidate(machine: Machine) -> None:
    install(machine, "python3", "3.12.1")
    install(machine, "mine", "3.8.1", in_range=False)
    found = machine.find("mine")
    assert found.returncode == 1
    assert "mine is 3.8.1" in found.stderr


def test_the_real_range_is_that_of_the_package() -> None:
    text = (ROOT / "dev" / "find-python").read_text()
    assert "(3, 11) <= sys.version_info[:2] <= (3, 13)" in text
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()
