"""The log lines and errors of a notification: what was sent, what was not, and what is in doubt."""

from __future__ import annotations

import logging

from airflow_provider_workflows.core.submission.effect import AnyEffect
from airflow_provider_workflows.core.submission.messages import Messages
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.exceptions import OutcomeUnknown, WorkflowError

log = logging.getLogger(__name__)


class NotificationMessages(Messages):
    """
    The log lines and errors of one notification.

    :param about: what the callback is about
    """

    def __init__(self, effect: AnyEffect, *, about: str) -> None:
        super().__init__(effect)
        self._about = about

    def sending(self, record: Record) -> None:
        """Log that the notification is about to be sent; if the process dies now, a person knows its mark."""
        mark = f" (mark {record.mark})" if self.effect.carries_mark else ""
        log.info("Asking %s to %s, for %s%s", self.words.vendor, self.words.to_do, self._about, mark)

    def done(self, id: object, how: str) -> None:
        """Log that the notification was sent, unless :meth:`found` or :meth:`found_before` did."""
        if how == "sent":
            log.info("%s", self._has_done(id))

    def found(self, id: object) -> None:
        """Log that a look-up found the notification, whose answer was lost."""
        log.warning("%s", self._has_done(id))
        log.warning("The answer was lost, but Airflow found it by its mark")

    def found_before(self, id: object, record: Record) -> None:
        """Log that an earlier run of the callback sent the notification."""
        log.info("%s", self._has_done(id))
        log.info("An earlier run of this callback sent it, so Airflow sends nothing now")

    def lost(self, error: OutcomeUnknown) -> None:
        """Log that the answer was lost."""
        log.warning("%s", error)

    def unsure(self, why: str) -> None:
        """
        Log that the notification is sent although an earlier run of the callback may have sent it.

        Callbacks seldom run twice. If Airflow sent nothing whenever a look-up is not conclusive, it would
        nearly always notify nobody.
        """
        log.warning("Airflow cannot find out whether an earlier run of this callback sent it: %s", why)
        log.warning("Sending it anyway")

    def doubt(self, record: Record, why: str, lost: OutcomeUnknown | None) -> WorkflowError:
        """Return the error for a notification that was sent and has not appeared; without its headline."""
        lost = lost or OutcomeUnknown("The answer was lost")
        return lost.with_message(f"{lost.message}\nAirflow could not find out: {why}")

    def failed(self, what: str) -> str:
        """
        Return the message for a notification that was not sent.

        :param what: what happened, in one or more lines
        """
        return f"{self.words.vendor} has not {self.words.done}, for {self._about}\n{what}"

    def in_doubt(self, what: str, record: Record) -> str:
        """
        Return the message for a notification that may have been sent.

        :param what: what happened, in one or more lines
        """
        return (
            f"{self.words.vendor} may or may not have {self.words.done}, for {self._about}\n"
            f"{what}\n"
            f"Airflow will not send it again\n"
            f"{self.words.search(record)}\n"
            f"If it does not exist, nobody was notified"
        )

    def _has_done(self, id: object) -> str:
        named = "" if id is None else f", id {id}"
        return f"{self.words.vendor} has {self.words.done}{named}, for {self._about}"
