"""Clients as one writes them by hand for one job: a loop on requests, threads with it, and aiohttp."""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import aiohttp
import requests

from benchmarks.peers.work import Row, Work

TIMEOUT = 60.0


def by_requests(work: Work, url: str, rows: Iterator[Row], *, concurrency: int) -> int:
    """Send all records with ``requests``, a session a thread, and return how many were taken."""
    lock, numbers = threading.Lock(), itertools.count()

    def loop() -> None:
        with requests.Session() as session:
            session.headers.update(work.headers)
            while True:
                with lock:
                    row = next(rows, None)
                if row is None:
                    return
                if work.once:
                    session.close()  # the next request takes a new connection
                reply = session.post(f"{url}{work.path}", json=work.body(row), timeout=TIMEOUT)
                reply.raise_for_status()
                assert work.read_id(reply.json())
                next(numbers)

    if concurrency == 1:
        loop()
    else:
        with ThreadPoolExecutor(concurrency) as pool:
            for one in [pool.submit(loop) for _ in range(concurrency)]:
                one.result()
    return next(numbers)


async def by_aiohttp(work: Work, url: str, rows: Iterator[Row], *, concurrency: int) -> int:
    """Send all records with ``aiohttp``, in so many coroutines, and return how many were taken."""
    sent = 0
    connector = aiohttp.TCPConnector(limit=concurrency, force_close=work.once)
    timeout = aiohttp.ClientTimeout(TIMEOUT)

    async def loop(session: aiohttp.ClientSession) -> None:
        nonlocal sent
        for row in rows:
            async with session.post(f"{url}{work.path}", json=work.body(row)) as reply:
                reply.raise_for_status()
                assert work.read_id(await reply.json())
            sent += 1

    async with aiohttp.ClientSession(connector=connector, headers=work.headers, timeout=timeout) as session:
        await asyncio.gather(*(loop(session) for _ in range(concurrency)))
    return sent
