"""
Keeps all processes of a machine within the rate that a vendor allows one account.

Each request books a slot before it is sent. The slots of an account stand one interval apart, and are booked
in the order in which they are asked for. All that must be known for that is when the next one is free: one
number, in a file that all processes lock in turn, and in Redis if several machines share the account
(:mod:`~airflow_provider_workflows.core.transport.limits.redis_limiter`).

A limiter never stops work. Where its file cannot be used, a process counts its own requests only.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from airflow_provider_workflows.core.transport.limits.limit_file import MOST_AHEAD, LimitFile, LimitState

log = logging.getLogger(__name__)

#: Part of the plan's rate that is used. The rest makes up for requests that begin late on a busy machine, or
#: take longer than the next one to arrive.
MARGIN = 0.96
#: Part of an interval that two requests keep between them after one has begun late. By the rest, those behind
#: it catch up with their slots again.
CATCH_UP = 0.998
#: Seconds until a file that could not be used is tried again.
TRY_AGAIN_AFTER = 60.0


@dataclass(frozen=True)
class Slot:
    """
    When a request may be sent.

    :param at: reading of :func:`time.monotonic`
    :param booked: whether the slot is the caller's; else it is further away than the caller would wait
    """

    at: float
    booked: bool


@dataclass(kw_only=True)
class Limiter:
    """
    Books slots for one account. All that it does may block for a moment.

    :param rate: requests a second that the vendor allows
    :param account: name of the account's file, which tells neither server nor account
    :param server: the vendor's server, for messages
    :param folder: folder that all processes of the machine share
    """

    rate: float
    account: str
    server: str
    folder: str
    clock: Callable[[], float] = time.monotonic
    _broken_until: float = field(default=float("-inf"), init=False, compare=False, repr=False)

    @property
    def interval(self) -> float:
        """Seconds between two slots."""
        return 1 / (self.rate * MARGIN)

    @property
    def distance(self) -> float:
        """Minimum seconds between the beginnings of two requests of this machine, however late they are."""
        return self.interval * CATCH_UP

    def book(self, most: float) -> Slot:
        """
        Book the next free slot.

        :param most: maximum seconds until the slot; if it is further away, nothing is booked
        """
        return self.book_here(most)

    def postpone(self, seconds: float) -> None:
        """Let no request of the account be sent for some seconds."""
        with self.state() as state:
            state.tat = max(state.tat, self.clock() + seconds)

    def book_here(self, most: float) -> Slot:
        """Book a slot by what this machine knows."""
        with self.state() as state:
            now = self.clock()
            slot = self._of_share(max(now, state.tat, state.begun + self.distance), state)
            if slot - now > most:
                return Slot(slot, booked=False)
            state.tat = slot + self.interval
            if slot <= now:
                state.begun = now
            return Slot(slot, booked=True)

    def _of_share(self, slot: float, state: LimitState) -> float:
        """Return the first slot from a time on that this machine may take."""
        return slot

    def begin(self) -> float:
        """
        Return when a request may begin that has waited for its slot, as a reading of :func:`time.monotonic`.

        The one before it may have begun late, and the two would then arrive too close to one another.
        """
        with self.state() as state:
            state.begun = max(self.clock(), state.begun + self.distance)
            return state.begun

    @contextmanager
    def state(self) -> Iterator[LimitState]:
        """Hold what this machine knows of the account; what is changed is kept when the block ends."""
        with self._held() as state:
            if max(state.tat, state.begun) > self.clock() + MOST_AHEAD:
                state.tat = state.begun = 0.0  # nobody has booked so much: something else has written there
            yield state

    @contextmanager
    def _held(self) -> Iterator[LimitState]:
        if self.clock() >= self._broken_until:
            file = LimitFile(self.folder, self.account)
            try:
                state = file.open()
            except (OSError, ValueError) as error:
                self._give_up(error)
            else:
                try:
                    yield state
                    return
                finally:
                    try:
                        file.close()
                    except OSError as error:
                        self._give_up(error)
        memory = _memories.setdefault(self.account, _Memory())
        with memory.lock:
            yield memory.state

    def _give_up(self, error: Exception) -> None:
        """Do without the file for a while."""
        self._broken_until = self.clock() + TRY_AGAIN_AFTER
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        warn_once(
            f"file {self.account}",
            "The limit of %g requests a second at %s may be exceeded: each process counts for itself\n"
            "No file in %s can be used (%s)\n"
            "Set [workflows] limits_folder to a folder in which all tasks may write",
            self.rate,
            self.server,
            self.folder,
            reason,
        )


@dataclass
class _Memory:
    """What a process knows of an account without a file."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    state: LimitState = field(default_factory=LimitState)


#: By account.
_memories: dict[str, _Memory] = {}
_warned: set[str] = set()
# Another thread of the parent may have held a lock when it forked.
os.register_at_fork(after_in_child=_memories.clear)


def warn_once(subject: str, message: str, *values: object) -> None:
    """Log a warning unless this process has already warned of the subject."""
    if subject not in _warned:
        _warned.add(subject)
        log.warning(message, *values)


def forget() -> None:
    """Be as if new, for tests: know nothing without a file, and warn again."""
    _memories.clear()
    _warned.clear()
