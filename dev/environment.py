"""
Makes the project's virtual environment, or finds that there is nothing to do.

usage: python -m dev.environment AIRFLOW    AIRFLOW: a release line such as 3.2, "newest" or "oldest"

It runs on the bare Python of the machine, so it uses the standard library alone.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

from dev.layout import CACHE, CURRENT, ENVIRONMENTS, OLDEST, ROOT, Environment, confined
from dev.process import KeptProcess, interruptible, tail
from dev.progress import Progress

DISK_NEED = 1_500_000_000
"""Bytes an environment takes with pip's cache and temporary files; measured, rounded up."""


class SetUpError(Exception):
    """The environment cannot be made; the message is one line for the user."""


def stamp(*, pyproject: str, constraints: str, python: str, checkout: Path) -> str:
    """
    Fingerprint of all that an environment is made from.

    :param pyproject: text of pyproject.toml; only the parts that an installation depends on are considered
    :param constraints: text of the constraints file
    :param python: describes the base interpreter
    :param checkout: the environment's scripts contain its path, so that a moved checkout needs a new one
    """
    project = tomllib.loads(pyproject)
    parts = ("name", "requires-python", "dependencies", "optional-dependencies", "entry-points")
    made_from = {
        "build": project.get("build-system"),
        "project": {part: project["project"].get(part) for part in parts},
        "constraints": constraints,
        "python": python,
        "checkout": str(checkout),
    }
    return hashlib.sha256(json.dumps(made_from, sort_keys=True).encode()).hexdigest()


def current_stamp(environment: Environment) -> str:
    return stamp(
        pyproject=(ROOT / "pyproject.toml").read_text(),
        constraints=environment.constraints.read_text(),
        python=f"{sys.base_prefix} {sys.version}",
        checkout=ROOT,
    )


def is_ready(environment: Environment, *, wanted: str) -> bool:
    """Whether the environment was completed from exactly what the stamp describes."""
    return (
        environment.python.exists() and environment.stamp.exists() and environment.stamp.read_text() == wanted
    )


def require_disk(*, free: int, need: int = DISK_NEED) -> None:
    """
    Refuse to begin what will not fit.

    :param free: bytes free where the checkout is
    :param need: bytes that the environment takes
    :raises SetUpError: if it does not fit
    """
    if free < need:
        raise SetUpError(f"no disk space: {need / 1e9:.1f} GB needed in {ROOT}, {free / 1e9:.1f} GB free")


@contextlib.contextmanager
def only_one(environment: Environment) -> Iterator[None]:
    """Hold off a second set-up of the same environment, say from another terminal."""
    CACHE.mkdir(exist_ok=True)
    with (CACHE / f"{environment.folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            print("waiting for another set-up of this environment to end", flush=True)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def build(environment: Environment) -> None:
    """Make the environment from nothing: what an interrupted or older set-up left is not to be trusted."""
    require_disk(free=shutil.disk_usage(ROOT).free)
    shutil.rmtree(environment.folder, ignore_errors=True)
    log = CACHE / "logs" / f"set-up{environment.folder.name}.log"
    log.unlink(missing_ok=True)
    # The base interpreter: in an activated environment, sys.executable may lie in the folder just removed.
    base = getattr(sys, "_base_executable", sys.executable)
    run([base, "-m", "venv", str(environment.folder)], label="making the virtual environment", log=log)
    run(
        [
            *(str(environment.python), "-m", "pip", "install", "--progress-bar", "off"),
            *("--editable", f".[{environment.extra}]"),
        ],
        label=f"installing Airflow {environment.airflow} and the package",
        log=log,
        environment=pip_environment(environment),
    )


def pip_environment(environment: Environment) -> dict[str, str]:
    """Variables that hold pip to the constraints, in isolated builds as well, and to the environment."""
    constraints = str(environment.constraints.relative_to(ROOT))
    return {
        **confined(),
        "PIP_CONSTRAINT": constraints,
        "PIP_BUILD_CONSTRAINT": constraints,  # takes the former's place in isolated builds from pip 25.3 on
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_INPUT": "1",
        "PIP_USER": "0",
    }


def run(command: list[str], *, label: str, log: Path, environment: dict[str, str] | None = None) -> None:
    """
    Run one step of the set-up and show that it is alive.

    :param command: program and arguments
    :param label: what the step does, for the user
    :param log: file that receives the output
    :param environment: variables of the program
    :raises SetUpError: if the program fails
    """
    process = KeptProcess(command, log=log, environment=environment or confined(), grace=2.0)
    try:
        with Progress(label) as progress:
            while process.exit_code is None:
                progress.show(last_step(log))
            if process.exit_code:
                raise SetUpError(f"{label} failed; the whole log is {log}")
    except SetUpError:
        print(tail(log), file=sys.stderr)
        raise
    finally:
        process.stop()


def last_step(log: Path) -> str:
    """Return what pip says it is doing, in a few words."""
    steps = [
        line for line in tail(log, lines=40).splitlines() if line.startswith(("Collecting", "Installing"))
    ]
    if not steps:
        return ""
    _, collected, packages = steps[-1].partition("Installing collected packages: ")
    if collected:  # the last and longest step, of which pip says nothing more
        return f"unpacking {len(packages.split(', '))} packages"
    # "Collecting NAME", or "Installing build dependencies"
    return " ".join(steps[-1].split()[: 2 if steps[-1].startswith("Collecting") else 3])


def make(environment: Environment) -> int:
    """
    Build an environment unless it is ready, and return the exit code.

    :param environment: which one; on the Python that runs this
    """
    with only_one(environment):
        wanted = current_stamp(environment)
        if is_ready(environment, wanted=wanted):
            return 0
        try:
            build(environment)
        except (SetUpError, OSError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 1
        environment.stamp.write_text(wanted)
    return 0


def named(airflow: str) -> Environment:
    """
    Return the environment of a release line of Airflow.

    :param airflow: such as ``3.2``, or ``newest`` or ``oldest``
    :raises SetUpError: if it is not supported
    """
    known = {"newest": CURRENT, "oldest": OLDEST, **ENVIRONMENTS}
    if airflow not in known:
        raise SetUpError(f"Airflow {airflow} is not supported; choose from {', '.join(ENVIRONMENTS)}")
    return known[airflow]


def main() -> int:
    try:
        environment = named(sys.argv[1] if sys.argv[1:] else "newest")
    except SetUpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return make(environment)


if __name__ == "__main__":
    with interruptible():
        sys.exit(main())
