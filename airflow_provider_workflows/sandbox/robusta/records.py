"""Processes as a person or a test looks at them."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.robusta.scheduler import WAITING, Saved
from airflow_provider_workflows.sandbox.vendor import Action, Record


def record_of(vendor: str, saved: Saved) -> Record:
    """One process that was saved."""
    state = state_of(saved)
    told = {"name": saved.order.name, "worker": saved.order.worker, "schedule": saved.order.quartz_def}
    outputs = {f"__out_{name}": str(value) for name, value in saved.outputs.items()}
    return Record(
        vendor=vendor,
        kind="process",
        id=saved.spid,
        state=state,
        standing=() if saved.done else (saved.status,),
        stops=tuple(saved.shown),
        fields={name: value for name, value in told.items() if value} | dict(saved.order.values) | outputs,
        error=saved.message or saved.status if state == "failed" else None,
        actions=_actions(saved),
    )


def state_of(saved: Saved) -> str:
    """The state in the sandbox's words."""
    if saved.done:
        return "finished" if saved.status == "SUCCEEDED" else "failed"
    return "waiting" if saved.status == WAITING else "running"


def _actions(saved: Saved) -> tuple[Action, ...]:
    arguments = {"spid": saved.spid}
    if saved.is_scheduled or (saved.done and not saved.order.run_once):
        return (Action("Run now", "fire", arguments),)
    return () if saved.done else (Action("Stop", "end", arguments),)
