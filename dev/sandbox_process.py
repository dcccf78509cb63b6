"""The sandbox as a process of its own."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from dev.layout import confined
from dev.process import KeptProcess, tail

START_SECONDS = 120.0


class SandboxError(Exception):
    """The sandbox does not run; the message says where to look."""


@dataclass(frozen=True)
class RunningSandbox:
    """Where the sandbox listens, and the process that it is."""

    url: str
    process: KeptProcess

    def check_alive(self) -> None:
        """Raise :class:`SandboxError` if the sandbox has ended."""
        if self.process.exit_code is not None:
            raise SandboxError(
                f"the sandbox ended:\n{tail(self.process.log)}\nthe whole log is {self.process.log}"
            )


@contextlib.contextmanager
def running_sandbox(
    folder: Path, *, port: int = 0, processes: Path | None = None
) -> Iterator[RunningSandbox]:
    """
    Run a sandbox, for as long as the context lasts.

    :param folder: where its log is kept
    :param port: where it listens; any free port by default
    :param processes: declaration file; the shipped one by default
    :raises SandboxError: if it does not start
    """
    folder.mkdir(parents=True, exist_ok=True)
    ready = folder / "sandbox.json"
    ready.unlink(missing_ok=True)
    log = folder / "sandbox.log"
    log.unlink(missing_ok=True)
    command = [sys.executable, "-m", "airflow_provider_workflows.sandbox", "--quiet"]
    if processes is not None:
        command += ["--processes", str(processes)]
    process = KeptProcess(
        [*command, "--port", str(port), "--ready-file", str(ready)],
        log=log,
        environment=confined(),
        grace=2.0,
    )
    try:
        yield RunningSandbox(_address(ready, process), process)
    finally:
        process.stop()


def _address(ready: Path, process: KeptProcess) -> str:
    """Wait for the file in which the sandbox says where it listens."""
    deadline = time.monotonic() + START_SECONDS
    while not ready.exists():
        RunningSandbox("", process).check_alive()
        if time.monotonic() > deadline:
            raise SandboxError(
                f"the sandbox did not start in {START_SECONDS:.0f} s; its log is {process.log}"
            )
        time.sleep(0.05)
    return str(json.loads(ready.read_text())["url"])
