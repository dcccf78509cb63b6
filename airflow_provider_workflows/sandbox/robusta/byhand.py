"""What people see of a process in the Orchestrator, and do there."""

from __future__ import annotations

from collections.abc import Mapping

from airflow_provider_workflows.sandbox.records import Records, named_newest
from airflow_provider_workflows.sandbox.robusta.scheduler import STOPPED, WAITING, Saved, Scheduler
from airflow_provider_workflows.sandbox.vendor import Action, Command, CommandError, Input, Record

BY_HAND = "Stopped by hand"
_RUN, _STOP = "Run now", "Stop"
#: Where processes wait for a person, and the labels of what can be done.
STOPS: Mapping[str, tuple[str, ...]] = {WAITING: (), "": (_RUN, _STOP)}
_LABELS = {"name": "Process", "worker": "Worker", "schedule": "Schedule"}


def records_of(vendor: str, scheduler: Scheduler) -> Records[Saved]:
    """All processes saved."""
    return Records(
        scheduler.saved,
        lambda saved: _record(vendor, saved),
        lambda saved: _record(vendor, saved, brief=True),
    )


def _record(vendor: str, saved: Saved, *, brief: bool = False) -> Record:
    state = state_of(saved)
    told = {"name": saved.order.name, "worker": saved.order.worker, "schedule": saved.order.quartz_def}
    outputs = {f"__out_{name}": str(value) for name, value in saved.outputs.items()}
    return Record(
        vendor=vendor,
        kind="SPID",
        id=saved.spid,
        state=state,
        standing=() if saved.done else (saved.status,),
        stops=tuple(saved.shown),
        fields={name: value for name, value in told.items() if value} | dict(saved.order.values) | outputs,
        error=saved.message or saved.status if state == "failed" else None,
        actions=() if brief else _actions(saved),
        process=saved.order.name,
        title=next(iter(saved.order.values.values()), ""),
        labels=_LABELS,
        history=() if brief else tuple(saved.history),
    )


def state_of(saved: Saved) -> str:
    """Return the state in the sandbox's words."""
    if saved.done:
        return "finished" if saved.status == "SUCCEEDED" else "failed"
    return "waiting" if saved.status == WAITING else "running"


def _actions(saved: Saved) -> tuple[Action, ...]:
    arguments = {"spid": saved.spid}
    if saved.is_scheduled or (saved.done and not saved.order.run_once):
        return (Action(_RUN, "fire", arguments),)
    if saved.done:
        return ()
    inputs = (
        Input("status", "Status at the end", STOPPED, required=True),
        Input("message", "Message", BY_HAND),
    )
    return (Action(_STOP, "end", arguments, "", inputs, tone="bad"),)


class Desk:
    """The people in front of the Orchestrator."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    @property
    def commands(self) -> Mapping[str, Command]:
        """By name."""
        return {"fire": self.fire, "end": self.end}

    def fire(self, *, spid: str) -> None:
        """Begin a run."""
        saved = self._saved(spid)
        if saved.run and not saved.done:
            raise CommandError(f"process {spid} is running; it can be run again when it has ended")
        self._scheduler.fire(saved)

    def end(
        self,
        *,
        spid: str,
        status: str = STOPPED,
        message: str = BY_HAND,
        values: Mapping[str, str] | None = None,
    ) -> None:
        """End a run; ``values`` may hold ``status`` and ``message``, too."""
        saved = self._saved(spid)
        if saved.done:
            raise CommandError(f"process {spid} has ended")
        given = values or {}
        self._scheduler.end(saved, given.get("status") or status, given.get("message", message))

    def _saved(self, spid: str) -> Saved:
        saved = self._scheduler.saved.get(spid)
        if saved is None:
            raise CommandError(f"no process {spid!r}; {named_newest(self._scheduler.saved)}")
        return saved
