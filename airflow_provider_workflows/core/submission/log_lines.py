"""The log lines and counters of one task's submission."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from airflow_provider_workflows.core import metrics
from airflow_provider_workflows.core.submission.effect import NotSent, Run, RunState, Unknown
from airflow_provider_workflows.core.submission.record import KEY, Answer, Record
from airflow_provider_workflows.exceptions import OutcomeUnknown, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.submission.effect import AnyEffect, Words

log = logging.getLogger(__name__)


class LogLines:
    """
    Logs what a submission does, and counts it.

    Airflow's log page cuts long lines, so each sentence is a line of its own.
    """

    effect: AnyEffect
    words: Words
    #: The connection's type, for metrics.
    _vendor: str

    def sending(self, record: Record) -> None:
        """Log that the request is about to be sent; if the process dies now, a person knows its mark."""
        words = self.words
        log.info("Asking %s to %s %s (mark %s)", words.vendor, words.verb, words.noun, record.mark)

    def done(self, id: object, how: str) -> None:
        """
        Log the id before it is stored; if the process dies in between, a person still finds it.

        :param how: as in :class:`~.engine.Outcome`
        """
        if how == "sent":
            metrics.SUBMITTED.record(vendor=self._vendor)
        log.info("%s has %s %s, id %s", self.words.vendor, self.words.participle, self.words.noun, id)

    def lost(self, error: OutcomeUnknown) -> None:
        """Log that the answer was lost."""
        metrics.LOST_ANSWERS.record(vendor=self._vendor)
        log.warning("%s may or may not have %s", self.words.vendor, self.words.done)
        log.warning("%s", error)
        log.warning("Checking with %s before anything else is sent", self.words.vendor)

    def found(self, id: object) -> None:
        """Log that a look-up found the result of a request whose answer was lost."""
        metrics.FOUND.record(vendor=self._vendor)
        log.warning(
            "Found after the answer was lost: %s has %s, id %s", self.words.vendor, self.words.done, id
        )
        log.warning("Airflow does not send it again")

    def found_before(self, id: object, record: Record) -> None:
        """Log that a look-up found the result of an earlier attempt before this one sent anything."""
        metrics.ATTACHED.record(vendor=self._vendor)
        log.warning("%s has already %s, id %s", self.words.vendor, self.words.done, id)
        log.warning("It has this task's mark, %s, so Airflow sends nothing", record.mark)
        log.warning(
            "If it belongs to a deleted DAG run with the same run id, clear the task to get a new one"
        )

    def found_refused(self, id: object, error: WorkflowError) -> None:
        """Log that the vendor refused the request because an earlier one succeeded."""
        metrics.FOUND.record(vendor=self._vendor)
        log.warning(
            "%s has already %s, id %s, and refused this request", self.words.vendor, self.words.done, id
        )
        log.warning("%s", error)

    def unsure(self, why: str) -> None:
        """Log that the request is sent although an earlier attempt may have sent it."""
        log.warning(
            "Airflow cannot look up whether %s has already %s: %s", self.words.vendor, self.words.done, why
        )
        log.warning("Sending the request anyway")

    def unanswered(self, error: WorkflowError) -> None:
        """Log that the vendor has not answered a look-up yet."""
        log.warning("%s does not say yet whether it has %s; asking again", self.words.vendor, self.words.done)
        log.warning("%s", error)

    def sending_again(self, result: NotSent | Unknown) -> None:
        """Log why the request is sent again."""
        reason, why = "resubmit", "on_lost_answer is 'resubmit', so it may happen twice"
        if isinstance(result, NotSent):
            reason, why = "absent", result.why
        metrics.SENT_AGAIN.record(vendor=self._vendor, reason=reason)
        log.warning("Asking %s again to %s: %s", self.words.vendor, self.words.to_do, why)

    def expired(self) -> None:
        """Log that the intent was too old to send by, and is recorded again."""
        log.warning("Nothing was sent: the request to %s did not begin in time", self.words.to_do)
        log.warning("Recording the request again before sending it")

    def not_noted(self, error: Exception) -> None:
        """Log that the state store did not record the lost answer."""
        log.warning(
            "Airflow's state store did not record the lost answer (%s); going on", type(error).__name__
        )

    def not_taken_back(self, error: Exception) -> None:
        """Log that the state store still records a request that had no effect."""
        log.warning(
            "Airflow's state store still records a request that had no effect (%s)", type(error).__name__
        )
        log.warning("The next attempt checks with %s whether it has %s", self.words.vendor, self.words.done)

    def attached(self, record: Record, state: RunState) -> None:
        """Log that the task goes on with the result of an earlier attempt."""
        metrics.ATTACHED.record(vendor=self._vendor)
        log.info(
            "%s has already %s, id %s: continuing with it", self.words.vendor, self.words.done, record.id
        )
        if state.run is Run.UNKNOWN:
            log.warning("Its state is unknown, so it counts as running: %s", state.detail)
        log.info("Airflow sends nothing")
        log.info(
            "To send the request again, delete the record %r from this task's state store and clear the task",
            KEY,
        )

    def id_from_person(self, record: Record) -> None:
        """Log that the task uses the id that a person answered, or wrote into the record."""
        if record.answer:
            log.info("Using the id %s, which a person answered", record.id)
        else:
            log.info("Using the id %s, which a person wrote into the record %r", record.id, KEY)

    def unconfirmed(self, record: Record) -> None:
        """Log that the vendor cannot be asked whether it knows the id that a person gave."""
        log.warning("%s does not confirm the id %s, so Airflow believes it", self.words.vendor, record.id)

    def settling(self, seconds: float) -> None:
        """Log why the attempt waits before a person is asked."""
        log.info("Waiting %.0f s before asking a person: the request may still arrive until then", seconds)

    def answered(self, answer: Answer) -> None:
        """Log the answer of a person who was asked, and who gave it."""
        said = f"{answer.verdict or 'unusable'!r}" + (f", id {answer.id!r}" if answer.id else "")
        log.info("The answer is %s (by %s, %s)", said, answer.by or "nobody", answer.at or "just now")

    def sending_after_all(self) -> None:
        """Log that the request is sent again because a person says so."""
        metrics.SENT_AGAIN.record(vendor=self._vendor, reason="person")
        log.warning("Asking %s again to %s, as the answer says", self.words.vendor, self.words.to_do)

    def restarting(self, record: Record, state: RunState) -> None:
        """Log that the request is sent again although an earlier attempt succeeded with it."""
        log.info(
            "%s has %s for an earlier attempt, id %s (state: %s)",
            self.words.vendor,
            self.words.done,
            record.id,
            state.run.value,
        )
        log.info("Sending the request again")

    def moving_on(self, record: Record) -> None:
        """Log that an earlier attempt sent another request."""
        log.info("An earlier attempt sent another request: %s, id %s", record.subject, record.id)
        log.info("This task now asks %s to %s", self.words.vendor, self.words.to_do)

    def changed(self) -> None:
        """Log that the task's values have changed, and that the new ones are not sent."""
        log.warning("The values to send have changed since an earlier attempt sent its request")
        log.warning("This attempt does not send the new values")
