"""
The made-up vendor as a distribution of its own: built, installed, found by Airflow and by the sandbox.

What is in this folder beside the tests is its source: ``pyproject.toml``, ``pigeon_post`` and its double,
``pigeon_loft``. Nothing is fetched, since what builds it is installed already.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SOURCE = ("pyproject.toml", "pigeon_post", "pigeon_loft")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder where the distribution is installed, alone."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site-packages")
    for name in SOURCE:
        (shutil.copytree if (HERE / name).is_dir() else shutil.copy)(HERE / name, source / name)
    offline = ("--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check")
    command = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--quiet",
        *offline,
        "--target",
        str(target),
        str(source),
    ]
    subprocess.run(command, check=True)
    return target


def run(installed: Path, tests: Path, folder: Path) -> str:
    """Run tests in a process that finds the distribution, with an Airflow of its own; return what it says."""
    environment = {
        **os.environ,
        "PYTHONPATH": f"{installed}{os.pathsep}{ROOT}",
        "AIRFLOW_HOME": str(folder / "airflow"),
        # As the page says.
        "AIRFLOW__CORE__ALLOWED_DESERIALIZATION_CLASSES": "airflow.* pigeon_post.*",
    }
    options = ["-q", "-p", "no:cacheprovider", "-p", "no:xdist", "--import-mode=importlib"]
    command = [sys.executable, "-m", "pytest", *options, f"--rootdir={folder}", "-c", os.devnull, str(tests)]
    ended = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout.splitlines()[-1]


def test_airflow_and_the_sandbox_know_it(installed: Path, tmp_path: Path) -> None:
    assert run(installed, HERE / "outside" / "check_installed.py", tmp_path).startswith("7 passed")


def test_its_own_tests_pass_as_the_page_shows_them(installed: Path, tmp_path: Path) -> None:
    tests = tmp_path / "test_pigeon_post.py"
    shutil.copy(HERE / "outside" / "own_tests.py", tests)
    assert run(installed, tests, tmp_path).startswith("4 passed")
