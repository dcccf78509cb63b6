"""Starting a process once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import CannotKnow, Run, RunState, Trace
from airflow_provider_workflows.base.effect import Start
from airflow_provider_workflows.protocol.errors import InvalidInput
from airflow_provider_workflows.robusta.api import checked_spid
from airflow_provider_workflows.robusta.conditions import ProcessSucceeded

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.robusta.hook import RobustaHook


class ProcessStart(Start):
    """
    One start of a process.

    :param arguments: of the hook's ``start_process``
    :param recurring: it leaves a schedule, whose status is that of no certain run
    """

    hook: RobustaHook

    def __init__(
        self,
        hook: RobustaHook,
        arguments: Mapping[str, Any],
        *,
        recurring: bool,
        grace: float,
        running_statuses: Sequence[str],
        failed_statuses: Sequence[str] | None,
    ) -> None:
        super().__init__(hook)
        name = arguments["process_name"]
        self.payload = dict(arguments)
        self.subject = f"a run of Robusta process {name}"
        self.hint = f"a run of {name!r} in the Scheduler's list of processes"
        #: Robusta's word at the start; None if an earlier attempt heard it.
        self.message: str | None = None
        self._recurring = recurring
        self._watching: dict[str, Any] = {
            "grace": grace,
            "running_statuses": running_statuses,
            "failed_statuses": failed_statuses,
        }

    def submit(self, record: Record, *, again: bool) -> str:
        """Start it, and return its SPID."""
        started = self.hook.start_process(**self.payload)
        self.message = started.message
        return started.spid

    def look_up(self, record: Record) -> Trace:
        """Robusta has no call that lists or finds processes (vendor's forum, topic 430)."""
        return CannotKnow("Robusta has no call that finds a process without its SPID")

    def state(self, id: str) -> RunState:
        """Return how the process stands; a schedule is alive, since no call can end it."""
        return RunState(Run.ALIVE) if self._recurring else super().state(id)

    def end(self, id: str) -> ProcessSucceeded:
        """Return the condition of its success."""
        return ProcessSucceeded(spid=id, **self._watching)

    def adopt(self, id: Any) -> str:
        """
        Return the SPID that a person has written.

        :raises InvalidInput: it is none, or that of a schedule which Robusta does not know
        """
        spid = checked_spid(id)
        # Of a schedule nothing else asks.
        if self._recurring and (state := super().state(spid)).run is Run.GONE:
            raise InvalidInput(f"The id in the task's state store is no schedule's: {state.detail}")
        return spid
