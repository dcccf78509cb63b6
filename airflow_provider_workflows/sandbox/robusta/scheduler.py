"""The Scheduler: what was saved, and its runs."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.robusta.declared import Process
from airflow_provider_workflows.sandbox.robusta.order import Order
from airflow_provider_workflows.sandbox.vendor import Event

WAITING = "WAITING"
# No source names a word for failure or for a stop by hand; these are the double's own.
FAILED = "FAILED"
STOPPED = "STOPPED"


@dataclass
class Saved:
    """
    A process that was saved under a SPID, and where its latest run stands.

    :param known_from: time from which the status call knows it.
    :param shown: status words passed, in order.
    :param history: what happened to it, as people would be told.
    :param run: number of the run, so that what was planned for a stopped one does nothing.
    :param done: whether the run is over.
    """

    spid: str
    order: Order
    process: Process
    known_from: float
    status: str = WAITING
    message: str = ""
    outputs: Mapping[str, Any] = field(default_factory=dict)
    shown: list[str] = field(default_factory=list)
    history: list[Event] = field(default_factory=list)
    run: int = 0
    done: bool = False

    @property
    def is_scheduled(self) -> bool:
        """Whether it waits for its time or a person, and for no robot."""
        return not self.done and self.run == 0 and not self.order.run_immediately


class Scheduler:
    """Saves processes and lets robots run them, as events on the sandbox's clock."""

    def __init__(self, agenda: Agenda, journal: Journal) -> None:
        self.saved: dict[str, Saved] = {}
        self._agenda = agenda
        self._journal = journal

    def save(self, order: Order, process: Process) -> Saved:
        """Save a process: every call saves another one."""
        saved = Saved(str(uuid.uuid4()), order, process, self._agenda.now() + process.appears)
        self.saved[saved.spid] = saved
        self._journal.effect("saved")
        self._tell(saved, "Saved")
        if order.run_immediately:
            self.fire(saved)
        elif order.start_date is not None and order.quartz_def is None:
            self._agenda.after(max(0.0, order.start_date - self._agenda.now()), partial(self.fire, saved))
        # The double has no Quartz: a process with quartzDef runs when a person fires it.
        return saved

    def fire(self, saved: Saved) -> None:
        """Begin a run, unless its time is over."""
        if saved.order.end_date is not None and self._agenda.now() > saved.order.end_date:
            return
        saved.run += 1
        saved.done = False
        saved.status, saved.message, saved.outputs = WAITING, "", {}
        self._agenda.after(saved.process.queued, partial(self._attempt, saved, saved.run, 1))

    def end(self, saved: Saved, status: str, message: str) -> None:
        """End a run as something outside of the process would: a person, a broken robot."""
        saved.run += 1
        self._over(saved, status, message)

    def _attempt(self, saved: Saved, run: int, attempt: int) -> None:
        if saved.run == run:
            self._journal.effect("ran")
            self._phase(saved, run, attempt, 0)

    def _phase(self, saved: Saved, run: int, attempt: int, number: int) -> None:
        if saved.run != run:
            return
        if number < len(saved.process.phases):
            phase = saved.process.phases[number]
            saved.status = phase.status
            saved.shown.append(phase.status)
            self._tell(saved, phase.status)
            self._agenda.after(phase.seconds, partial(self._phase, saved, run, attempt, number + 1))
        elif attempt <= saved.process.failures:
            self._repeat(saved, run, attempt)
        else:
            outputs = {
                name: _filled(value, saved.order.values) for name, value in saved.process.outputs.items()
            }
            self._over(saved, saved.process.ends, saved.process.message, outputs)

    def _repeat(self, saved: Saved, run: int, attempt: int) -> None:
        if attempt > saved.order.retry_count:
            self._over(saved, FAILED, saved.process.message)
        else:
            saved.status = WAITING
            self._tell(saved, f"Failed, tried again: {saved.process.message}".removesuffix(": "))
            self._agenda.after(saved.process.queued, partial(self._attempt, saved, run, attempt + 1))

    def _over(
        self, saved: Saved, status: str, message: str, outputs: Mapping[str, Any] | None = None
    ) -> None:
        saved.status, saved.message, saved.outputs = status, message, outputs or {}
        saved.shown.append(status)
        self._tell(saved, f"{status}: {message}" if message else status)
        saved.done = True

    def _tell(self, saved: Saved, what: str) -> None:
        saved.history.append(Event(self._agenda.now(), what))


def _filled(value: Any, values: Mapping[str, str]) -> Any:
    """Return an output with the parameters in their places; anything but text as it is."""
    if not isinstance(value, str):
        return value
    for name, text in values.items():
        value = value.replace(f"{{{name}}}", text)
    return value
