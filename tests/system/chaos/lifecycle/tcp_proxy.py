"""A TCP proxy before a sandbox, which can drip, be closed to refuse all, or be frozen to let all wait."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import weakref
from collections.abc import Coroutine
from typing import Any
from urllib.parse import urlsplit

from dev.ports import LOOPBACK, HeldPort

CHUNK = 65536
#: Bytes that pass at a time while it drips, and the seconds after each.
DROP, PAUSE = 64, 0.2


class TcpProxy:
    """
    Passes every connection on to a server, while it is open.

    :param url: where the server listens
    :param host: address of this machine to listen on
    """

    def __init__(self, url: str, *, host: str = LOOPBACK) -> None:
        target = urlsplit(url)
        self._target = (target.hostname or LOOPBACK, target.port or 80)
        self._host = host
        self._port = HeldPort(host=host)
        # As everything here, it goes with the program: a proxy is closed and opened again, and has no end.
        weakref.finalize(self, self._port.close)
        self._writers: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self._flowing = asyncio.Event()
        self._flowing.set()
        self.drips = False  # whether answers pass a few bytes at a time
        self._loop = asyncio.new_event_loop()
        # A daemon: it goes with the program, and the kernel closes what it had open.
        threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True).start()
        self.open()

    @property
    def url(self) -> str:
        """Where to connect to instead of the server."""
        return f"http://{self._host}:{self._port.number}"

    def open(self) -> None:
        """Take connections, again or for the first time."""
        self._do(self._open())

    def close(self) -> None:
        """Cut all connections, and refuse new ones."""
        self._do(self._close())

    def freeze(self) -> None:
        """Pass nothing on, but keep all connections and take new ones."""
        self._loop.call_soon_threadsafe(self._flowing.clear)

    def thaw(self) -> None:
        """Pass on what has been kept back, and everything from now on."""
        self._loop.call_soon_threadsafe(self._flowing.set)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)

    async def _open(self) -> None:
        self._server = await asyncio.start_server(self._pass_on, self._host, self._port.number, backlog=256)

    async def _close(self) -> None:
        if self._server is not None:
            self._server.close()
            self._server = None
        for writer in list(self._writers):
            writer.transport.abort()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there, answer = await asyncio.open_connection(*self._target)
        except OSError:
            writer.transport.abort()
            return
        ends = (writer, answer)
        self._writers.update(ends)
        try:
            await asyncio.gather(self._pump(reader, answer), self._pump(there, writer, drips=True))
        finally:
            for end in ends:
                end.close()
            self._writers.difference_update(ends)

    async def _pump(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, drips: bool = False
    ) -> None:
        """Copy until the end, and pass on the end, or the abortion."""
        try:
            while chunk := await reader.read(DROP if drips and self.drips else CHUNK):
                await self._flowing.wait()
                writer.write(chunk)
                await writer.drain()
                if drips and self.drips:
                    await asyncio.sleep(PAUSE)
            with contextlib.suppress(OSError, RuntimeError):
                writer.write_eof()
        except OSError:
            writer.transport.abort()
