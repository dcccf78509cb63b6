"""A server that does to each connection exactly what its script says, and remembers what it was sent."""

from __future__ import annotations

import contextlib
import json
import select
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

# on, 0 seconds: closing then sends RST instead of an orderly FIN.
_RESET = struct.pack("ii", 1, 0)
_TICK = 0.02


@dataclass(frozen=True)
class Seen:
    """One request as it came over the wire."""

    method: str
    target: str
    head: bytes
    headers: dict[str, str]
    body: bytes
    client_port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Gone(ConnectionError):
    """The client has closed the connection, or the test is over."""


class Peer:
    """The server's end of one connection."""

    def __init__(self, server: RawServer, raw: socket.socket, port: int) -> None:
        self.server = server
        self.port = port
        self._socket = raw
        self._received = b""

    def wait_for_data(self) -> None:
        """Wait until the client has sent something, and leave it unread."""
        while not select.select([self._socket], [], [], _TICK)[0]:
            self._check()

    def receive(self, size: int = 64 * 1024) -> bytes:
        """Some bytes that the client has sent."""
        while True:
            self._check()
            try:
                piece = self._socket.recv(size)
            except TimeoutError:
                continue
            if not piece:
                raise Gone
            return piece

    def read_head(self) -> Seen:
        """A request up to the empty line; counted as seen."""
        while b"\r\n\r\n" not in self._received:
            self._received += self.receive()
        head, _, self._received = self._received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        method, target, _ = first.split(" ")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        return Seen(method, target, head, headers, b"", self.port)

    def read(self) -> Seen:
        """A whole request with a Content-Length."""
        seen = self.read_head()
        length = int(seen.headers.get("content-length", "0"))
        while len(self._received) < length:
            self._received += self.receive()
        body, self._received = self._received[:length], self._received[length:]
        seen = Seen(seen.method, seen.target, seen.head, seen.headers, body, self.port)
        self.server.requests.append(seen)
        return seen

    def discard(self, size: int, *, pause: Callable[[int], None] = lambda left: None) -> None:
        """Take ``size`` bytes of a body and forget them."""
        left = size - len(self._received)
        self._received = b""
        while left > 0:
            left -= len(self.receive(1024 * 1024))
            pause(left)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def drip(self, byte: bytes = b"x", *, every: float = 0.05) -> None:
        """Send one byte now and then until the client leaves."""
        while True:
            self.pause(every)
            self.send(byte)

    def pause(self, seconds: float) -> None:
        if self.server.stopping.wait(seconds):
            raise Gone

    def hold(self) -> None:
        """Keep the connection open and silent until the client leaves."""
        while True:
            self.receive()

    def join(self, other: socket.socket) -> None:
        """Pass on what comes from either side, until one of them leaves."""
        both = {self._socket: other, other: self._socket}
        other.settimeout(_TICK)
        while True:
            self._check()
            pending = isinstance(self._socket, ssl.SSLSocket) and self._socket.pending()
            ready = [self._socket] if pending else select.select([*both], [], [], _TICK)[0]
            for source in ready:
                try:
                    piece = source.recv(64 * 1024)
                except TimeoutError:
                    continue
                if not piece:
                    return
                both[source].sendall(piece)

    def reset(self) -> None:
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._socket.close()

    def _check(self) -> None:
        if self.server.stopping.is_set():
            raise Gone


Script: TypeAlias = Callable[[Peer], None]


@dataclass
class RawServer:
    """
    Listens while the ``with`` block lasts.

    :param scripts: what to do with the first connection, the second, and so on; the last one is for all that
        follow
    :param tls: serves https
    :param receive_buffer: bytes that the kernel takes from a client ahead of the script
    """

    scripts: tuple[Script, ...]
    tls: ssl.SSLContext | None = None
    receive_buffer: int | None = None
    requests: list[Seen] = field(default_factory=list)
    #: Client ports of all connections, in order.
    connections: list[int] = field(default_factory=list)
    stopping: threading.Event = field(default_factory=threading.Event)
    _open: set[int] = field(default_factory=set)
    _changed: threading.Condition = field(default_factory=threading.Condition)

    def __enter__(self) -> RawServer:
        self._listener = socket.socket()
        if self.receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_buffer)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(256)
        self.port: int = self._listener.getsockname()[1]
        self._threads = [threading.Thread(target=self._accept, name="raw server")]
        self._threads[0].start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stopping.set()
        # The accepting thread wakes up for it.
        socket.create_connection(("127.0.0.1", self.port)).close()
        # The accepting thread is the first, and the only one that adds others.
        for thread in self._threads:
            thread.join(10)
        self._listener.close()

    @property
    def url(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def open_connections(self) -> int:
        """How many connections the client has not closed yet."""
        return len(self._open)

    def all_closed(self, *, within: float) -> bool:
        """
        Wait until the client has closed every connection.

        :param within: seconds
        """
        with self._changed:
            return self._changed.wait_for(lambda: not self._open, within)

    def _accept(self) -> None:
        while True:
            connection, (_, port) = self._listener.accept()
            if self.stopping.is_set():
                connection.close()
                return
            script = self.scripts[min(len(self.connections), len(self.scripts) - 1)]
            self.connections.append(port)
            with self._changed:
                self._open.add(port)
            thread = threading.Thread(target=self._serve, args=(script, connection, port))
            self._threads.append(thread)
            thread.start()

    def _serve(self, script: Script, connection: socket.socket, port: int) -> None:
        # A client that leaves early is what most tests are about; so is one that does not like our TLS.
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            stack.callback(self._note_closed, port)
            stack.callback(connection.close)
            connection.settimeout(5)
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
                stack.callback(connection.close)
            connection.settimeout(_TICK)
            script(Peer(self, connection, port))

    def _note_closed(self, port: int) -> None:
        with self._changed:
            self._open.discard(port)
            self._changed.notify_all()


def response(
    body: bytes = b'{"ok": true}', *, status: int = 200, kind: str = "application/json", **headers: str
) -> bytes:
    """An answer; underscores in the names of headers become hyphens."""
    lines = [f"HTTP/1.1 {status} Some", f"Content-Type: {kind}", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def answer(*responses: bytes) -> Script:
    """Answer one request after the other on the same connection; the last answer is for all that follow."""

    def script(peer: Peer) -> None:
        number = 0
        while True:
            peer.read()
            peer.send((responses or (response(),))[min(number, len(responses or (b"",)) - 1)])
            number += 1

    return script


def in_turn(*responses: bytes) -> Script:
    """As :func:`answer`, but counts the requests of all connections."""

    def script(peer: Peer) -> None:
        while True:
            peer.read()
            peer.send(responses[min(len(peer.server.requests), len(responses)) - 1])

    return script
