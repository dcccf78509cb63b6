"""Conditions on Robusta processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed
from airflow_provider_workflows.robusta.api.answer import RUNNING, SUCCEEDED, Status
from airflow_provider_workflows.robusta.api.operations import VENDOR, RobustaApi, checked_spid
from airflow_provider_workflows.robusta.connection import FORM


@dataclass(frozen=True, kw_only=True)
class ProcessSucceeded(Condition):
    """
    The process has succeeded.

    The vendor documents the statuses WAITING, RUNNING and SUCCEEDED, but none for failure. Statuses are
    compared in upper case.

    Assumption: any other status means failure, unless the lists say otherwise. Wrong if a wait
    fails while Robusta shows the process as running.

    :param running_statuses: additional statuses that mean that the process is running
    :param failed_statuses: the only statuses that mean failure; the wait continues on a status in neither
        list. None to treat every unknown status as a failure
    :param grace: seconds to repeat the check while the server does not know the SPID (yet)
    :param process: the process's name, if the task knows it: other runs of it take about as long
    """

    spid: str
    running_statuses: Sequence[str] = ()
    failed_statuses: Sequence[str] | None = None
    grace: float = 10
    process: str = ""

    hook_class: ClassVar[str] = FORM.hook_class
    of_run: ClassVar[tuple[str, ...]] = ("spid",)

    @classmethod
    def read(cls, *, spid: str, running_statuses: Any, failed_statuses: Any, grace: float) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        lists = word_lists(running_statuses, failed_statuses)
        return cls(spid=checked_spid(spid), grace=grace, **lists)

    @property
    def remote_id(self) -> str:
        """The SPID."""
        return self.spid

    def __str__(self) -> str:
        return f"the end of Robusta process {self.spid}"

    def check(self, api: RobustaApi) -> Operation[Pending | Done]:
        """
        Check the status.

        :raises RunFailed: the process ended without success
        :raises NotFound: the server does not know the SPID
        """
        status = yield from api.process_status(self.spid, grace=self.grace)
        if status.word == SUCCEEDED:
            return Done(self.result(status))
        if status.word in (*RUNNING, *self.running_statuses):
            return Pending(status.word)
        if self.failed_statuses is None or status.word in self.failed_statuses:
            raise self._failed(status)
        return Pending(f"{status.word}, a status in neither list")

    def result(self, status: Status) -> Any:
        """Return the result of a successful end."""
        return {
            "spid": self.spid,
            "message": status.message,
            "status": status.word,
            "outputs": dict(status.outputs),
        }

    def _failed(self, status: Status) -> RunFailed:
        guess = (
            ""
            if self.failed_statuses is not None
            else ". An undocumented status counts as a failure; if it is not one, add it to running_statuses"
        )
        message = f". Robusta says: {status.message}" if status.message else ""
        return RunFailed(
            f"Robusta process {self.spid} ended with status {status.word!r}{message}{guess}",
            vendor=VENDOR,
            operation="wait for process",
            code=status.word,
        )


@dataclass(frozen=True, kw_only=True)
class ProcessOutputs(ProcessSucceeded):
    """The process has succeeded; the result is only its outputs."""

    def result(self, status: Status) -> Any:
        """Return the outputs by name, without their prefix."""
        return dict(status.outputs)


def status_words(words: Any, name: str) -> list[str]:
    """
    Return statuses in upper case.

    :param name: name of the argument, for errors
    :raises InvalidInput: it is not a list of statuses, or contains SUCCEEDED
    """
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise InvalidInput(f"{name} must be a list of statuses, got {words!r}")
    if wrong := [word for word in words if not isinstance(word, str) or not word.strip()]:
        raise InvalidInput(f"{name}: {wrong[0]!r} is not a status")
    plain = [word.strip().upper() for word in words]
    if SUCCEEDED in plain:
        raise InvalidInput(f"{name}: {SUCCEEDED} means success and cannot be in this list")
    return plain


def word_lists(running: Any, failed: Any) -> dict[str, Any]:
    """
    Return the two lists as arguments of :class:`ProcessSucceeded`.

    :raises InvalidInput: a status is in both, or one that is documented as running is in ``failed``
    """
    goes_on = status_words(running, "running_statuses")
    fails = None if failed is None else status_words(failed, "failed_statuses")
    if both := sorted({*RUNNING, *goes_on} & {*(fails or ())}):
        raise InvalidInput(
            f"failed_statuses: {', '.join(both)} means that the process is running, so it cannot mean failure"
        )
    return {"running_statuses": goes_on, "failed_statuses": fails}
