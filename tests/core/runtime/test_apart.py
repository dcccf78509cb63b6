from __future__ import annotations

import asyncio
import contextvars
import random
import signal
import threading
from collections.abc import Iterator

import pytest

from airflow_provider_workflows.core.runtime.apart import run_apart

WORD = contextvars.ContextVar("WORD", default="")


class Struck(BaseException):
    """What a signal's handler raises, as Airflow's does for ``execution_timeout``."""


@pytest.fixture
def alarm() -> Iterator[None]:
    def strike(number: int, frame: object) -> None:
        raise Struck

    before = signal.signal(signal.SIGALRM, strike)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def test_it_returns_what_the_coroutine_does() -> None:
    async def work() -> tuple[str, bool]:
        return WORD.get(), threading.current_thread() is threading.main_thread()

    WORD.set("the caller's")
    assert run_apart(work) == ("the caller's", False)


def test_it_raises_what_the_coroutine_does() -> None:
    async def work() -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        run_apart(work)


def test_what_strikes_the_caller_cancels_the_coroutine(alarm: None) -> None:
    cleaned = []

    async def work() -> None:
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        try:
            await asyncio.sleep(600)
        finally:
            cleaned.append(await asyncio.to_thread(lambda: "in a thread"))

    with pytest.raises(Struck):
        run_apart(work)
    assert cleaned == ["in a thread"]


def test_or_is_told_to_it(alarm: None) -> None:
    told: list[BaseException] = []

    async def work() -> str:
        ended = asyncio.Event()

        def tell(error: BaseException) -> None:
            told.append(error)
            ended.set()

        tellers.append(tell)
        signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGALRM)
        await ended.wait()
        return "ended well"

    tellers: list[object] = []
    with pytest.raises(Struck):
        run_apart(work, on_struck=lambda error: tellers[0](error))  # type: ignore[operator]
    assert [type(one) for one in told] == [Struck]


def test_wherever_it_strikes_nothing_hangs(alarm: None) -> None:
    """On a loop in the main thread, about one in some thousand left a lock of its pool taken for ever."""

    async def work() -> None:
        while True:
            await asyncio.to_thread(int)

    draw = random.Random(1)
    for _ in range(300):
        with pytest.raises(Struck):  # noqa: PT012 - the strike may come before the call
            signal.setitimer(signal.ITIMER_REAL, draw.uniform(0.0001, 0.01))
            run_apart(work)
