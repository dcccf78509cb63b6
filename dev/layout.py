"""Where things live in a checkout. Everything that is made at run time stays below it."""

from __future__ import annotations

import os
from dataclasses import dataclass
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
    extra: str = "dev"
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


CURRENT = Environment(airflow="3.3", folder=ROOT / ".venv")
OLDEST = Environment(airflow="3.1", folder=ROOT / ".venv-3.1", extra="test", lowest=True)
ENVIRONMENTS = {environment.airflow: environment for environment in (CURRENT, OLDEST)}


def confined(environment: dict[str, str] | None = None) -> dict[str, str]:
    """
    Process environment in which Python, pip and the like write below the checkout only.

    :param environment: variables to start from; those of this process by default
    """
    temporary = CACHE / "tmp"
    temporary.mkdir(parents=True, exist_ok=True)
    return {
        **(os.environ if environment is None else environment),
        "TMPDIR": str(temporary),
        "PIP_CACHE_DIR": str(CACHE / "pip"),
        "PYTHONPYCACHEPREFIX": str(CACHE / "pycache"),
        "XDG_CACHE_HOME": str(CACHE / "xdg"),
    }
