"""A Redis server for a while. Its program comes from the system, see ``dev/find-redis``."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from dev.layout import confined
from dev.ports import LOOPBACK, HeldPort
from dev.process import KeptProcess

START_SECONDS = 30.0


class RedisServer:
    """
    A Redis that keeps nothing when it ends.

    :param program: its command
    :param port: where it listens
    :param folder: for its log
    :param hosts: addresses to listen on; the first is that of :attr:`url`
    :raises OSError: if it does not start
    """

    def __init__(self, program: str, port: int, folder: Path, *, hosts: Sequence[str] = (LOOPBACK,)) -> None:
        self._command = [program, "--port", str(port), "--bind", *hosts]
        # Who reaches an address of this machine's own may use it; by default, only the loopback may.
        self._command += ["--protected-mode", "no", "--save", "", "--appendonly", "no"]
        self._address = (hosts[0], port)
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        host, port = self._address
        return f"redis://{host}:{port}/0"

    def restart(self) -> None:
        """Kill it, and start it with nothing in it."""
        self.stop()
        self.start()

    def stop(self) -> None:
        """Kill it."""
        self._process.kill()

    def start(self) -> None:
        """Start it, and return when it takes connections."""
        self._process = KeptProcess(self._command, log=self._folder / "redis.log", environment=confined())
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                return socket.create_connection(self._address, timeout=1).close()
            except OSError:
                if time.monotonic() > deadline or self._process.exit_code is not None:
                    raise
            time.sleep(0.02)


@contextmanager
def redis_server(program: str, folder: Path, *, hosts: Sequence[str] = (LOOPBACK,)) -> Iterator[RedisServer]:
    """Run a Redis; see :class:`RedisServer`."""
    with HeldPort(host=hosts[0]) as port:
        server = RedisServer(program, port.number, folder, hosts=hosts)
        try:
            yield server
        finally:
            server.stop()
