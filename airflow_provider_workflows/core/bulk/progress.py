"""How far a task for many records is: in its log, and as a bar in a terminal."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from dataclasses import replace
from typing import Any

from airflow_provider_workflows.core.bulk.table.results import Counts, RecordResult

#: Seconds between two lines in the log, and between two looks at the bar.
LINE = 15.0
BAR = 0.5


class Progress:
    """
    Tells how many records have ended.

    :param log: the task's logger
    :param total: how many records there are; None as long as nobody knows
    """

    def __init__(self, log: Any, *, total: int | None = None) -> None:
        self._log = log
        self.total = total
        self.counts = Counts()
        self._began_with = 0
        self._began = time.monotonic()

    def begin(self, counts: Counts) -> None:
        """Begin with what earlier attempts did."""
        self.counts = replace(counts)
        self._began_with, self._began = counts.records, time.monotonic()
        if counts.records:
            self._log.info("Continuing after %d records of earlier attempts", counts.records)

    def count(self, result: RecordResult) -> None:
        """Count a record that has ended."""
        self.counts.add(result)

    async def keep_telling(self) -> None:
        """Log at a steady pace, until cancelled."""
        with self._bar() as move:
            next_line = time.monotonic() + LINE
            while True:
                await asyncio.sleep(BAR)
                move()
                if time.monotonic() >= next_line:
                    next_line += LINE
                    self._log.info("%s", self.line())

    def line(self) -> str:
        """Return one line that says how far the task is."""
        counts = self.counts
        of = f" of {self.total:,}" if self.total is not None else ""
        parts = [f"{counts.records:,}{of} records: {counts.done:,} done"]
        parts += [
            f"{number:,} {name}"
            for name in ("rejected", "unknown", "skipped")
            if (number := vars(counts)[name])
        ]
        rate = (counts.records - self._began_with) / max(0.001, time.monotonic() - self._began)
        parts.append(f"{rate:,.1f} a second")
        if self.total is not None and rate > 0 and self.total > counts.records:
            parts.append(f"{_duration((self.total - counts.records) / rate)} left")
        return ", ".join(parts)

    @contextlib.contextmanager
    def _bar(self) -> Any:
        """Show a bar if a person looks at a terminal, as with ``dag.test()``."""
        if not sys.stderr.isatty():
            yield lambda: None
            return
        try:
            from rich.console import Console
            from rich.progress import Progress as Bar
        except ImportError:
            yield lambda: None
            return
        with Bar(console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("records", total=self.total)
            yield lambda: bar.update(
                task, completed=self.counts.records, total=self.total, description=self.line()
            )


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = seconds / 60
    return f"{minutes:.0f} min" if minutes < 90 else f"{minutes / 60:.1f} h"
