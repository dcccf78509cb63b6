"""Several processes that call one account, and what the sandbox counts of them."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_workflows.sandbox.control import Control
from benchmarks.peers.client import HOME
from dev.layout import ROOT, confined

#: Seconds for all processes to import what they need, and to be past their first calls.
START_SECONDS, SETTLE_SECONDS = 120.0, 5.0


@dataclass(frozen=True)
class Used:
    """
    What the sandbox counted in a span of time.

    :param seconds: of the span
    :param counted: requests that the plan let in
    :param refused: requests that it did not
    """

    seconds: float
    counted: int
    refused: int

    def share(self, rate: float) -> float:
        """Return how much of a rate was used, in percent."""
        return 100 * self.counted / (self.seconds * rate)

    @property
    def refused_share(self) -> float:
        """Refused requests, in percent of all."""
        return 100 * self.refused / max(1, self.counted + self.refused)


class Callers:
    """
    Processes that call as often as they are let.

    :param url: of the sandbox's MyBPM
    """

    def __init__(self, url: str, log: Path) -> None:
        self._url = url
        self._log = log
        self._processes: list[subprocess.Popen[str]] = []

    def add(self, count: int, folder: Path, extra: Mapping[str, Any]) -> None:
        """
        Start processes of one machine.

        :param folder: what the processes of the machine share
        :param extra: of their connection
        """
        folder.mkdir(parents=True, exist_ok=True)
        environment = {
            **confined(),
            "AIRFLOW_HOME": str(HOME),
            "AIRFLOW__WORKFLOWS__LIMITS_FOLDER": str(folder),
        }
        given = json.dumps({"url": self._url, "extra": extra})
        with self._log.open("a") as log:
            self._processes += [
                subprocess.Popen(
                    [sys.executable, "-W", "ignore", "-m", "benchmarks.peers.caller", given],
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=log,
                    text=True,
                    cwd=ROOT,
                    env=environment,
                )
                for _ in range(count)
            ]

    def wait_calling(self) -> None:
        """Wait until each has made a call, and a little longer."""
        for process in self._processes:
            assert process.stdout is not None
            # Airflow may print warnings before.
            if not any(line.strip() == "calling" for line in process.stdout):
                raise RuntimeError(f"a caller ended:\n{self._log.read_text()[-2000:]}")
        time.sleep(SETTLE_SECONDS)

    def stop(self) -> list[dict[str, int]]:
        """End all, and return what each has done."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.close()
        told = []
        for process in self._processes:
            assert process.stdout is not None
            lines = process.stdout.read().splitlines()
            told += [json.loads(lines[-1])] if lines else []
            process.wait()
        self._processes.clear()
        return told


@contextlib.contextmanager
def callers(url: str, log: Path) -> Iterator[Callers]:
    """Have processes that call, and leave none behind."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.write_text("")
    made = Callers(url, log)
    try:
        yield made
    finally:
        made.stop()


def watch(control: Control, seconds: float, meanwhile: Callable[[], None] = lambda: None) -> Used:
    """
    Count what the sandbox's MyBPM lets in for so many seconds.

    :param meanwhile: done after a third of them
    """
    began, before = time.monotonic(), _usage(control)
    time.sleep(seconds / 3)
    meanwhile()
    time.sleep(max(0.0, began + seconds - time.monotonic()))
    ended, after = time.monotonic(), _usage(control)
    return Used(ended - began, after[0] - before[0], after[1] - before[1])


def _usage(control: Control) -> tuple[int, int]:
    accounts = control.plan("mybpm")["accounts"].values()
    return sum(one["counted"] for one in accounts), sum(one["refused"] for one in accounts)
