"""The Pythons of this machine that the project supports; on the standard library alone."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

SUPPORTED_PYTHONS = ("3.11", "3.12", "3.13")
QUESTION = "import ensurepip, sys, venv; print('%d.%d' % sys.version_info[:2])"


def installed(version: str) -> str | None:
    """
    Return the command of an interpreter that can make environments, or None.

    :param version: release line, such as ``3.12``
    """
    return next((command for command in _candidates(version) if _says(command) == version), None)


def _candidates(version: str) -> Iterator[str]:
    yield f"python{version}"
    # pyenv has a command for each version, which runs only where that version is chosen.
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    for path in sorted(root.glob(f"versions/{version}*/bin/python{version}"), reverse=True):
        yield str(path)


def _says(command: str) -> str | None:
    try:
        asked = subprocess.run([command, "-c", QUESTION], capture_output=True, text=True, check=False)
    except OSError:
        return None
    return asked.stdout.strip() if asked.returncode == 0 else None
