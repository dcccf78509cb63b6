"""
What every vendor's notifier has in common.

A notifier serves three kinds of callbacks. A task's callbacks run in the task's process after the task or, if
that process has died, in the DAG processor. A DAG's callbacks run in the DAG processor. A deadline's run in
the triggerer (``AsyncCallback``) or in a process of the executor (``SyncCallback``).
"""

from __future__ import annotations

import copy
import datetime as dt
import json
import uuid
from abc import abstractmethod
from collections.abc import Generator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.core.notifications.callback_subject import CallbackSubject, subject_of
from airflow_provider_workflows.core.notifications.notification import FailureLog, Notification
from airflow_provider_workflows.core.submission.effect import AnyEffect
from airflow_provider_workflows.core.submission.record import mark_of
from airflow_provider_workflows.core.tasks.task import HookMixin

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.core.connection.hook import AnyHook

#: Maximum seconds to wait for an answer, because a callback has little time.
LONGEST_TIMEOUT = 8.0


class WorkflowNotifier(HookMixin, BaseNotifier):
    """
    Sends something to a vendor from a callback, once for each subject of the callback.

    If it may have been sent already, it is not sent again. A vendor's class sets the attributes that
    :class:`~airflow_provider_workflows.core.tasks.task.HookMixin` names, and returns the effect.
    Airflow logs the errors of a notifier; they never change the task or its own error.

    :param context: of the callback; Airflow passes it to a deadline's callback
    """

    def __init__(self, *, context: Context | None = None) -> None:
        super().__init__(context)
        self._written: str | None = None

    @abstractmethod
    def effect(self, subject: CallbackSubject) -> AnyEffect:
        """
        Return what to send.

        :param subject: what the callback is about
        :raises InvalidInput: an argument is invalid; the message names it
        """

    @cached_property
    def hook(self) -> AnyHook:
        """The vendor's hook, with a timeout that fits a callback."""
        hook = super().hook
        hook.longest_timeout = LONGEST_TIMEOUT
        return hook

    def __call__(self, *args: Any) -> None:
        """
        Send the notification, as a callback.

        :param args: the callback's context
        """
        context: Context = args[0] if args else self.context
        self._rendered(context).notify(context)

    def __await__(self) -> Generator[Any, Any, None]:
        """Send the notification on the running event loop, with the context that the constructor got."""
        return self._rendered(self.context).async_notify(self.context).__await__()

    def notify(self, context: Context) -> None:
        """
        Send the notification, without rendering its fields.

        :raises OutcomeUnknown: it may have been sent; the message says where to look
        :raises WorkflowError: it was not sent
        """
        failures = self._failures()
        with failures.logging():
            failures.notification = self._notification(context, self.hook.namespace)
            failures.notification.run()

    async def async_notify(self, context: Context) -> None:
        """Do the same as :meth:`notify`, on the running event loop."""
        failures = self._failures()
        with failures.logging():
            failures.notification = self._notification(context, await self.hook.anamespace())
            await failures.notification.arun()

    def _failures(self) -> FailureLog:
        return FailureLog(type(self).__name__)

    def _rendered(self, context: Context) -> WorkflowNotifier:
        """
        Return a copy with rendered templates.

        The DAG processor calls one object for many runs, so this object must keep its templates.
        """
        rendered = copy.copy(self)
        rendered.__dict__.pop("hook", None)  # a template may name another connection
        rendered._written = self._as_written()
        with self._failures().logging():
            rendered.render_template_fields(context)
        return rendered

    def _notification(self, context: Context, namespace: str) -> Notification:
        subject = subject_of(context)
        # Without a run, as when a person calls the notifier, each call sends another notification.
        parts = subject.parts or (uuid.uuid4().hex,)
        mark = mark_of(
            [namespace, "notice", *parts, self._written or self._as_written()],
            names=subject.names or ("callback",),
        )
        return Notification(self.effect(subject), self.hook, mark=mark, about=subject.description)

    def _as_written(self) -> str:
        """
        Return what identifies this notifier among others of the same callback: its class, and its fields as
        the DAG file has them.

        The rendered fields would not do: a template may render differently when a callback runs again.
        """
        fields = {name: getattr(self, name) for name in self.template_fields}
        return json.dumps([type(self).__qualname__, fields], default=_kind, skipkeys=True)


def _kind(value: Any) -> str:
    kind = type(value).__qualname__
    # The text of other values may contain a memory address, which differs between processes.
    return f"{kind} {value}" if isinstance(value, (Decimal, dt.date, uuid.UUID)) else kind
