"""Where things live in a checkout. Everything that is made at run time stays below it."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
AIRFLOW_HOMES = ROOT / ".airflow"
EXAMPLE_DAGS = ROOT / "example_dags"


@dataclass(frozen=True, kw_only=True)
class Environment:
    """
    A virtual environment of the project: one Airflow release line, pinned by one constraints file.

    :param airflow: the release line
    :param folder: where it is
    :param extra: which of the package's extras is installed there
    :param lowest: what the package depends on is there in the oldest version promised, and not in the newest
    """

    airflow: str
    folder: Path
    extra: str = "test"
    lowest: bool = False

    @property
    def constraints(self) -> Path:
        return ROOT / "constraints" / f"airflow-{self.airflow}.txt"

    @property
    def python(self) -> Path:
        return self.folder / "bin" / "python"

    @property
    def stamp(self) -> Path:
        return self.folder / "stamp"


#: The supported release lines of Airflow, newest first. The last is tested with the oldest dependencies.
SUPPORTED = ("3.3", "3.2", "3.1")
CURRENT = Environment(airflow=SUPPORTED[0], folder=ROOT / ".venv", extra="dev")
ENVIRONMENTS = {
    CURRENT.airflow: CURRENT,
    **{
        airflow: Environment(
            airflow=airflow, folder=ROOT / f".venv-{airflow}", lowest=airflow == SUPPORTED[-1]
        )
        for airflow in SUPPORTED[1:]
    },
}
OLDEST = ENVIRONMENTS[SUPPORTED[-1]]


def on_python(version: str) -> Environment:
    """
    Return the current Airflow on another Python than the one in ``.venv``.

    :param version: release line of the Python, such as ``3.12``
    """
    folder = CURRENT.folder.with_name(f"{CURRENT.folder.name}-python{version}")
    return replace(CURRENT, folder=folder)


def confined(environment: dict[str, str] | None = None) -> dict[str, str]:
    """
    Process environment in which Python, pip and the like write below the checkout only.

    :param environment: variables to start from; those of this process by default
    """
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    inherited = dict(os.environ if environment is None else environment)
    # Compiled code goes below the checkout, too. Without it, each task of Airflow compiles the package anew.
    inherited.pop("PYTHONDONTWRITEBYTECODE", None)
    return {
        **inherited,
        "TMPDIR": str(temporary),
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"),
        "XDG_CACHE_HOME": str(CACHE / "xdg"),
    }
