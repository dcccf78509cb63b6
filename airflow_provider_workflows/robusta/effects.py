"""Starting a process once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.submission.effect import (
    LookupResult,
    Run,
    RunState,
    Start,
    Unknown,
    Words,
)
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.robusta.api.operations import checked_spid
from airflow_provider_workflows.robusta.conditions import ProcessSucceeded

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.robusta.api.operations import RobustaApi


class ProcessStart(Start["RobustaApi"]):
    """
    One start of a process.

    :param body: of the call, as :meth:`~.RobustaApi.start_body` returns it
    """

    carries_mark = False
    repeatable = False

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        grace: float = 10,
        running_statuses: Sequence[str] = (),
        failed_statuses: Sequence[str] | None = None,
    ) -> None:
        name = body["name"]
        self.payload = dict(body)
        self.subject = f"a run of Robusta process {name}"
        self.words = Words(
            vendor="Robusta",
            verb="start",
            participle="started",
            noun=f"a run of process {name}",
            look_in="the Scheduler's list of processes in Robusta",
            look_for=f"a run of {name!r} started",
            id="its SPID",
        )
        #: Whether it creates a schedule; Robusta does not say which run the status of a schedule refers to.
        self.recurring = body["runOnce"] == "N"
        #: Robusta's message at the start; None if an earlier attempt got it.
        self.message: str | None = None
        self._watching: dict[str, Any] = {
            "process": name,
            "grace": grace,
            "running_statuses": running_statuses,
            "failed_statuses": failed_statuses,
        }

    def submit(self, api: RobustaApi, record: Record, *, again: bool) -> Operation[str]:
        """Start the process and return its SPID."""
        started = yield from api.start(self.payload)
        self.message = started.message
        return started.spid

    def look_up(self, api: RobustaApi, record: Record) -> Operation[LookupResult]:
        """
        Return Unknown.

        Assumption: no call lists or finds processes; none was found. Wrong if the vendor names
        one.
        """
        yield from ()
        return Unknown("Robusta can find a process only by its SPID")

    def state(self, api: RobustaApi, id: str) -> Operation[RunState]:
        """Return the process's state; a schedule is always alive, because no call can end it."""
        if self.recurring:
            return RunState(Run.ALIVE)
        return (yield from super().state(api, id))

    def end(self, id: str) -> ProcessSucceeded:
        """Return the condition of its success."""
        return ProcessSucceeded(spid=id, **self._watching)

    def check_id(self, api: RobustaApi, id: Any) -> Operation[str]:
        """
        Return the SPID that a person wrote.

        :raises InvalidInput: it is not a SPID, or Robusta does not know the schedule
        """
        spid = checked_spid(id)
        # For a schedule, nothing else asks Robusta.
        if self.recurring and (state := (yield from super().state(api, spid))).run is Run.GONE:
            raise InvalidInput(f"The id in the record is not the SPID of a schedule: {state.detail}")
        return spid
