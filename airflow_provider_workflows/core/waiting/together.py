"""
Waits that one request answers together.

The triggers of a triggerer share one event loop. Those that wait on one connection for conditions of one
group are asked in one request; what each then makes of its record, of an error and of the time is its own.
"""

from __future__ import annotations

import asyncio
import contextvars
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

from airflow_provider_workflows.core.runtime.versions import conf
from airflow_provider_workflows.core.waiting.condition import Condition, GroupedCondition
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    InvalidConnection,
    TemporaryError,
    UnreadableAnswer,
    WorkflowError,
)

if TYPE_CHECKING:
    from airflow_provider_workflows.core.connection.hook import AnyHook
    from airflow_provider_workflows.core.waiting.schedule import WaitState

log = logging.getLogger(__name__)

OPTION = "ask_together"
#: Waits that are asked together at the least. A few cost little, and a list call reads more than they need.
FEWEST = 5
#: Part of its pause that a wait has behind it before it is asked along with others.
EARLIEST = 0.5
#: Seconds between two requests for one group, so that waits that come one by one do not each make one.
WINDOW = 0.25
#: Seconds for which a second look waits for others.
COMPANY = 1.0
#: Seconds for which a request for many is repeated: a longer fault may be that of one record.
PATIENCE = 10.0
#: Seconds for which all are asked one by one after a request for many has not helped.
APART = 300.0
#: Groups that a loop has before it forgets those without a wait.
GROUPS = 500
#: Errors that each wait would have got alone: the vendor is down, or lets nobody in.
_OF_ALL = (TemporaryError, AuthenticationFailed, InvalidConnection)


async def next_look(hook: AnyHook, condition: Condition, state: WaitState) -> Any:
    """
    Wait until a condition is to be looked at; at most until ``state.next_look``.

    Asked together are waits whose record the vendor has shown, and whose last look was answered. So a record
    that spoils the request for many does it once. The last look, at the deadline, is always its own.

    :returns: the condition's record, if a request for many has read it, or the error of that request; None if
        the condition is to be asked by itself
    """
    is_answered = state.known and state.silent_since is None
    if isinstance(condition, GroupedCondition) and is_answered and state.next_look < state.deadline:
        groups = _of_loops.setdefault(asyncio.get_running_loop(), {})
        key = (type(hook), hook.conn_id, *condition.group)
        if (group := groups.get(key)) is None:
            for unused in [one for one in groups if not groups[one].is_used] if len(groups) >= GROUPS else ():
                del groups[unused]
            group = groups[key] = Group(hook)
        now = time.time()
        # Those that begin at the same time, as after a restart, wait a moment for one another.
        until = max(state.next_look, now + WINDOW)
        seen = await group.look(condition, earliest=now + EARLIEST * (until - now), until=until)
        if seen is None or isinstance(seen, WorkflowError) or not (pause := condition.unsure(seen)):
            return seen
        earliest = time.time() + pause
        again = await group.look(condition, earliest=earliest, until=earliest + COMPANY)
        # Without an answer, the condition itself looks again.
        return seen if again is None or isinstance(again, WorkflowError) else condition.merged(seen, again)
    await asyncio.sleep(max(0.0, state.next_look - time.time()))
    return None


@dataclass(eq=False, frozen=True)
class _Look:
    """
    A look that is to come.

    :param earliest: Unix time from which on it may be answered along with others
    :param answer: what :func:`next_look` returns
    """

    condition: GroupedCondition
    earliest: float
    answer: asyncio.Future[Any]


class Group:
    """
    The waits of one event loop on one connection whose conditions are of one group.

    :param hook: that of any of these waits; they read the same connection
    """

    def __init__(self, hook: AnyHook) -> None:
        self._hook = hook
        self._looks: dict[_Look, None] = {}
        #: The event loop has only weak references to them.
        self._reads: set[asyncio.Task[None]] = set()
        self._asked = float("-inf")
        self._apart_until = float("-inf" if conf.getboolean("workflows", OPTION, fallback=True) else "inf")

    @property
    def is_used(self) -> bool:
        """Whether a wait is about to be looked at."""
        return bool(self._looks or self._reads)

    async def look(self, condition: GroupedCondition, *, earliest: float, until: float) -> Any:
        """
        Wait for a look at a condition, and return what a request for many brought; None to look alone.

        :param earliest: Unix time from which on it may be answered along with others
        :param until: Unix time at which it is due
        """
        look = _Look(condition, earliest, asyncio.get_running_loop().create_future())
        self._looks[look] = None
        try:
            while look in self._looks:
                pause = until - time.time()
                if pause <= 0 and not self._ask(look):
                    pause = self._asked + WINDOW - time.monotonic()
                if pause > 0:
                    await asyncio.wait((look.answer,), timeout=pause)
            return await look.answer
        finally:
            self._looks.pop(look, None)

    def _ask(self, due: _Look) -> bool:
        """Have a look that is due answered, with all that may come along; return False if it is too soon."""
        date, now = time.time(), time.monotonic()
        along = [due]
        if now >= self._apart_until:
            if now < self._asked + WINDOW:
                return False
            along = [look for look in self._looks if look is due or look.earliest <= date]
        if len(along) < FEWEST:
            del self._looks[due]
            due.answer.set_result(None)
            return True
        self._asked = now
        most = due.condition.most_together
        for start in range(0, len(along), most):
            part = along[start : start + most]
            for look in part:
                del self._looks[look]
            # A task of its own, which no wait's end cancels, and not in the context of one wait, whose log
            # would get its lines.
            reading = asyncio.get_running_loop().create_task(self._read(part), context=contextvars.Context())
            self._reads.add(reading)
            reading.add_done_callback(self._reads.discard)
        return True

    async def _read(self, looks: Sequence[_Look]) -> None:
        """Answer looks by one request."""
        conditions, answers, failed = [look.condition for look in looks], list[Any](), None
        try:
            read_many = conditions[0].read_many
            deadline = time.monotonic() + PATIENCE
            call = self._hook.aread(lambda api: read_many(api, conditions), deadline=deadline, ahead="near")
            found = await call
            answers = [found.get(one.remote_id) for one in conditions]
            missing = answers.count(None)
            # A few of many may be too few for the vendor to show them.
            if 2 * missing > len(looks) > len(self._looks):
                self._ask_apart(f"{missing} of {len(looks)} were missing in the answer")
            log.debug("One request read the records of %d of %d waits", len(looks) - missing, len(looks))
        except UnreadableAnswer as error:
            self._ask_apart(error)  # the fault may be that of one record
        except _OF_ALL as error:
            failed = error
        except Exception as error:
            self._ask_apart(error if isinstance(error, WorkflowError) else type(error).__name__)
        finally:
            for look, answer in zip(looks, answers or [failed] * len(looks), strict=True):
                if not look.answer.done():
                    look.answer.set_result(answer)

    def _ask_apart(self, reason: object) -> None:
        """Have all asked one by one for some time."""
        self._apart_until = time.monotonic() + APART
        log.info(
            "%s: one request for many waits did not help, so each makes its own for %.0f s: %s",
            self._hook.conn_id,
            APART,
            reason,
        )


_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[object, ...], Group]] = WeakKeyDictionary()
