"""The errors of one task's submission: what happened, what is known, and what to do now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.submission.log_lines import LogLines
from airflow_provider_workflows.core.submission.record import KEY, Answer, Record
from airflow_provider_workflows.exceptions import (
    InvalidInput,
    LostTrack,
    OutcomeUnknown,
    RunFailed,
    TemporaryError,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.effect import AnyEffect

#: How a person confirms that the vendor did what it was asked to.
CONFIRM = (
    f'write {{id}} as "id" into the record {KEY!r} in this task\'s state store and clear the task,\n'
    "or mark the task as success"
)
#: How a person starts over.
RESET = f"delete the record {KEY!r} from this task's state store and clear the task"
#: How a task sends again by itself.
RESUBMIT = "To let Airflow send again by itself after a lost answer, set on_lost_answer='resubmit'"
#: How a person settles a doubt.
ADVICE = f"If it exists, {CONFIRM}\nIf it does not exist, {RESET}\n{RESUBMIT}"
#: The same before Airflow 3.3, where there is no record.
ADVICE_WITHOUT_STORE = (
    "If it exists, mark the task as success\n"
    "If it does not exist, clear the task\n"
    "To let Airflow send again by itself after a lost answer, set on_lost_answer='resubmit'"
)
#: The same if a person is asked.
ADVICE_TO_ASK = "A person answers that in Airflow, under Required Actions of this task"
#: Why there is no retry without a record.
NO_RETRY = "Airflow will not retry: a retry could send it again"
#: How a person goes on after a run that failed.
RERUN_ADVICE = (
    "With on_failed_run='rerun', the task's next attempt starts another run\n"
    "To start another run now, clear the task"
)
#: The same before Airflow 3.3, for a run that carries a mark.
RERUN_ADVICE_WITHOUT_STORE = (
    "Airflow will not retry: before Airflow 3.3, a retry would find this run again by its mark\n"
    "To start another run, clear the task"
)


class Messages(LogLines):
    """
    The log lines, counters and errors of one task's submission.

    :param advice: how a person settles a doubt; ``{id}`` in it becomes the vendor's word for the id
    :param is_remembered: whether a retry knows of a doubt, or does no harm without knowing
    :param vendor: the connection's type, for metrics
    """

    def __init__(
        self, effect: AnyEffect, *, advice: str = ADVICE, is_remembered: bool = True, vendor: str = ""
    ) -> None:
        self.effect = effect
        self.words = effect.words
        self._vendor = vendor
        self._advice = advice.format(id=self.words.id)
        self._is_remembered = is_remembered

    def doubt(self, record: Record, why: str, lost: OutcomeUnknown | None) -> WorkflowError:
        """
        Return the error that leaves a doubt to a person.

        :param why: why the vendor cannot tell
        :param lost: how this attempt lost the answer; None if an earlier one did
        """
        lost = lost or OutcomeUnknown("an earlier attempt ended without a result")
        unless = ", unless a person says so" if self._advice == ADVICE_TO_ASK else ""
        return lost.with_message(
            f"{self._may_have}: {reason(lost)}\n"
            f"Airflow could not find out: {why}\n"
            f"Airflow will not send it again{unless}\n"
            f"{self.words.search(record)}\n"
            f"{self._advice}"
        )

    def asking(self, record: Record, error: Exception) -> list[str]:
        """Return what a person who is asked must know, in short lines; the question itself has none."""
        refused = f"The answer was not accepted: {error}\n{self._may_have}\n{self.words.search(record)}"
        told = error if isinstance(error, WorkflowError) else WorkflowError(refused)
        sent = f"Mark: {record.mark}; fingerprint of what is sent: {record.payload or 'unknown'}"
        return [*told.lines(), sent]

    def given_up(self, record: Record, answer: Answer) -> WorkflowError:
        """Return the error for a doubt on which a person has given up, or nobody has answered."""
        why = f"{answer.by} gave up on the question" if answer.by else "nobody answered in time"
        return OutcomeUnknown(
            f"{self._may_have}: {why}\n"
            f"Airflow will not send it again\n"
            f"{self.words.search(record)}\n"
            f"To be asked again, clear the task"
        )

    def lost_track(self, message: str) -> WorkflowError:
        """
        Return the error for a doubt that the task's next attempt can settle.

        :param message: one or more lines
        """
        if self._is_remembered:
            return LostTrack(f"{message}\nA retry asks again")
        # A retry would not know of the doubt, and would send.
        return OutcomeUnknown(f"{message}\n{NO_RETRY}\n{self._advice}")

    def sent_in_vain(self, sends: int, why: str) -> WorkflowError:
        """Return the error for requests that never arrive."""
        return self.lost_track(f"{self.words.vendor} has not {self.words.done} after {sends} requests: {why}")

    def silent(self, record: Record, error: WorkflowError) -> WorkflowError:
        """Return the error for a vendor that does not answer a look-up."""
        return self.lost_track(
            f"{self._may_have}: the answer was lost, and {self.words.vendor} does not answer now\n"
            f"Last failure: {error.message}\n"
            f"Airflow sends nothing\n"
            f"{self.words.search(record)}"
        )

    def not_written(self, record: Record, error: Exception) -> WorkflowError:
        """Return the error for an intent that the store did not take, while an earlier one is in doubt."""
        return self.lost_track(
            f"Nothing was sent: Airflow's state store did not record the request ({type(error).__name__})\n"
            f"An earlier request may or may not have taken effect\n"
            f"{self.words.search(record)}"
        )

    def not_kept(self, record: Record, error: Exception) -> WorkflowError:
        """Return the error for an id that the store did not take."""
        return OutcomeUnknown(
            f"{self.words.vendor} has {self.words.done}, id {record.id}, but Airflow did not save the id\n"
            f"Airflow's state store failed ({type(error).__name__})\n"
            f"Airflow will not retry: a retry would not know that id\n"
            f"To continue, {CONFIRM.format(id='that id')}"
        )

    def not_begun(self) -> WorkflowError:
        """Return the error for a request that did not begin in time."""
        return TemporaryError(
            f"Nothing was sent: the request to {self.words.to_do} did not begin in time\n"
            "This happens, for example, on a machine that was suspended"
        )

    def refused_in_doubt(self, record: Record, error: WorkflowError) -> WorkflowError:
        """Return the error for a refusal, or that nothing was sent, while an earlier request is in doubt."""
        return error.with_message(
            f"{error.message}\n"
            f"An earlier request may or may not have taken effect\n"
            f"{self.words.search(record)}"
        )

    def other_doubt(self, record: Record) -> WorkflowError:
        """Return the error for a doubt about another request than this task wants to send."""
        return OutcomeUnknown(
            f"An earlier attempt sent another request, which may have taken effect: {record.subject}\n"
            f"{self._wants(record)}\n"
            f"Airflow sends nothing\n"
            f"Check {self.words.vendor} for {record.subject} {record.moment},\n"
            f"with the mark {record.mark!r} if it takes one\n"
            f"Once you know, {RESET}"
        )

    def other_done(self, record: Record) -> WorkflowError:
        """Return the error for a task that has done something else than it wants now."""
        return InvalidInput(
            f"An earlier attempt sent another request, which succeeded: {record.subject}, id {record.id}\n"
            f"{self._wants(record)}\n"
            f"Airflow sends nothing\n"
            f"If you want both requests, {RESET}"
        )

    def unknown_id(self, record: Record, detail: str) -> WorkflowError:
        """
        Return the error for an id that a person wrote and the vendor does not know.

        :param detail: what the vendor says
        """
        return InvalidInput(
            f"{self.words.vendor} does not know the id {record.id!r}: {detail}\n"
            f"{_origin(record)}\n"
            f"Airflow sends nothing" + ("" if record.answer else "\nCorrect the id and clear the task")
        )

    def unchecked_id(self, record: Record, error: WorkflowError) -> WorkflowError:
        """Return the error for an id that a person wrote and that the vendor could not be asked about."""
        return error.with_message(
            f"Airflow could not check the id {record.id!r} with {self.words.vendor}: {error.message}\n"
            f"{_origin(record)}\n"
            f"Airflow sends nothing"
        )

    def gone(self, record: Record, detail: str) -> WorkflowError:
        """Return the error for a run that an earlier attempt started and the vendor does not know."""
        return LostTrack(
            f"{self.words.vendor} does not know {record.id} ({self.words.noun}): {detail}\n"
            f"An earlier attempt started it\n"
            f"It may have been deleted there, or {self.words.vendor} is down and a gateway answers instead\n"
            f"Airflow sends nothing; a retry asks again\n"
            f"If you are sure that the run has ended, {RESET} to start another run"
        )

    def ended_badly(self, record: Record, detail: str) -> WorkflowError:
        """Return the error for a run that an earlier attempt started and that failed."""
        return RunFailed(
            f"The run that an earlier attempt started has failed: {record.id} ({self.words.noun})\n"
            f"{self.words.vendor} reports: {detail}\n"
            f"Airflow sends nothing\n"
            f"{RERUN_ADVICE}"
        )

    @property
    def _may_have(self) -> str:
        return f"{self.words.vendor} may or may not have {self.words.done}"

    def _wants(self, record: Record) -> str:
        if self.effect.subject == record.subject:
            return "This task's connection now leads to another server or account"
        return f"This task now asks {self.words.vendor} to {self.words.to_do}"


def reason(error: WorkflowError) -> str:
    """Return an error's message to follow a colon."""
    text = error.message.removesuffix(". It may have taken effect")
    return text[0].lower() + text[1:] if text.startswith(("The ", "An ", "A ", "No ")) else text


def goes_on(effect: AnyEffect, record: Record | None) -> str:
    """Return what goes on at the vendor when a task is killed, in one or more lines."""
    words = effect.words
    if record is None:
        return f"Nothing was sent: Airflow did not ask {words.vendor} to {words.to_do}"
    if record.id is None:
        return (
            f"{words.vendor} may or may not have {words.done}: the request may be under way\n"
            f"{words.search(record)}\n"
            f"A new attempt looks for it before it sends anything"
        )
    if not effect.begins_run:
        return f"{words.vendor} has {words.done}, id {record.id}"
    return (
        f"{record.id} ({words.noun}) continues at {words.vendor}\n"
        f"Airflow cannot cancel it there, and sends nothing\n"
        f"See {words.look_in}"
    )


def _origin(record: Record) -> str:
    """Return who gave an id."""
    if record.answer:
        return f"{record.answer.get('by') or 'A person'} answered this id"
    return f"A person wrote this id into the record {KEY!r} in this task's state store"
