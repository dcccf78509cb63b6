"""
What the package counts and times, in Airflow's own metrics.

Every metric is declared here, and documented by what is declared. A metric's tags are names of a small set:
never an id, a path or anything that a user has written. Counting never fails a task, and never makes an event
loop wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import logging
import os
import re
import threading
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, ParamSpec

from airflow_provider_workflows.core.protocol.operation import Sending
from airflow_provider_workflows.core.runtime.versions import stats
from airflow_provider_workflows.exceptions import (
    ConnectionFailed,
    OutcomeUnknown,
    ServiceUnavailable,
    Throttled,
    UnreadableAnswer,
    WorkflowError,
)

log = logging.getLogger(__name__)


P = ParamSpec("P")


def _soon(count: Callable[P, None]) -> Callable[P, None]:
    """Return what counts now, or soon in a thread if this is an event loop, for which it is too much work."""

    @functools.wraps(count)
    def counted(*args: P.args, **kwargs: P.kwargs) -> None:
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            count(*args, **kwargs)
            return
        _waiting.append(functools.partial(count, *args, **kwargs))
        if not _gathering.is_set():
            _gathering.set()
            with contextlib.suppress(RuntimeError):  # the interpreter is ending
                _sender().submit(_send_waiting)

    return counted


@dataclass(frozen=True, kw_only=True)
class Metric:
    """
    One metric, as Airflow's backends show it behind their prefix.

    :param name: lower-case words joined by dots and underscores
    :param kind: a ``counter``, or a ``timer`` in milliseconds
    :param tags: which tags it has; a StatsD server that is not told to take tags sees the name alone
    :param meaning: what it counts, for the documentation
    """

    name: str
    kind: Literal["counter", "timer"] = "counter"
    tags: tuple[str, ...] = ("vendor",)
    meaning: str

    @_soon
    def record(self, seconds: float = 0.0, **tags: str) -> None:
        """
        Count one more, or record a duration; from a thread on an event loop.

        :param seconds: the duration, for a timer
        :param tags: those that are declared are sent, in characters that every backend takes
        """
        known = {name: _plain(tags[name]) for name in self.tags if tags.get(name)}
        try:
            if self.kind == "counter":
                stats().incr(self.name, tags=known)
            else:
                stats().timing(self.name, timedelta(seconds=max(0.0, seconds)), tags=known)
        except Exception as error:
            log.debug("A metric was not sent: %s", error)


_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]")
#: Characters of a tag. Airflow drops a metric whose name has more than 250 together with all tags.
_LONGEST = 50


@functools.lru_cache(maxsize=256)  # of a small set, each of which thousands of requests have
def _plain(tag: str) -> str:
    return _UNUSUAL.sub("_", tag)[:_LONGEST]


REQUESTS = Metric(
    name="workflows.requests",
    tags=("vendor", "operation", "outcome"),
    meaning="requests sent, repetitions included",
)
REQUEST_DURATION = Metric(
    name="workflows.request_duration",
    kind="timer",
    tags=("vendor", "operation"),
    meaning="from sending a request to its answer, or to giving it up",
)
RETRIES = Metric(
    name="workflows.retries",
    tags=("vendor", "operation"),
    meaning="requests that failed temporarily and are sent again within the attempt",
)
THROTTLED = Metric(
    name="workflows.throttled",
    tags=("vendor", "operation"),
    meaning="requests that the vendor refused because there were too many",
)
LIMITED = Metric(
    name="workflows.limited",
    kind="timer",
    meaning="waits of requests for their turn within the rate of the account's plan",
)
SUBMITTED = Metric(
    name="workflows.submitted", meaning="once-only requests that were answered with the vendor's id"
)
LOST_ANSWERS = Metric(
    name="workflows.lost_answers",
    meaning="once-only requests that were sent and whose answer is lost; a look-up follows",
)
FOUND = Metric(
    name="workflows.found", meaning="look-ups that found at the vendor what was sent; nothing is sent again"
)
SENT_AGAIN = Metric(
    name="workflows.sent_again",
    tags=("vendor", "reason"),
    meaning="once-only requests sent again: `absent` if that is safe, `resubmit` if the user allowed it, "
    "`person` if a person who was asked said so",
)
DOUBTS = Metric(
    name="workflows.doubts",
    meaning="tasks that failed, or ask a person, because a request's outcome is unknown",
)
ATTACHED = Metric(
    name="workflows.attached",
    meaning="attempts that continued with what an earlier attempt started; nothing is sent",
)
RECORDS = Metric(
    name="workflows.records",
    tags=("vendor", "outcome"),
    meaning="records of tasks for many records that have ended: `done`, `rejected`, `unknown` or `skipped`",
)
LOOKS = Metric(
    name="workflows.looks",
    tags=("vendor", "outcome"),
    meaning="checks of waiting tasks",
)
TOGETHER = Metric(
    name="workflows.looks_together",
    meaning="checks among these whose record one request read together with others",
)
WAIT_DURATION = Metric(
    name="workflows.wait_duration",
    kind="timer",
    tags=("vendor", "outcome"),
    meaning="from a wait's first look, in whatever attempt, to its end",
)
LOST_TRACK = Metric(
    name="workflows.lost_track",
    meaning="waits that failed because the vendor gave no answer for longer than `tolerance`",
)
TIMED_OUT = Metric(name="workflows.timed_out", meaning="waits whose `timeout` has passed")

METRICS = (
    REQUESTS,
    REQUEST_DURATION,
    RETRIES,
    THROTTLED,
    LIMITED,
    SUBMITTED,
    LOST_ANSWERS,
    FOUND,
    SENT_AGAIN,
    DOUBTS,
    ATTACHED,
    RECORDS,
    LOOKS,
    TOGETHER,
    WAIT_DURATION,
    LOST_TRACK,
    TIMED_OUT,
)

#: The tag ``outcome`` of a request, by the error that it amounts to; any other is ``refused``.
OUTCOMES: dict[type[WorkflowError], str] = {
    Throttled: "throttled",
    ConnectionFailed: "unreachable",
    ServiceUnavailable: "unavailable",
    UnreadableAnswer: "unreadable",
    OutcomeUnknown: "lost",
}


@_soon
def observe(vendor: str, sending: Sending) -> None:
    """Count one sending of a request."""
    operation, error = sending.request.operation, sending.error
    outcome = "answered" if error is None else _outcome(error)
    REQUESTS.record(vendor=vendor, operation=operation, outcome=outcome)
    REQUEST_DURATION.record(sending.seconds, vendor=vendor, operation=operation)
    if sending.repeated:
        RETRIES.record(vendor=vendor, operation=operation)
    if isinstance(error, Throttled):
        THROTTLED.record(vendor=vendor, operation=operation)


def _outcome(error: WorkflowError) -> str:
    return next((name for kind, name in OUTCOMES.items() if isinstance(error, kind)), "refused")


#: What event loops have to count, and nobody has counted yet.
_waiting: deque[Callable[[], None]] = deque()
#: Set while somebody is about to send it.
_gathering = threading.Event()
#: Seconds in which more gathers, since waking a thread for each costs more than sending it.
_GATHER = 0.05


def _send_waiting() -> None:
    time.sleep(_GATHER)
    _gathering.clear()
    while _waiting:
        _waiting.popleft()()


def drain() -> None:
    """Wait until all that event loops have recorded is sent; for tests."""
    _sender().submit(_send_waiting).result()


@functools.cache
def _sender() -> ThreadPoolExecutor:
    """
    Return the thread that sends for event loops.

    A backend looks up its server's name when it is first used, which may take long.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="workflow-metrics")


# A child has none of its parent's threads.
os.register_at_fork(after_in_child=_sender.cache_clear)
os.register_at_fork(after_in_child=_waiting.clear)
os.register_at_fork(after_in_child=_gathering.clear)
