"""
A ready retry policy for Airflow 3.3: when a failed task comes back, by what the vendor said.

::

    OMFlowOpenOrderOperator(..., retries=5, retry_policy=WorkflowRetryPolicy())

It decides no more than that. Permanent errors end a task without asking any policy, and none makes more
retries than the task's ``retries``.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.protocol.errors import (
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
    except ImportError:  # before Airflow 3.3: importing this module does no harm, making a policy raises
        RetryDecision, RetryPolicy = None, object

#: Part of a delay that is left to chance, so that the tasks of a backfill do not come back in one burst.
JITTER = 0.25
YEAR = timedelta(days=365)


@dataclass(frozen=True, kw_only=True)
class WorkflowRetryPolicy(RetryPolicy):
    """
    Retries by what the vendor said, instead of after one fixed ``retry_delay``.

    - :class:`Throttled` with a Retry-After: at that time, never sooner, and a little later: by up to a
      quarter of the wait, or of the growing delay if that is longer.
    - Any other :class:`TemporaryError`: after a delay that doubles with each failure, less up to a quarter
      of it; not before a Retry-After, if there is one.
    - :class:`OutcomeUnknown`, also one that another error wraps or came of: never, since a retry would send
      the request again. Only this package's operators are trusted with a wrapped one: they look for what
      was sent before they send.
    - Any other :class:`PermanentError`: never.
    - All else: as ``otherwise`` decides, or as Airflow does without a policy.

    The delay replaces the task's ``retry_delay``, ``retry_exponential_backoff`` and ``max_retry_delay``.

    :param first_delay: after the first failure since the task began or was cleared
    :param longest_delay: that the growing delay comes to; at most a year
    :param longest_retry_after: that a vendor may ask for, at most a year; a task that is to wait longer fails
    :param otherwise: decides on exceptions that are not this package's
    :raises InvalidInput: the delays make no sense
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
            raise InvalidInput("first_delay must be more than nothing and at most longest_delay")
        if self.longest_retry_after < timedelta(0):
            raise InvalidInput("longest_retry_after must not be negative")
        # The scheduler adds the delay to a date, and does not survive one that is out of range.
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
        Decide what follows from a failure; Airflow asks in the worker.

        :param exception: that ended the attempt
        :param try_number: of the attempt, from 1; a Clear does not begin anew
        :param max_tries: beyond which there is no retry
        :param context: the task's; without it, the failures before a Clear count too
        """
        task = (context or {}).get("task")
        if (doubt := _doubt(exception)) is not None and not _settles_doubts(task):
            return RetryDecision.fail(f"{_what(doubt)}: a retry would send again what may have worked")
        if isinstance(exception, TemporaryError):
            if try_number > max_tries:
                return RetryDecision.default()
            failures = _failures(task, try_number=try_number, max_tries=max_tries)
            return self.decide(exception, failures=failures, draw=random.random())
        if isinstance(exception, PermanentError):
            return RetryDecision.fail(f"{_what(exception)}: no retry can mend it")
        if self.otherwise is None:
            return RetryDecision.default()
        return self.otherwise.evaluate(exception, try_number, max_tries, context)

    def decide(self, error: TemporaryError, *, failures: int, draw: float) -> RetryDecision:
        """
        Return when to try again after an error that time can mend; a pure function.

        :param failures: this one included
        :param draw: a number in [0, 1), for the jitter
        """
        wish = error.retry_after
        limit = self.longest_retry_after.total_seconds()
        # Asked this way round since a wish that is no number must not pass.
        if wish is not None and not wish <= limit:
            return RetryDecision.fail(f"{_what(error)} asks to wait {wish:.0f} s, longer than {limit:.0f} s")
        seconds = self._delay(error, failures=failures, draw=draw)
        asked = f", which asks to wait {wish:.0f} s" if wish is not None else ""
        reason = f"{_what(error)}{asked}: failure {failures}, next attempt in {seconds:.0f} s"
        return RetryDecision.retry(timedelta(seconds=seconds), reason)

    def serialize(self) -> dict[str, Any]:
        """Return the policy as JSON values; Airflow 3.3 itself keeps only that a task has one."""
        other = self.otherwise
        return {
            "__type": type(self).__name__,
            **{name: getattr(self, name).total_seconds() for name in _DELAYS},
            "otherwise": None if other is None else {"class": _path(type(other)), "data": other.serialize()},
        }

    @classmethod
    def deserialize(cls, data: dict[str, Any]) -> WorkflowRetryPolicy:
        """Rebuild a policy from :meth:`serialize`."""
        from airflow_provider_workflows.base.stored import import_string

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
        # A short wish would bring all tasks back at once: what spreads them grows with each failure too.
        wish = max(0.0, error.retry_after)
        asked = wish + JITTER * max(wish, grown) * draw
        return asked if isinstance(error, Throttled) else max(asked, grown * (1 - JITTER * draw))


_DELAYS = ("first_delay", "longest_delay", "longest_retry_after")


def _failures(task: Any, *, try_number: int, max_tries: int) -> int:
    """Return how often a task failed since it began or was cleared, which raises ``max_tries``."""
    retries = getattr(task, "retries", None)
    before_clear = max_tries - retries if isinstance(retries, int) else 0
    return min(try_number, max(1, try_number - before_clear))


def _settles_doubts(task: Any) -> bool:
    """Whether a retry looks for what was sent before it sends anything, as this package's operators do."""
    from airflow_provider_workflows.base.task import TouchesVendor

    return isinstance(task, TouchesVendor)


def _doubt(exception: BaseException) -> OutcomeUnknown | None:
    """Return the unknown outcome that an exception is, wraps, groups or was raised in handling of."""
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
        # The context counts though "from None" hides it: it was hidden from readers, not settled.
        left += [one.__cause__, one.__context__, *getattr(one, "exceptions", ())]


def _what(error: WorkflowError) -> str:
    # Neither the message nor the excerpt: the reason is stored for everyone to read, and the vendor's words
    # are not ours to vouch for.
    where = " ".join(str(part) for part in (error.vendor, error.operation) if part)
    return f"{type(error).__name__} ({where})" if where else type(error).__name__


def _path(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"


def _too_old() -> str:
    from airflow import __version__

    return (
        f"WorkflowRetryPolicy needs Airflow 3.3 or later, and this is {__version__}: leave retry_policy out, "
        "and set retries and retry_delay"
    )
