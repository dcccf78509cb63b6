"""A machine with nothing on its PATH but made-up programs, for the scripts that find programs."""

from __future__ import annotations

import subprocess
from pathlib import Path

from dev.layout import ROOT


class Machine:
    """
    The machine.

    :param folder: where its programs are
    :param script: of ``dev/``, that finds one of them
    """

    def __init__(self, folder: Path, *, script: str) -> None:
        self.folder = folder
        self._script = script

    def install(self, name: str, program: str = "#!/bin/sh\n") -> None:
        (file := self.folder / name).write_text(program)
        file.chmod(0o755)

    def find(self, *commands: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["/bin/sh", str(ROOT / "dev" / self._script), *commands],
            env={"PATH": str(self.folder)},
            capture_output=True,
            text=True,
            check=False,
        )
