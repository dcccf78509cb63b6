"""What is made for a look is kept for the next ones, of all waits on the connection."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import urllib.request
from asyncio.sslproto import SSLProtocol
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

import aiohttp
import pytest

from airflow_provider_workflows.core.connection.cache import Side
from airflow_provider_workflows.core.connection.settings import read_settings
from airflow_provider_workflows.core.transport.aiohttp_adapter import AiohttpAdapter
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.core.transport.tls import tls_context
from airflow_provider_workflows.core.waiting.condition import Pending
from airflow_provider_workflows.core.waiting.schedule import alook
from airflow_provider_workflows.kiban.api.calls import KibanCalls
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.hooks import KibanHook
from benchmarks.peers.looks import EXECUTION, PATH
from benchmarks.peers.server import BareServer, bare_server

WAITS, LOOKS = 10, 10
#: What a first look calls.
MADE: dict[str, Callable[..., Any]] = {
    "proxies of the environment": urllib.request.getproxies_environment,
    "settings": read_settings,
    "endpoint": Endpoint.__init__,
    "API": KibanCalls.__init__,
    "side of the connection": Side.__init__,
    "adapter": AiohttpAdapter.__init__,
    "fingerprint": Endpoint.__dict__["fingerprint"].func,
    "headers of the connection": Endpoint.__dict__["known_headers"].func,
    "TLS context": tls_context,
    "session": aiohttp.ClientSession.__init__,
    "pool": aiohttp.TCPConnector.__init__,
    "TLS handshake": SSLProtocol.__init__,
}


@contextmanager
def counting() -> Iterator[Counter[str]]:
    """Count the calls of :data:`MADE` in this thread and in those that begin meanwhile."""
    names: dict[CodeType, str] = {made.__code__: name for name, made in MADE.items()}
    counts: Counter[str] = Counter()

    def count(frame: FrameType, event: str, argument: object) -> None:
        if event == "call" and (name := names.get(frame.f_code)) is not None:
            counts[name] += 1

    before = sys.getprofile()
    threading.setprofile(count)
    sys.setprofile(count)
    try:
        yield counts
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


@pytest.fixture
def server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BareServer]:
    """A Kiban over TLS, with ``kiban_default`` leading to it."""
    with bare_server(tmp_path, tls=True) as running:
        extra = {"verify": str(running.certificate)}
        connection = {"conn_type": "kiban", "host": running.url, "password": "the-key", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_KIBAN_DEFAULT", json.dumps(connection))
        yield running


async def look(hook: KibanHook) -> None:
    assert isinstance(await alook(hook, ExecutionSucceeded(execution_id=EXECUTION)), Pending)


def test_nothing_is_made_anew_between_two_looks(server: BareServer) -> None:
    async def run() -> tuple[Counter[str], Counter[str]]:
        with counting() as first:
            await look(KibanHook())
        hooks = [KibanHook() for _ in range(WAITS)]
        with counting() as later:
            for hook in hooks * LOOKS:
                await look(hook)
        return first, later

    first, later = asyncio.run(run())
    assert set(first) == set(MADE)
    assert later == {}
    assert server.counts()["paths"] == {PATH: 1 + WAITS * LOOKS}
