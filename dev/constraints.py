"""
Resolves the pinned versions of constraints/ anew: the newest set that every supported Python can install; for
the oldest Airflow, what the package itself depends on is the oldest that pyproject.toml promises.

usage: python -m dev.constraints [--airflow 3.2] PYTHON...    one interpreter of each supported version

Each Python resolves for itself; where they agree the pin is plain, where not it carries a marker.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from typing import Any

from dev.environment import SetUpError, run
from dev.layout import CACHE, ENVIRONMENTS, ROOT, Environment, confined
from dev.process import interruptible

HEADER = """\
# What an environment of Airflow {airflow} is made of, on Python {pythons}.
# Made by `make constraints`: do not edit.
"""
OWN_NAME = "airflow-provider-workflows"


def merge(resolved: Mapping[str, Mapping[str, str]]) -> list[str]:
    """
    Constraint lines that hold on every Python.

    :param resolved: for each Python version such as ``3.11``, the version chosen for each package
    """
    lines = []
    for package in sorted({name for versions in resolved.values() for name in versions}):
        pythons: dict[str, list[str]] = {}
        for python, versions in resolved.items():
            if package in versions:
                pythons.setdefault(versions[package], []).append(python)
        if len(pythons) == 1:
            lines.append(f"{package}=={next(iter(pythons))}")
            continue
        for version, where in sorted(pythons.items()):
            marker = " or ".join(f'python_version == "{python}"' for python in where)
            lines.append(f"{package}=={version} ; {marker}")
    return lines


def floors(project: Mapping[str, Any]) -> list[str]:
    """
    Pins of the lower bounds that a package promises to its users.

    :param project: the table ``project`` of its pyproject.toml
    """
    promised = [*project["dependencies"], *project["optional-dependencies"]["sandbox"]]
    return [requirement.replace(">=", "==") for requirement in promised]


def resolve(python: str, environment: Environment) -> dict[str, str]:
    """
    Versions that go together for one release line of Airflow on one Python.

    :param python: command of the interpreter
    :param environment: which release line
    :raises SetUpError: if there is no such interpreter or no such set
    """
    folder = CACHE / "constraints" / version_of(python)
    log = folder.with_suffix(".log")
    if not folder.exists():
        run([python, "-m", "venv", str(folder)], label=f"making a bare environment of {python}", log=log)
    report = folder / "report.json"
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run(
        [
            *(str(folder / "bin" / "python"), "-m", "pip", "install", "--dry-run", "--ignore-installed"),
            *("--only-binary", ":all:", "--report", str(report), f".[{environment.extra}]"),
            f"apache-airflow=={environment.airflow}.*",
            *(floors(pyproject["project"]) if environment.lowest else ()),
            # What the build backend asks for when it installs a checkout in place.
            *(*pyproject["build-system"]["requires"], "editables"),
        ],
        label=f"resolving Airflow {environment.airflow} with {python}",
        log=log,
        environment={**confined(), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_PROGRESS_BAR": "off"},
    )
    installs = json.loads(report.read_text())["install"]
    versions = {
        item["metadata"]["name"].lower().replace("_", "-"): item["metadata"]["version"] for item in installs
    }
    versions.pop(OWN_NAME)
    return versions


def version_of(python: str) -> str:
    """
    Release line of an interpreter, such as ``3.11``.

    :param python: its command
    :raises SetUpError: if it does not run
    """
    question = "import sys; print('%d.%d' % sys.version_info[:2])"
    try:
        return subprocess.run(
            [python, "-c", question], check=True, capture_output=True, text=True
        ).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        raise SetUpError(
            f"{python} does not run; name the interpreters: make constraints PYTHONS='...'"
        ) from None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m dev.constraints")
    parser.add_argument("--airflow", choices=ENVIRONMENTS, help="this release line alone")
    parser.add_argument("pythons", nargs="+", metavar="PYTHON")
    options = parser.parse_args()
    pythons = {version_of(python): python for python in options.pythons}
    for environment in [ENVIRONMENTS[options.airflow]] if options.airflow else ENVIRONMENTS.values():
        resolved = {version: resolve(python, environment) for version, python in pythons.items()}
        header = HEADER.format(airflow=environment.airflow, pythons=", ".join(resolved))
        environment.constraints.write_text(header + "\n".join(merge(resolved)) + "\n")
        print(f"wrote {environment.constraints.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    with interruptible():
        try:
            sys.exit(main())
        except SetUpError as error:
            sys.exit(f"error: {error}")
