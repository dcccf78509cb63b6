"""
A retry policy for Airflow 3.3 and later, which chooses the delay by the kind of error.

::

    OMFlowOpenOrderOperator(..., retries=5, retry_policy=WorkflowRetryPolicy())

Permanent errors fail a task without asking a policy, and no policy can make more retries than the task's
``retries``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.exceptions import (
    InvalidInput,
    OutcomeUnknown,
    PermanentError,
    TemporaryError,
    Throttled,
    WorkflowError,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.sdk import Context, RetryDecision, RetryPolicy
else:
    try:
        from airflow.sdk import RetryDecision, RetryPolicy
    except ImportError:  # before Airflow 3.3: this module can be imported, creating a policy raises
        RetryDecision, RetryPolicy = None, object

#: Random part of a delay, so that the tasks of a backfill do not all retry at once.
JITTER = 0.25
YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class WorkflowRetryPolicy(RetryPolicy):
    """
    Chooses when to retry by the kind of error, instead of after one fixed ``retry_delay``.

    - :class:`Throttled` with a Retry-After: never before that time, and up to a quarter of the wait (or of
      the growing delay, if that is longer) after it.
    - Any other :class:`TemporaryError`: after a delay that doubles with each failure, shortened at random by
      up to a quarter; not before a Retry-After, if there is one.
    - :class:`OutcomeUnknown`, also if another error wraps it or was raised while handling it: never, because
      a retry would send the request again. The exception are wrapped ones in this package's operators, which
      check what was sent before they send anything.
    - Any other :class:`PermanentError`: never.
    - All other exceptions: as ``otherwise`` decides, or as Airflow does without a policy.

    The delay replaces the task's ``retry_delay``, ``retry_exponential_backoff`` and ``max_retry_delay``.

    :param first_delay: delay after the first failure since the task started or was cleared
    :param longest_delay: upper limit of the growing delay; at most a year
    :param longest_retry_after: longest Retry-After to honour, at most a year; beyond it, the task fails
    :param otherwise: policy for exceptions that are not this package's
    :raises InvalidInput: a delay is invalid
    :raises RuntimeError: this Airflow is older than 3.3
    """

    first_delay: timedelta = timedelta(seconds=30)
    longest_delay: timedelta = timedelta(minutes=15)
    longest_retry_after: timedelta = timedelta(days=1)
    otherwise: RetryPolicy | None = None

    def __post_init__(self) -> None:
        if RetryDecision is None:
            raise RuntimeError(_too_old())
        for name in ("first_delay", "longest_delay", "longest_retry_after"):
            if not isinstance(value := getattr(self, name), timedelta):
                raise InvalidInput(f"{name} must be a timedelta, got {value!r}")
        if not timedelta(0) < self.first_delay <= self.longest_delay:
            raise InvalidInput("first_delay must be longer than 0 and at most longest_delay")
        if self.longest_retry_after < timedelta(0):
            raise InvalidInput("longest_retry_after must not be negative")
        # The scheduler adds the delay to a date, and crashes if the result is out of range.
        if max(self.longest_delay, self.longest_retry_after) > YEAR:
            raise InvalidInput("longest_delay and longest_retry_after must be at most a year")
        if not isinstance(self.otherwise, RetryPolicy | None):
            raise InvalidInput(f"otherwise must be a RetryPolicy or None, got {self.otherwise!r}")

    def evaluate(
        self,
        exception: BaseException,
        try_number: int,
        max_tries: int,
        context: Context | None = None,
    ) -> RetryDecision:
        """
        Decide what to do after a failure; Airflow calls this in the worker.

        :param exception: the exception that ended the attempt
        :param try_number: number of the attempt, from 1; a Clear does not reset it
        :param max_tries: the number of tries after which there is no retry
        :param context: the task's context; without it, failures before a Clear count too
        """
        task = (context or {}).get("task")
        if (doubt := _doubt(exception)) is not None and not _settles_doubts(task):
            return RetryDecision.fail(
                f"{_name(doubt)}: the request may have taken effect, and a retry would send it again"
            )
        if isinstance(exception, TemporaryError):
            if try_number > max_tries:
                return RetryDecision.default()
            failures = _failures(task, try_number=try_number, max_tries=max_tries)
            return self.decide(exception, failures=failures, draw=random.random())
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(f"{_name(exception)}: a retry cannot succeed")
        if self.otherwise is None:
            return RetryDecision.default()
        return self.otherwise.evaluate(exception, try_number, max_tries, context)

    def decide(self, error: TemporaryError, *, failures: int, draw: float) -> RetryDecision:
        """
        Return when to retry after a temporary error; a pure function.

        :param failures: number of failures, including this one
        :param draw: a number in [0, 1), for the jitter
        """
        wait = error.retry_after
        limit = self.longest_retry_after.total_seconds()
        # "not <=" instead of ">", so that NaN fails too.
        if wait is not None and not wait <= limit:
            return RetryDecision.fail(
                f"{_name(error)}: Retry-After is {wait:.0f} s, longer than longest_retry_after ({limit:.0f} "
                "s)"
            )
        seconds = self._delay(error, failures=failures, draw=draw)
        asked = f", Retry-After {wait:.0f} s" if wait is not None else ""
        reason = f"{_name(error)}{asked}: failure {failures}, next attempt in {seconds:.0f} s"
        return RetryDecision.retry(timedelta(seconds=seconds), reason)

    def serialize(self) -> dict[str, Any]:
        """Return the policy as JSON values; Airflow 3.3 itself stores only whether a task has one."""
        other = self.otherwise
        return {
            "__type": type(self).__name__,
            **{name: getattr(self, name).total_seconds() for name in _DELAYS},
            "otherwise": None if other is None else {"class": _path(type(other)), "data": other.serialize()},
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WorkflowRetryPolicy:
        """Rebuild a policy from :meth:`serialize`."""
        from airflow_provider_workflows.core.runtime.serialization import import_string

        other = data.get("otherwise")
        return cls(
            **{name: timedelta(seconds=data[name]) for name in _DELAYS},
            otherwise=other and import_string(other["class"]).deserialize(other["data"]),
        )

    def _delay(self, error: TemporaryError, *, failures: int, draw: float) -> float:
        longest = self.longest_delay.total_seconds()
        grown = min(longest, self.first_delay.total_seconds() * 2.0 ** min(failures - 1, 64))
        if error.retry_after is None:
            return grown * (1 - JITTER * draw)
        # A short Retry-After would bring all tasks back at once, so the jitter grows with each failure too.
        wait = max(0.0, error.retry_after)
        asked = wait + JITTER * max(wait, grown) * draw
        return asked if isinstance(error, Throttled) else max(asked, grown * (1 - JITTER * draw))


_DELAYS = ("first_delay", "longest_delay", "longest_retry_after")


def _failures(task: Any, *, try_number: int, max_tries: int) -> int:
    """Return how often a task failed since it started or was cleared, which raises ``max_tries``."""
    retries = getattr(task, "retries", None)
    before_clear = max_tries - retries if isinstance(retries, int) else 0
    return min(try_number, max(1, try_number - before_clear))


def _settles_doubts(task: Any) -> bool:
    """Return whether the task checks what was sent before it sends again, as this package's operators do."""
    from airflow_provider_workflows.core.tasks.task import WorkflowTaskMixin

    return isinstance(task, WorkflowTaskMixin)


def _doubt(exception: BaseException) -> OutcomeUnknown | None:
    """Return the :class:`OutcomeUnknown` in an exception, its causes, contexts and groups; None if none."""
    return next((one for one in _family(exception) if isinstance(one, OutcomeUnknown)), None)


def _family(exception: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    left: list[BaseException | None] = [exception]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # The context counts even if "from None" hides it: hiding it does not settle it.
        left += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _name(error: WorkflowError) -> str:
    # Without message and excerpt: everyone can read the stored reason, and a vendor's text may hold anything.
    where = " ".join(str(part) for part in (error.vendor, error.operation) if part)
    return f"{type(error).__name__} ({where})" if where else type(error).__name__


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _too_old() -> str:
    from airflow import __version__

    return (
        f"WorkflowRetryPolicy needs Airflow 3.3 or later; this is {__version__}. Remove retry_policy, and "
        "set retries and retry_delay instead"
    )
