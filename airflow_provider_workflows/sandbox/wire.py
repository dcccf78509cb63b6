"""
The only place that reaches below HTTP: ending a connection in ways that ASGI has no words for.

uvicorn hands the application a ``receive`` that is a method of its request cycle, and the cycle knows the
transport; a server's ``server_state`` knows them all. uvicorn publishes neither, so they are used here alone,
and tests/sandbox/test_server.py fails if they change.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import uvicorn
    from starlette.types import Receive

# on, 0 seconds: what is unsent is thrown away and the peer gets RST instead of an orderly FIN.
_LINGER_RESET = struct.pack("ii", 1, 0)


class TransportNotFoundError(RuntimeError):
    """The server below is not one whose transport we know how to find."""


def transport_of(receive: Receive) -> asyncio.Transport:
    """
    Return the transport of the connection on which a request came.

    :param receive: the ``receive`` of the ASGI call, not wrapped.
    :raises TransportNotFoundError: if it does not lead to a transport.
    """
    transport = getattr(getattr(receive, "__self__", None), "transport", None)
    if not isinstance(transport, asyncio.Transport):
        raise TransportNotFoundError("the sandbox needs uvicorn on asyncio, directly below it")
    return transport


def abort_all(server: uvicorn.Server) -> None:
    """End all connections of a server at once."""
    for connection in list(server.server_state.connections):
        connection.transport.abort()


async def reset(receive: Receive) -> None:
    """End the connection at once with a TCP reset; the peer loses even what was sent already."""
    transport = transport_of(receive)
    connection = transport.get_extra_info("socket")
    with contextlib.suppress(OSError, AttributeError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER_RESET)
    transport.abort()
    await gone(receive)


async def hang_up(receive: Receive) -> None:
    """Close the connection in order, after what has been written; the peer sees an early end."""
    transport_of(receive).close()
    await gone(receive)


async def gone(receive: Receive) -> None:
    """Wait for the end of the connection; an application that returned before it would be sent a 500 for."""
    while (await receive())["type"] != "http.disconnect":
        pass
