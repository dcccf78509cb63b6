"""What was made of a connection, kept until the connection is to be read again, in whatever process."""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from weakref import WeakKeyDictionary

if TYPE_CHECKING:
    from airflow_provider_workflows.base.settings import Settings

T = TypeVar("T")

log = logging.getLogger(__name__)

#: Seconds after which a connection is read again, so that a changed password reaches running waits.
REREAD_AFTER = 300.0
_LONG_AGO = float("-inf")


class Remembered(Generic[T]):
    """
    What was made of one connection.

    :param conn_id: the Airflow connection
    """

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id
        self._value: T | None = None
        self._read_at = _LONG_AGO

    @property
    def fresh(self) -> T | None:
        """What need not be read again yet; None if nothing was read, or too long ago."""
        return self._value if time.monotonic() - self._read_at < REREAD_AFTER else None

    def keep(self, value: T) -> T:
        """Keep, and return, what was just made of the connection."""
        self._value, self._read_at = value, time.monotonic()
        return value

    def bear(self, error: Exception) -> T:
        """
        Return what is known although the connection cannot be read again: what it says was good so far.

        :raises Exception: ``error``, if nothing is known
        """
        if self._value is None:
            raise error
        log.warning(
            "Connection %r cannot be read again (%s); going on with what it said before",
            self._conn_id,
            type(error).__name__,
        )
        return self.keep(self._value)

    def expire(self) -> None:
        """Have the connection read again at once."""
        self._read_at = _LONG_AGO


def remembered_by_loop(owner: type, conn_id: str) -> Remembered[Settings]:
    """
    Return what all triggers of the running event loop know of a connection.

    :param owner: the hook's class, which reads its own fields of it
    """
    of_loop = _by_loop.setdefault(asyncio.get_running_loop(), {})
    return of_loop.setdefault((owner, conn_id), Remembered(conn_id))


_by_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[type, str], Remembered[Any]]] = (
    WeakKeyDictionary()
)
