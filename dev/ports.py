"""Loopback ports for the servers that the tools start."""

from __future__ import annotations

import socket

LOOPBACK = "127.0.0.1"


class PortTaken(Exception):
    """The port that the user asked for is in use; the message is one line for the user."""


def free_port(preferred: int = 0) -> int:
    """
    Return a port on which a server can listen.

    :param preferred: the port to have, or 0 for any
    :raises PortTaken: if the preferred port is in use
    """
    with socket.socket() as probe:
        # As servers do, so that connections of an earlier server that are still closing do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, preferred))
        except OSError as error:
            raise PortTaken(f"port {preferred} cannot be used ({error.strerror}); choose another") from None
        return int(probe.getsockname()[1])
