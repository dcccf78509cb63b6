"""
Runs an event loop in a thread of its own, where nothing strikes it.

A signal's handler runs in the main thread, between any two instructions. What it raises there, such as
Airflow's error of ``execution_timeout``, could strike a loop while it takes a lock of its threads' pool; the
lock is then never free again, and the task hangs for ever.
"""

from __future__ import annotations

import _thread
import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

#: Seconds between two looks whether the loop has ended, should its sign get lost.
LOOK = 1.0


def run_apart(
    work: Callable[[], Coroutine[Any, Any, T]], *, on_struck: Callable[[BaseException], object] | None = None
) -> T:
    """
    Run a coroutine on a loop of its own, and return its result.

    :param work: makes the coroutine
    :param on_struck: called on the loop with what has struck the caller, and must let the coroutine end; by
        default it is cancelled
    :raises BaseException: what has struck the caller, once the coroutine has ended; else from the coroutine
    """
    ended: list[tuple[bool, Any]] = []
    struck: list[BaseException] = []
    strikes: list[Callable[[BaseException], object]] = []
    # Not an Event, which takes its lock in Python code: a strike could leave that taken.
    first, ending = threading.Lock(), threading.Lock()
    ending.acquire()

    async def main() -> T:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None
        act = on_struck or (lambda error: task.cancel())
        strikes.append(lambda error: loop.call_soon_threadsafe(act, error))
        if struck:
            raise struck[0]
        return await work()

    def run() -> None:
        if not first.acquire(blocking=False):
            return
        try:
            ended.append((True, asyncio.run(main())))
        except BaseException as error:
            ended.append((False, error))
        finally:
            ending.release()

    context, begun = contextvars.copy_context(), False
    while not ended:
        try:
            if not begun:
                # Not a Thread, which waits for its start with an Event. A strike right here begins it twice.
                _thread.start_new_thread(context.copy().run, (run,))
                begun = True
            ending.acquire(timeout=LOOK)
        except BaseException as error:
            struck.append(error)
            for strike in strikes:
                with contextlib.suppress(RuntimeError):  # the loop has just ended
                    strike(error)
    if struck:
        raise struck[0]
    ((good, end),) = ended
    if not good:
        raise end
    result: T = end
    return result
