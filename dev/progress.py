"""A sign of life for long steps: a spinner on a terminal, a line now and then elsewhere."""

from __future__ import annotations

import itertools
import sys
import time
from types import TracebackType
from typing import TextIO

FRAMES = "|/-\\"
FRAME_SECONDS = 0.2
LINE_SECONDS = 15.0
WIDTH = 79


class Progress:
    """
    Shows one step of unknown length; a context manager.

    :param label: what the step does
    :param output: where to show it
    """

    def __init__(self, label: str, *, output: TextIO | None = None) -> None:
        self._label = label
        self._output = output or sys.stdout
        self._live = self._output.isatty()
        self._frames = itertools.cycle(FRAMES)
        self._next_line = 0.0

    def __enter__(self) -> Progress:
        self._began = time.monotonic()
        if not self._live:
            self._write(f"{self._label} ...\n")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        outcome = "done" if error is None else "stopped"
        self._write(f"{self._clear()}{self._label}: {outcome} after {self._seconds:.0f} s\n")

    def show(self, detail: str = "") -> None:
        """
        Show that the step is alive, then pause for a moment.

        :param detail: what the step is at
        """
        time.sleep(FRAME_SECONDS)
        text = f"{self._label} ({self._seconds:.0f} s) {detail}"
        if self._live:
            self._write(f"{self._clear()}{next(self._frames)} {text}"[: WIDTH + len(self._clear())])
        elif self._seconds - self._next_line >= LINE_SECONDS:
            self._next_line = self._seconds
            self._write(f"{text}\n")

    @property
    def _seconds(self) -> float:
        return time.monotonic() - self._began

    def _clear(self) -> str:
        return f"\r{' ' * WIDTH}\r" if self._live else ""

    def _write(self, text: str) -> None:
        self._output.write(text)
        self._output.flush()
