"""
What the package counts and times, in Airflow's own metrics.

Every metric is declared here, and documented by what is declared. A metric's tags are names of a small set:
never an id, a path or anything that a user has written. Counting never fails a task, and never makes an event
loop wait.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from airflow_provider_workflows.base.compat import stats
from airflow_provider_workflows.base.condition import Done, Outcome
from airflow_provider_workflows.base.waiting import Failed, Verdict, Wait, WaitState
from airflow_provider_workflows.protocol.errors import (
    ConnectionFailed,
    LostTrack,
    OutcomeUnknown,
    RunTimedOut,
    ServiceUnavailable,
    Throttled,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.protocol.operation import Sending

log = logging.getLogger(__name__)


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

    def count(self, **tags: str) -> None:
        """Count one more."""
        _send(lambda: stats().incr(self.name, tags=self._known(tags)))

    def record(self, seconds: float, **tags: str) -> None:
        """Record a duration."""
        duration = timedelta(seconds=max(0.0, seconds))
        _send(lambda: stats().timing(self.name, duration, tags=self._known(tags)))

    def _known(self, tags: dict[str, str]) -> dict[str, str]:
        """Return the declared tags, in characters that every backend takes."""
        return {name: _UNUSUAL.sub("_", tags[name])[:_LONGEST] for name in self.tags if tags.get(name)}


_UNUSUAL = re.compile(r"[^A-Za-z0-9_.-]")
#: Characters of a tag. Airflow drops a metric whose name has more than 250 together with all tags.
_LONGEST = 50

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
    meaning="requests that failed in passing and are sent again within the attempt",
)
THROTTLED = Metric(
    name="workflows.throttled",
    tags=("vendor", "operation"),
    meaning="requests that the vendor refused because there were too many",
)
SUBMITTED = Metric(
    name="workflows.submitted", meaning="things done once: sent, and answered with the vendor's id"
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
    meaning="once-only requests sent again: surely `absent` at the vendor, or on the user's `resubmit`",
)
DOUBTS = Metric(
    name="workflows.doubts",
    meaning="tasks that stopped because it is not known whether it happened; a person must look",
)
ATTACHED = Metric(
    name="workflows.attached",
    meaning="attempts that went on with what an earlier attempt had begun; nothing is sent",
)
LOOKS = Metric(
    name="workflows.looks",
    tags=("vendor", "outcome"),
    meaning="looks of a wait",
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
    SUBMITTED,
    LOST_ANSWERS,
    FOUND,
    SENT_AGAIN,
    DOUBTS,
    ATTACHED,
    LOOKS,
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


def observe(vendor: str, sending: Sending) -> None:
    """Count one sending of a request."""
    operation, error = sending.request.operation, sending.error
    outcome = "answered" if error is None else _outcome(error)
    REQUESTS.count(vendor=vendor, operation=operation, outcome=outcome)
    REQUEST_DURATION.record(sending.seconds, vendor=vendor, operation=operation)
    if sending.repeated:
        RETRIES.count(vendor=vendor, operation=operation)
    if isinstance(error, Throttled):
        THROTTLED.count(vendor=vendor, operation=operation)


def _outcome(error: WorkflowError) -> str:
    return next((name for kind, name in OUTCOMES.items() if isinstance(error, kind)), "refused")


def count_look(
    vendor: str, outcome: Outcome | WorkflowError, *, before: WaitState, verdict: Verdict, now: float
) -> None:
    """
    Count one look of a wait, and the wait if this ended it.

    :param now: Unix time
    """
    if isinstance(verdict, Wait):
        LOOKS.count(vendor=vendor, outcome="no_answer" if isinstance(outcome, WorkflowError) else "pending")
        return
    ending = "done" if isinstance(verdict, Done) else "failed"
    LOOKS.count(vendor=vendor, outcome=ending)
    WAIT_DURATION.record(now - before.started, vendor=vendor, outcome=ending)
    match verdict:
        case Failed(LostTrack()):
            LOST_TRACK.count(vendor=vendor)
        case Failed(RunTimedOut()):
            TIMED_OUT.count(vendor=vendor)


def _send(emit: Callable[[], object]) -> None:
    try:
        if _in_event_loop():
            _sender().submit(_quietly, emit)
        else:
            _quietly(emit)
    except RuntimeError as error:  # the interpreter is ending
        log.debug("A metric was not sent: %s", error)


def _quietly(emit: Callable[[], object]) -> None:
    try:
        emit()
    except Exception as error:
        log.debug("A metric was not sent: %s", error)


def _in_event_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True


@functools.cache
def _sender() -> ThreadPoolExecutor:
    """
    Return the thread that sends for event loops.

    A backend looks up its server's name when it is first used, which may take long.
    """
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="workflow-metrics")
