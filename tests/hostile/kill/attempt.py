"""One attempt in a process of its own, which notes how far it got and can end itself there."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from airflow_provider_workflows.core.runtime.serialization import import_string
from airflow_provider_workflows.core.submission import log_lines
from airflow_provider_workflows.core.submission.terms import Clock, options
from tests.core.harness import TaskInstance
from tests.hostile.kill.store import Store
from tests.system.chaos.variants import vendor_of
from tests.system.chaos.vendor import Variant

#: How much faster than real time an attempt's clocks go, but for the wall clock, which vendors compare with
#: their own: so 60 s to settle take 4 s, and a request may begin for 3.7 s after its intent.
SPEED = 15.0
#: What an attempt notes, in order; the points at which it can be struck.
POINTS = (
    "begun",
    "writing the intent",
    "intent written",
    "sending",
    "answered",
    "writing the id",
    "id written",
)


class FastClock(Clock):
    """Clocks that go faster."""

    def __init__(self) -> None:
        self.monotonic = lambda: SPEED * time.monotonic()
        self.boottime = lambda: SPEED * Clock.boottime()
        self.sleep = lambda seconds: time.sleep(seconds / SPEED)


@dataclass(frozen=True)
class Strike:
    """A signal that an attempt sends itself at a point."""

    signal: signal.Signals
    point: str


class Notes:
    """
    What an attempt notes, one line a point.

    :param pipe: where to
    """

    def __init__(self, pipe: int, strike: Strike | None) -> None:
        self._pipe = pipe
        self._strike = strike

    def note(self, point: str) -> None:
        os.write(self._pipe, f"{point}\n".encode())
        if self._strike is not None and self._strike.point == point:
            strike, self._strike = self._strike, None
            os.kill(os.getpid(), strike.signal)


class NotingStore(Store):
    """A store that notes what is written."""

    notes: Notes

    def set(self, key: str, value: Any, *, retention: Any = None) -> None:
        what = "id" if "id" in value else "intent"
        self.notes.note(f"writing the {what}")
        super().set(key, value, retention=retention)
        self.notes.note(f"{what} written")


class _LogNotes(logging.Handler):
    """Notes what the package logs of a submission."""

    def __init__(self, notes: Notes) -> None:
        super().__init__()
        self._notes = notes

    def emit(self, record: logging.LogRecord) -> None:
        if record.msg.startswith("Asking "):
            self._notes.note("sending")
        elif record.msg.startswith("%s has %s"):
            self._notes.note("answered")


def start(
    variant: Variant, tag: str, *, port: int, number: int, strike: Strike | None, log: Path
) -> tuple[int, int]:
    """
    Begin an attempt in a new process.

    :returns: its process id, and where its notes can be read
    """
    NotingStore(port, tag, number).begin()
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    status = 1
    try:
        os.close(reading)
        with log.open("a") as file:
            os.dup2(file.fileno(), 1)
            os.dup2(file.fileno(), 2)
        print(f"attempt {number}", flush=True)
        _run(variant, tag, NotingStore(port, tag, number), number, Notes(writing, strike))
        status = 0
    except BaseException:
        traceback.print_exc()
    finally:
        with contextlib.suppress(Exception):
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(status)


def _run(variant: Variant, tag: str, store: NotingStore, number: int, notes: Notes) -> None:
    assert variant.how is not None
    store.notes = notes
    log_lines.log.addHandler(_LogNotes(notes))
    how = variant.how
    arguments = {**how.fixed, how.each: how.value(tag, 0), how.conn: f"{vendor_of(variant)}_default"}
    if variant.waits:
        arguments["wait_for_completion"] = False
    operator = import_string(f"airflow_provider_workflows.{how.path}")
    notes.note("begun")
    with options(clock=FastClock()):
        task = operator(task_id="submit", **arguments)
        ti = TaskInstance(dag_id=tag, task_id="submit", try_number=number, max_tries=5)
        print(task.execute({"ti": ti, "task_state_store": store}), flush=True)
