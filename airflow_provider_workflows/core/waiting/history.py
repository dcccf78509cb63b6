"""
How long earlier waits of the same kind took, so that a wait looks most often where it is likely to end.

Each event loop remembers its own waits, so nothing is shared between threads, and nothing outlives the loop.
A worker remembers nothing: its process ends with the task.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import deque
from collections.abc import Hashable, Sequence
from dataclasses import fields
from math import sqrt
from typing import TYPE_CHECKING, TypeAlias
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from airflow_provider_workflows.core.waiting.condition import Condition

#: Kinds of waits that a loop remembers, and waits of each; the oldest are forgotten first.
KINDS, WAITS = 500, 32
#: The price of one look more, in seconds by which the end is seen later, as part of the time waited; as if it
#: were a minute at least. With a lower price, a wait sees its end earlier and looks more often.
PRICE, SHORT = 0.001, 60.0


class Lengths:
    """How long waits of one kind took."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=WAITS)
        #: In seconds, the shortest first.
        self.seconds: Sequence[float] = ()

    def learn(self, *, pending: float, length: float) -> None:
        """
        Learn from a wait that has just ended.

        The middle of the last interval counts. If the looks themselves were learnt, later waits would look at
        the same times again, and never find out that the ends come earlier.

        :param pending: seconds from the start to the last answer before the end
        :param length: seconds from the start to the look that saw the end
        """
        # After a long silence, nobody knows when it ended.
        if pending >= length / 2:
            self._latest.append((pending + length) / 2)
            self.seconds = tuple(sorted(self._latest))


Kinds: TypeAlias = dict[Hashable, Lengths]
_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Kinds] = WeakKeyDictionary()


def lengths_of(conn_id: str, condition: Condition) -> Lengths:
    """Return what the running event loop knows about waits of this kind, on this connection."""
    if not condition.of_run:
        return Lengths()
    shared = [one.name for one in fields(condition) if one.name not in condition.of_run]
    key = (conn_id, type(condition), *(repr(getattr(condition, name)) for name in shared))
    kinds = _of_loops.setdefault(asyncio.get_running_loop(), {})
    # The last one used is the last to be forgotten.
    found = kinds[key] = kinds.pop(key, Lengths())
    if len(kinds) > KINDS:
        del kinds[next(iter(kinds))]
    return found


def until_due(lengths: Sequence[float], waited: float) -> float:
    """
    Return the seconds until the next look is due: until it is worth its price.

    That is as soon as the wait is expected to have been over unseen for so long. Looks are then closest where
    most waits have ended, and rare where few have. This wait may be one of the earlier ones, which are taken
    to be spread evenly between each two of their lengths, or, as likely as any of them, one of which nothing
    is known. Past all of them, the pause doubles.

    :param lengths: of earlier waits, the shortest first; at least one
    :param waited: seconds
    """
    over = bisect_right(lengths, waited)
    ahead = lengths[over:]
    if not ahead:
        return waited - lengths[-1]
    # Of the wait that ends next, only a part can still come.
    chance = (ahead[0] - waited) / (ahead[0] - (lengths[over - 1] if over else 0.0))
    price = PRICE * max(SHORT, waited) * (chance + len(ahead))
    at, ended, unseen = waited, 0.0, 0.0
    for length in ahead:
        span, left = length - at, price - unseen
        if (ended + chance / 2) * span >= left:
            return at + 2 * left / (ended + sqrt(ended**2 + 2 * left * chance / span)) - waited
        at, ended, unseen, chance = length, ended + chance, unseen + (ended + chance / 2) * span, 1.0
    return at + (price - unseen) / ended - waited
