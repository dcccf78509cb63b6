"""
What every vendor's notifier has in common.

A notifier serves a task's callbacks, which run in the task's process after the task or, if that has died, in
the DAG processor; a DAG's, which run in the DAG processor; and a deadline's, which run in the triggerer
(``AsyncCallback``) or in a process of the executor's (``SyncCallback``).
"""

from __future__ import annotations

import copy
import datetime as dt
import functools
import json
import time
import uuid
from abc import abstractmethod
from collections.abc import Generator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseNotifier

from airflow_provider_workflows.base.caller import CallsVendor
from airflow_provider_workflows.base.notice import REPEATS, Account, Notice, Sendable
from airflow_provider_workflows.base.occasion import Occasion, occasion_of
from airflow_provider_workflows.base.record import Record, mark_of

if TYPE_CHECKING:
    from airflow.sdk import Context

    from airflow_provider_workflows.base.hook import WorkflowHook

#: Seconds for which an answer is awaited at the most: a callback's time is short.
LONGEST_TIMEOUT = 8.0


class WorkflowNotifier(CallsVendor, BaseNotifier):
    """
    Sends something to a vendor from a callback: once for what the callback is about, and never on doubt.

    A vendor's class sets what :class:`~airflow_provider_workflows.base.caller.CallsVendor` names, and says
    what is sent. What is raised, Airflow logs; it never changes the task or its error.

    :param context: the callback's; Airflow gives it to a deadline's callback
    """

    def __init__(self, *, context: Context | None = None) -> None:
        super().__init__(context)
        self._written: str | None = None

    @abstractmethod
    def thing(self, occasion: Occasion) -> Sendable:
        """
        Return what is to be sent.

        :param occasion: what the callback is about
        :raises InvalidInput: an argument is wrong; the message names it
        """

    @functools.cached_property
    def hook(self) -> WorkflowHook[Any]:
        """The vendor's hook, which awaits no answer for longer than a callback may last."""
        hook = super().hook
        hook.longest_timeout = LONGEST_TIMEOUT
        return hook

    def __call__(self, *args: Any) -> None:
        """
        Send it, as a callback.

        :param args: the callback's context
        """
        context: Context = args[0] if args else self.context
        self._rendered(context).notify(context)

    def __await__(self) -> Generator[Any, Any, None]:
        """Send it on the running event loop, with the context that was given when it was made."""
        return self._rendered(self.context).async_notify(self.context).__await__()

    def notify(self, context: Context) -> None:
        """
        Send it, with its fields as they are.

        :raises OutcomeUnknown: it may have been sent; the message says what to look for
        :raises WorkflowError: it was not sent
        """
        account = self._account()
        with account.kept():
            notice = account.open(self._notice(context, self.hook.namespace))
            account.close(self.hook.run(notice.send, deadline=time.monotonic() + REPEATS))

    async def async_notify(self, context: Context) -> None:
        """Send it on the running event loop; as :meth:`notify`."""
        account = self._account()
        with account.kept():
            notice = account.open(self._notice(context, await self.hook.anamespace()))
            account.close(await self.hook.arun(notice.send, deadline=time.monotonic() + REPEATS))

    def _account(self) -> Account:
        return Account(type(self).__name__)

    def _rendered(self, context: Context) -> WorkflowNotifier:
        """
        Return a copy with its templates rendered.

        The DAG processor calls one object for many runs, so that this one must keep its templates.
        """
        rendered = copy.copy(self)
        rendered.__dict__.pop("hook", None)  # of another connection, if a template names it
        rendered._written = self._as_written()
        with self._account().kept():
            rendered.render_template_fields(context)
        return rendered

    def _notice(self, context: Context, namespace: str) -> Notice:
        occasion = occasion_of(context)
        # By hand, without a run, each call is another.
        about = occasion.parts or (uuid.uuid4().hex,)
        mark = mark_of(
            [namespace, "notice", *about, self._written or self._as_written()],
            names=occasion.names or ("callback",),
        )
        return Notice(self.thing(occasion), Record(mark=mark, generation=0), about=occasion.words)

    def _as_written(self) -> str:
        """
        Return what tells this notifier from others of the same callback: its class, and its fields in the
        DAG file.

        Not as rendered, since a template may render to something else when a callback is run again.
        """
        fields = {name: getattr(self, name) for name in self.template_fields}
        return json.dumps([type(self).__qualname__, fields], default=_kind, skipkeys=True)


def _kind(value: Any) -> str:
    kind = type(value).__qualname__
    # The text of anything else may hold an address in memory, which is another in every process.
    return f"{kind} {value}" if isinstance(value, (Decimal, dt.date, uuid.UUID)) else kind
