"""What can be waited for in Robusta."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.protocol.errors import InvalidInput, RunFailed
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.robusta.answer import RUNNING, SUCCEEDED, Status
from airflow_provider_workflows.robusta.api import VENDOR, RobustaApi
from airflow_provider_workflows.robusta.connection import FORM


@dataclass(frozen=True, kw_only=True)
class ProcessSucceeded(Condition):
    """
    The process has ended well.

    The vendor's documentation names WAITING, RUNNING and SUCCEEDED and no word for failure, so any other word
    is taken for one unless the lists say otherwise. Words are compared in upper case.

    :param running_statuses: further words that mean that it goes on
    :param failed_statuses: the only words that mean failure; words in no list are then waited on. None for
        any word that is not known
    :param grace: seconds to look again for a SPID that the server does not know (yet)
    """

    spid: str
    running_statuses: Sequence[str] = ()
    failed_statuses: Sequence[str] | None = None
    grace: float = 10

    hook_class: ClassVar[str] = FORM.hook_class

    @property
    def remote_id(self) -> str:
        """The SPID."""
        return self.spid

    def __str__(self) -> str:
        return f"end of Robusta process {self.spid}"

    def check(self, api: RobustaApi) -> Operation[Pending | Done]:
        """
        Look how it stands.

        :raises RunFailed: it ended otherwise
        :raises NotFound: the server does not know it
        """
        status = yield from api.process_status(self.spid, grace=self.grace)
        if status.word == SUCCEEDED:
            return Done(self.result(status))
        if status.word in (*RUNNING, *self.running_statuses):
            return Pending(status.word)
        if self.failed_statuses is None or status.word in self.failed_statuses:
            raise self._failed(status)
        return Pending(f"{status.word}, a word in none of the lists")

    def result(self, status: Status) -> Any:
        """Return what a successful end amounts to."""
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
            else "; a word that Robusta does not document is taken for failure unless running_statuses has it"
        )
        said = f" (Robusta says: {status.message})" if status.message else ""
        return RunFailed(
            f"Robusta process {self.spid} ended with status {status.word!r}{said}{guess}",
            vendor=VENDOR,
            operation="wait for process",
            code=status.word,
        )


@dataclass(frozen=True, kw_only=True)
class ProcessOutputs(ProcessSucceeded):
    """The process has ended well; the result is its outputs and nothing else."""

    def result(self, status: Status) -> Any:
        """Return the outputs by name, without their prefix."""
        return dict(status.outputs)


def status_words(words: Any, name: str) -> list[str]:
    """
    Return status words in upper case.

    :param name: of the argument, for errors
    :raises InvalidInput: they are no list of words, or SUCCEEDED is among them
    """
    if isinstance(words, str) or not isinstance(words, Sequence):
        raise InvalidInput(f"{name} must be a list of status words, got {words!r}")
    if wrong := [word for word in words if not isinstance(word, str) or not word.strip()]:
        raise InvalidInput(f"{name}: {wrong[0]!r} is no status word")
    plain = [word.strip().upper() for word in words]
    if SUCCEEDED in plain:
        raise InvalidInput(f"{name}: {SUCCEEDED} is the one word that is known to mean success")
    return plain


def word_lists(running: Any, failed: Any) -> dict[str, Any]:
    """
    Return the two lists as arguments of :class:`ProcessSucceeded`.

    :raises InvalidInput: a word is in both, or one that goes on by the vendor's documentation is to fail
    """
    goes_on = status_words(running, "running_statuses")
    fails = None if failed is None else status_words(failed, "failed_statuses")
    if both := sorted({*RUNNING, *goes_on} & {*(fails or ())}):
        raise InvalidInput(f"failed_statuses: {', '.join(both)} cannot mean failure and going on at once")
    return {"running_statuses": goes_on, "failed_statuses": fails}
