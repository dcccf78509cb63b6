"""
Does with ``requests``, in a worker, what a driver asks for.

Below the adapter are its connections: pools of ``requests`` that do what an endpoint says, end a sending when
its time is over, and tell when the first byte of a request goes out.
"""

from __future__ import annotations

import contextlib
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextvars import ContextVar
from email import errors
from io import BufferedReader
from typing import Any, TypeVar

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection

from airflow_provider_workflows.core.protocol.message import Reply
from airflow_provider_workflows.core.protocol.operation import Consult, Sleep
from airflow_provider_workflows.core.transport.answer import Incoming
from airflow_provider_workflows.core.transport.driver import Action, Actions, Cell, Fetched, Send, Turn
from airflow_provider_workflows.core.transport.endpoint import Endpoint

T = TypeVar("T")

CHUNK = 64 * 1024


class RequestsAdapter:
    """
    Runs drivers' actions against one endpoint, for the threads of one process.

    :param learned: called with each fetched credential, so that logs can mask it
    :param sleep: how to wait, in seconds
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        learned: Callable[[str], None] = lambda credential: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.endpoint = endpoint
        self.cell = Cell(threading.Lock())
        self._learned = learned
        self._sleep = sleep
        self._pooled: _Pools | None = None

    def run(self, actions: Actions[T]) -> T:
        """Do what a driver asks for until it returns."""
        # Taken out again to be sent: a library's exception quotes the URL, and this frame must not show it.
        answers: list[Any] = [None]
        with contextlib.closing(actions):
            while True:
                try:
                    action = actions.send(answers.pop())
                except StopIteration as end:
                    result: T = end.value
                    return result
                answers.append(self._do(action))

    def close(self) -> None:
        """Close the pooled connections; the next request opens new ones."""
        if self._pooled is not None:
            self._pooled.close()
            self._pooled = None

    def _do(self, action: Action) -> object:
        match action:
            case Send():
                try:
                    return self._send(action)
                except Exception as exception:
                    return exception
                except BaseException as struck:
                    # From outside, as a task's timeout. The libraries' frames hold headers and URLs.
                    raise struck.with_traceback(None) from struck.__cause__
            case Sleep():
                self._sleep(action.seconds)
            case Turn():
                self.cell.lock.acquire()
                return self.cell
            case Fetched():
                self._learned(action.credential)
            case Consult():
                return action.ask()
        return None

    def _send(self, send: Send) -> Reply:
        """
        Send once.

        Not by a session, which would look at the environment, keep cookies and read where a redirect leads.
        """
        request = requests.PreparedRequest()
        request.method, request.url, request.body = send.method, send.url, send.body or None  # type: ignore[assignment]
        # As bytes, since http.client would write text in Latin-1.
        request.headers = {name: value.encode() for name, value in send.headers.items()}  # type: ignore[assignment]
        with contextlib.ExitStack() as stack:
            if send.fresh:
                pools = stack.enter_context(contextlib.closing(_Pools(self.endpoint)))
            else:
                pools = self._pooled = self._pooled or _Pools(self.endpoint)
            stack.enter_context(_Watch(send))
            timeout = (send.connect_timeout, send.timeout)
            response = pools.send(request, stream=True, timeout=timeout, proxies=pools.proxies)
            raw = stack.enter_context(response).raw
            fields = (
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in raw.headers.iteritems()
            )
            incoming = Incoming(raw.status, fields, largest=send.largest)
            # read1 returns what has arrived.
            # What follows a 101 is no body, but of the protocol to which the server switches.
            while raw.status != 101 and (chunk := raw.read1(CHUNK, decode_content=False)):
                incoming.feed(chunk)
            return incoming.reply()


class _Watch:
    """Ends one sending when its time is over: shuts its socket down, whatever it waits for."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.connection: HTTPConnection | None = None
        #: The connection lets go of it when the answer ends with it.
        self.socket: Any = None
        self.begun = False
        self._lock = threading.Lock()
        self._over = self._late = False
        self._timer = threading.Timer(send.total, self._end)
        self._timer.daemon = True

    def __enter__(self) -> None:
        self._token = _watch.set(self)
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        _watch.reset(self._token)
        self._timer.cancel()
        with self._lock:
            self._over = True
        self.check()

    def check(self) -> None:
        """
        Let it go on while there is time.

        :raises TimeoutError: its time is over, and whatever came after is no answer
        """
        if self._late:
            raise TimeoutError("the answer did not end in time")

    def _end(self) -> None:
        with self._lock:
            if self._over:
                return
            self._late = True
            sock: Any = self.socket or (self.connection and self.connection.sock)
            sock = getattr(sock, "socket", sock)  # that below TLS within a proxy's TLS
            if sock is not None:
                with contextlib.suppress(OSError):  # it was closed just now
                    socket.socket.shutdown(sock, socket.SHUT_RDWR)


_watch: ContextVar[_Watch] = ContextVar("watch_of_the_request_being_sent")


class _Response(http.client.HTTPResponse):
    """Reads heads as aiohttp does: passes over interim answers, and takes a head for one only if it ends."""

    def begin(self) -> None:
        """Read up to the empty line behind the final head."""
        source = self.fp
        while True:
            self.fp = lines = _Lines(source)  # type: ignore[assignment]
            try:
                super().begin()
            finally:
                self.fp = source
            if lines.last not in (b"\r\n", b"\n"):
                raise http.client.IncompleteRead(b"")
            if any(not isinstance(one, _HARMLESS) for one in self.msg.defects):
                # The fields behind the malformed one would be lost without a word.
                raise http.client.HTTPException("malformed head")
            if not 100 <= self.status < 200 or self.status == 101:
                return
            self.headers = self.msg = None  # type: ignore[assignment]


#: What the parser, made for mail, finds of a multipart body that is not there yet.
_HARMLESS = (errors.StartBoundaryNotFoundDefect, errors.MultipartInvariantViolationDefect)


class _Lines:
    """A file of which the last line that was read is remembered."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file
        self.last = b""

    def readline(self, limit: int = -1) -> bytes:
        self.last = self._file.readline(limit)
        return self.last

    def close(self) -> None:
        self._file.close()


class _Watched(HTTPConnection):
    """A connection that tells when it stands and the first byte goes out."""

    response_class = _Response
    _connecting = False

    def connect(self) -> None:
        watch = _watch.get()
        watch.connection = self
        self._connecting = True
        try:
            super().connect()
        finally:
            self._connecting = False
        watch.check()

    def send(self, data: Any) -> None:
        # A proxy is asked for a tunnel while connecting.
        watch = _watch.get()
        if not self._connecting and not watch.begun:
            if self.sock is None:
                self.connect()
            watch.connection, watch.socket, watch.begun = self, self.sock, True
            watch.send.begin()
        super().send(data)


class _WatchedTls(_Watched, HTTPSConnection):
    """The same, over TLS."""

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except (ssl.SSLError, ConnectionResetError):
            # The server has hung up; what it said before, perhaps of our certificate, is still there to be
            # read. Of a broken pipe urllib3 makes nothing, and goes on to read by itself.
            with contextlib.suppress(OSError, AttributeError):
                self.sock.read(1)  # type: ignore[union-attr]
            raise


class _HttpPool(HTTPConnectionPool):
    ConnectionCls = _Watched


class _HttpsPool(HTTPSConnectionPool):
    ConnectionCls = _WatchedTls


_POOLS = {"http": _HttpPool, "https": _HttpsPool}


class _Pools(HTTPAdapter):
    """The connections to one endpoint, made as its settings say and not as ``requests`` would read them."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint
        proxy = endpoint.proxy
        self.proxies = {"http": proxy.url, "https": proxy.url} if proxy is not None else {}
        super().__init__()
        self.poolmanager.pool_classes_by_scheme = _POOLS

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        manager: PoolManager = super().proxy_manager_for(
            proxy, **{**kwargs, "proxy_ssl_context": self._endpoint.tls}
        )
        manager.pool_classes_by_scheme = _POOLS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        return self._endpoint.proxy.headers if self._endpoint.proxy is not None else {}

    def build_connection_pool_key_attributes(self, *args: Any, **kwargs: Any) -> tuple[Any, Any]:
        host, _ = super().build_connection_pool_key_attributes(*args, **kwargs)
        return host, {"ssl_context": self._endpoint.tls}

    def cert_verify(self, *args: object, **kwargs: object) -> None:
        """Leave it to the context, which knows."""
