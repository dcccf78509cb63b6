"""
A notification that a callback sends once, and never sends again while its outcome is unknown.

A callback remembers nothing from one run to the next. So its mark is made from what the callback is about,
and a look-up searches for the mark before anything is sent. The engine is the same as for operators, with
its own terms.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from airflow_provider_workflows.core.notifications.messages import NotificationMessages
from airflow_provider_workflows.core.submission.effect import AnyEffect
from airflow_provider_workflows.core.submission.engine import Engine
from airflow_provider_workflows.core.submission.record import NoStore, Record
from airflow_provider_workflows.core.submission.runner import Runner
from airflow_provider_workflows.core.submission.terms import Terms, current
from airflow_provider_workflows.exceptions import OutcomeUnknown, WorkflowError

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook

log = logging.getLogger(__name__)

#: Seconds from the start in which a refused or failed request may be repeated. Airflow ends a task's process
#: 20 s after the task (``[core] task_success_overtime``), and the process of a DAG file after 50 s
#: (``[dag_processor] dag_file_processor_timeout``), even in the middle of a callback.
REPEATS = 10.0
#: Maximum seconds of one look at the vendor.
LONGEST_LOOK = 10.0
#: Seconds after the beginning of a look in which the request may begin, on what the look showed.
WINDOW = 30.0
#: Seconds before each further look before anything is sent, if a later look may show more.
PAUSES_BEFORE = (1.0, 2.0)
#: Seconds before each look after a lost answer. A request that does not appear may still be under way for
#: longer than a callback may wait. So its outcome stays unknown, and it is never sent again.
PAUSES_AFTER = (1.0, 2.0, 4.0)


def callback_terms(*, marked: bool) -> Terms:
    """
    Return the terms of a callback.

    :param marked: whether the request carries a mark
    """
    return Terms(
        sends=1,
        window=WINDOW if marked else float("inf"),
        look_first=marked,
        pauses_before=PAUSES_BEFORE,
        pauses_after=PAUSES_AFTER,
        longest_look=LONGEST_LOOK,
    )


class Notification(Runner):
    """
    One notification to send.

    :param effect: what to send
    :param hook: the vendor's hook
    :param mark: identifies what the callback is about
    :param about: what that is, for a person
    """

    def __init__(self, effect: AnyEffect, hook: AnyHook, *, mark: str, about: str) -> None:
        self.messages = NotificationMessages(effect, about=about)
        engine = Engine(
            effect,
            callback_terms(marked=effect.carries_mark),
            self.messages,
            new=Record(mark=mark, generation=0),
            clock=current.clock,
        )
        super().__init__(engine, NoStore(), hook, repeats_until=time.monotonic() + REPEATS)

    @property
    def begun(self) -> bool:
        """Whether it may have been sent."""
        return self.store.record is not None and self.store.record.intended_at > 0

    def failure(self, what: str, *, doubt: bool) -> str:
        """
        Return the message for a notification that failed.

        :param what: what happened
        :param doubt: whether it may have been sent all the same
        """
        if doubt:
            return self.messages.in_doubt(what, self.store.record or self.engine.new)
        return self.messages.failed(what)


class FailureLog:
    """
    Logs how a notifier failed, at whatever step.

    :param name: of the notifier, for errors before it is known what it sends
    """

    def __init__(self, name: str) -> None:
        self._name = name
        #: What the notifier sends; None until that is known.
        self.notification: Notification | None = None

    @contextlib.contextmanager
    def logging(self) -> Iterator[None]:
        """
        Log an error in short lines and let it go on.

        Airflow logs what a callback raises, cut to one line. The error changes neither the task nor its own.

        :raises OutcomeUnknown: the notification may have been sent
        :raises WorkflowError: the notification was not sent
        """
        try:
            yield
        except WorkflowError as error:
            told = error.with_message(self._told(error.message, doubt=isinstance(error, OutcomeUnknown)))
            _log(told)
            raise told from None
        except BaseException as error:
            # Not an error of this package: a connection that does not exist, or the end of the process.
            begun = self.notification is not None and self.notification.begun
            _log(WorkflowError(self._told(f"{type(error).__name__}: {error}", doubt=begun)))
            raise

    def _told(self, what: str, *, doubt: bool) -> str:
        if self.notification is None:
            return f"{self._name} has sent nothing\n{what}"
        return self.notification.failure(what, doubt=doubt)


def _log(error: WorkflowError) -> None:
    for line in error.lines():
        log.error("%s", line)
