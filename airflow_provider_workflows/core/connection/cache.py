"""
What was made of connections, kept until they are to be read again: in a process, or on an event loop.

A connection is read again every five minutes and after a refused login, so that a changed password reaches
running waits; and by one for all who ask at the same time. After five minutes, the others go on meanwhile
with what it said before; after a refused login, they wait.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_workflows.core.connection.settings import Settings
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.transport.endpoint import Endpoint

if TYPE_CHECKING:
    from airflow_provider_workflows.core.transport.limits.limiter import Limiter

ApiT = TypeVar("ApiT")
AdapterT = TypeVar("AdapterT")

log = logging.getLogger(__name__)

#: Seconds after which a connection is read again.
REREAD_AFTER = 300.0
_LONG_AGO = float("-inf")


@dataclass(frozen=True)
class Side(Generic[ApiT, AdapterT]):
    """
    What was made of one connection, in a worker or on an event loop.

    :param fetch: the operation that fetches a session code or token, for vendors that have one
    :param limiter: of the account's plan; None if it has no limit
    """

    settings: Settings
    api: ApiT
    endpoint: Endpoint
    adapter: AdapterT
    fetch: Callable[[], Operation[str]] | None
    limiter: Limiter | None = None


class CachedSide(Generic[ApiT, AdapterT]):
    """
    One connection's side, if it was ever read.

    :param conn_id: the Airflow connection
    """

    def __init__(self, conn_id: str) -> None:
        self._conn_id = conn_id
        self.known: Side[ApiT, AdapterT] | None = None
        self._read_at = _LONG_AGO
        self._lock = threading.Lock()
        #: The read that is under way, in a thread or on the event loop.
        self._reading: Future[Side[ApiT, AdapterT]] | None = None
        self._areading: asyncio.Task[Side[ApiT, AdapterT]] | None = None

    @property
    def fresh(self) -> Side[ApiT, AdapterT] | None:
        """What need not be read again yet; None if nothing was read, or too long ago."""
        return self.known if time.monotonic() - self._read_at < REREAD_AFTER else None

    @property
    def _stale(self) -> Side[ApiT, AdapterT] | None:
        """What serves while it is being read again; None if nothing was read, or the login was refused."""
        return self.known if self._read_at != _LONG_AGO else None

    def read_once(self, read: Callable[[], Side[ApiT, AdapterT]]) -> Side[ApiT, AdapterT]:
        """
        Read the connection, by one for all threads that ask meanwhile.

        While it is being read again, the others go on with what it said before. Without that, they share the
        result, or the error.

        :param read: reads, and keeps what it makes of the connection
        """
        while True:
            with self._lock:
                if (side := self.fresh) is not None:  # another thread has just read it
                    return side
                if (reading := self._reading) is None:
                    reading = self._reading = Future()
                    break
                if (side := self._stale) is not None:
                    return side
            with contextlib.suppress(CancelledError):  # of the one who read; another must
                return reading.result()
        try:
            side = read()
        except Exception as error:
            self._reading = None
            reading.set_exception(error)
            raise
        except BaseException:  # such as a timeout of the task that this thread runs
            self._reading = None
            reading.cancel()
            raise
        self._reading = None
        reading.set_result(side)
        return side

    async def aread_once(
        self, read: Callable[[], Coroutine[Any, Any, Side[ApiT, AdapterT]]]
    ) -> Side[ApiT, AdapterT]:
        """Read the connection, by one for all coroutines that ask meanwhile; as :meth:`read_once`."""
        if (reading := self._areading) is None:
            # A task of its own, so that it goes on when the one who began it is cancelled.
            reading = self._areading = asyncio.create_task(read())
            reading.add_done_callback(self._has_read)
        elif (side := self._stale) is not None:
            return side
        return await asyncio.shield(reading)

    def _has_read(self, reading: asyncio.Task[Side[ApiT, AdapterT]]) -> None:
        # A task refers to its loop, and would keep it for ever; so it is dropped.
        self._areading = None
        if not reading.cancelled():
            reading.exception()  # else asyncio would complain if all who asked for it were cancelled

    def keep(self, side: Side[ApiT, AdapterT]) -> Side[ApiT, AdapterT]:
        """Keep, and return, what was just made of the connection."""
        self.known, self._read_at = side, time.monotonic()
        return side

    def use_stale(self, error: Exception) -> Side[ApiT, AdapterT]:
        """
        Return what is known although the connection cannot be read again: what it says was good so far.

        :raises Exception: ``error``, if nothing is known
        """
        if self.known is None:
            raise error
        log.warning(
            "Connection %r cannot be read again (%s); continuing with what it said before",
            self._conn_id,
            type(error).__name__,
        )
        return self.keep(self.known)

    def expire(self, side: Side[ApiT, AdapterT]) -> None:
        """Have the connection read again at once, unless that has been done since ``side`` was made of it."""
        if self.known is side:
            self._read_at = _LONG_AGO


AnySide: TypeAlias = CachedSide[Any, Any]


class Sides(dict[tuple[type, str], AnySide]):
    """What is known of connections, by the hook's class, which reads its own fields of one, and its id."""

    def __missing__(self, key: tuple[type, str]) -> AnySide:
        return self.setdefault(key, CachedSide(key[1]))


#: What this process knows.
of_process = Sides()
_of_loops: WeakKeyDictionary[asyncio.AbstractEventLoop, Sides] = WeakKeyDictionary()


def of_loop() -> Sides:
    """Return what all coroutines of the running event loop know."""
    loop = asyncio.get_running_loop()
    sides = _of_loops.get(loop)
    return _of_loops.setdefault(loop, Sides()) if sides is None else sides


def forget() -> None:
    """Forget what this process knows, credentials and open connections too, so that it is as if new."""
    of_process.clear()


# A child must not talk on its parent's sockets.
os.register_at_fork(after_in_child=forget)
