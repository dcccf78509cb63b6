"""Which supported Pythons a machine has."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from dev.pythons import installed

THIS = "{}.{}".format(*sys.version_info)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine without any Python."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    return tmp_path


def put(path: Path, program: str) -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\n{program}\n")
    path.chmod(0o755)
    return str(path)


def test_one_on_the_path_is_found(machine: Path) -> None:
    put(machine / "bin" / f"python{THIS}", f'exec "{sys.executable}" "$@"')
    assert installed(THIS) == f"python{THIS}"


def test_none_is_found_where_there_is_none(machine: Path) -> None:
    assert installed(THIS) is None


def test_a_command_that_does_not_run_or_is_another_version_does_not_count(machine: Path) -> None:
    put(machine / "bin" / f"python{THIS}", "exit 127")
    put(machine / "bin" / "python3.99", f'exec "{sys.executable}" "$@"')
    assert installed(THIS) is None
    assert installed("3.99") is None


def test_one_that_pyenv_holds_back_is_found(machine: Path) -> None:
    put(machine / "bin" / f"python{THIS}", "exit 127")
    program = machine / "pyenv" / "versions" / f"{THIS}.7" / "bin" / f"python{THIS}"
    assert installed(THIS) is None
    assert installed(put(program, f'exec "{sys.executable}" "$@"') and THIS) == str(program)
