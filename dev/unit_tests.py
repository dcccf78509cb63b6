"""
Makes an environment and runs the unit tests in it.

usage: python -m dev.unit_tests AIRFLOW [--this-python] [PYTEST-ARGUMENT...]

AIRFLOW is a release line such as 3.2, "newest" or "oldest". Only the environment of the newest has the tools
that the tests of make's own programs need. With --this-python, the Python that runs this gets an environment
of its own, instead of the one in .venv.

It runs on the bare Python of the machine, so it uses the standard library alone.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from dev.environment import SetUpError, make, named
from dev.layout import AIRFLOW_HOMES, CURRENT, ROOT, Environment, confined, on_python
from dev.process import interruptible

#: Many tests wait for a server or a process, so that two cores have time for four at once.
SIDE_BY_SIDE = ("--numprocesses", "4", "--dist", "loadfile", "--no-loadscope-reorder")
#: What tests make's own programs, which run on the newest Airflow with its tools.
OF_CURRENT = ("tests/dev", "tests/system", "tests/browser")
#: What no version of Airflow changes; tests/core/transport tests the versions of the HTTP libraries.
OF_ANY = ("tests/benchmarks", "tests/hostile", "tests/sandbox", "tests/structure")
THIS_PYTHON = "--this-python"


def arguments(environment: Environment) -> list[str]:
    """
    Return what pytest is told in an environment.

    :param environment: which one
    """
    has_tools = environment.extra == CURRENT.extra
    ignored = () if has_tools else (f"--ignore={folder}" for folder in (*OF_CURRENT, *OF_ANY))
    return [*SIDE_BY_SIDE, *ignored]


def become_pytest(environment: Environment, more: Sequence[str]) -> NoReturn:
    """
    Run the unit tests in place of this program.

    :param environment: which one; it is ready
    :param more: further arguments for pytest
    """
    # Airflow writes its settings there when it is imported: releases must not share a home.
    home = AIRFLOW_HOMES / f"unit-tests{environment.folder.name.removeprefix('.venv')}"
    command = [str(environment.python), "-m", "pytest", *arguments(environment), *more]
    os.chdir(ROOT)
    os.execve(command[0], command, {**confined(), "AIRFLOW_HOME": str(home)})


def main() -> int:
    given = sys.argv[1:]
    if not given:
        print((__doc__ or "").strip(), file=sys.stderr)
        return 2
    airflow, *more = given
    try:
        environment = named(airflow)
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    if THIS_PYTHON in more:
        more.remove(THIS_PYTHON)
        environment = on_python(f"{sys.version_info.major}.{sys.version_info.minor}")
    with interruptible():
        failed = make(environment)
    return failed or become_pytest(environment, more)


if __name__ == "__main__":
    sys.exit(main())
