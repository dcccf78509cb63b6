"""Loopback ports for the servers that the tools start."""

from __future__ import annotations

import socket
from types import TracebackType

LOOPBACK = "127.0.0.1"


class PortTaken(Exception):
    """The port that the user asked for is in use; the message is one line for the user."""


class HeldPort:
    """
    A port that is kept free for one server, from now until it is closed; a context manager.

    Airflow's API server needs many seconds until it listens. A port that is only looked up may be taken
    meanwhile, by an outgoing connection, too. So the port is bound and never listens: the system gives it to
    nobody else, refuses who connects, and lets a server listen that asks for SO_REUSEADDR, as servers do, as
    often as it is started.

    :param preferred: the port to have, or 0 for any
    :param host: address of this machine to have it on
    :raises PortTaken: if the preferred port is in use
    """

    def __init__(self, preferred: int = 0, *, host: str = LOOPBACK) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._socket.bind((host, preferred))
        except OSError as error:
            self._socket.close()
            raise PortTaken(f"port {preferred} cannot be used ({error.strerror}); choose another") from None
        self.number: int = self._socket.getsockname()[1]

    def __enter__(self) -> HeldPort:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let others have it."""
        self._socket.close()
