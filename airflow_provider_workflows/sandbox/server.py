"""Running the sandbox: uvicorn in a thread, on a socket that is bound before anything is promised."""

from __future__ import annotations

import logging
import socket
import threading
from collections.abc import Collection
from pathlib import Path
from types import TracebackType

import uvicorn

from airflow_provider_workflows.sandbox import wire
from airflow_provider_workflows.sandbox.application import create_application
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.registry import Source
from airflow_provider_workflows.sandbox.sandbox import Sandbox

_STARTED_WITHIN = 30.0
_STOPPED_WITHIN = 10.0
# Requests that are slow on purpose must not hold up the end; whole seconds.
_GRACE = 1


class PortTakenError(OSError):
    """The address cannot be listened on; the text says which and why."""


class _AnnouncingServer(uvicorn.Server):
    """uvicorn that says when it has begun to listen."""

    def __init__(self, config: uvicorn.Config, listening: threading.Event) -> None:
        super().__init__(config)
        self._listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listening.set()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        # Nobody is owed a polite end here, and below TLS a polite end waits for the other side.
        wire.abort_all(self)
        await super().shutdown(sockets)


class SandboxServer:
    """
    A sandbox that listens while the ``with`` block lasts.

    :param processes: declaration file, or what it would hold; what the vendors bring with them if None.
    :param port: 0 for a free one.
    :param host: address to listen on.
    :param allowed_hosts: names by which its control API and pages may be called, beside this machine's own.
    :param ssl: paths of a certificate and its key, in PEM, to serve https.
    :raises DeclarationError: if the file cannot be used.
    :raises PortTakenError: if the address cannot be listened on.
    """

    def __init__(
        self,
        processes: Source = None,
        port: int = 0,
        ssl: tuple[Path | str, Path | str] | None = None,
        *,
        host: str = "127.0.0.1",
        allowed_hosts: Collection[str] = (),
    ) -> None:
        self._allowed_hosts = allowed_hosts
        self._ssl = ssl
        self._sandbox = Sandbox(processes)
        self._socket = _bound(host, port)
        self._socket_name: tuple[str, int] = self._socket.getsockname()[:2]
        self._listening = threading.Event()
        self._server = _AnnouncingServer(self._config(), self._listening)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)

    @property
    def url(self) -> str:
        """Address of the sandbox."""
        host, port = self._socket_name
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self._ssl else 'http'}://{shown}:{port}"

    @property
    def port(self) -> int:
        """The port it listens on."""
        return self._socket_name[1]

    @property
    def control(self) -> Control:
        """A client of its control API."""
        return Control(self.url)

    def omflow_url(self, version: str = "1.2") -> str:
        """
        Return the base address of one OMFlow, as a connection wants it.

        :param version: ``1.2`` or ``1.1``.
        """
        return self.vendor_url(f"omflow-{version}")

    def vendor_url(self, name: str) -> str:
        """Return the base address of one vendor, by the name of its mount."""
        return f"{self.url}/{name}"

    def start(self) -> SandboxServer:
        """
        Begin to listen; returns when requests are answered.

        :raises RuntimeError: if the server ends before that.
        """
        self._thread.start()
        self._listening.wait(_STARTED_WITHIN)
        if not self._server.started:
            raise RuntimeError("the sandbox's server did not start")
        return self

    def stop(self) -> None:
        """Stop listening and end open requests."""
        self._server.should_exit = True
        self._thread.join(_STOPPED_WITHIN)

    def __enter__(self) -> SandboxServer:
        """Start."""
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()

    def _config(self) -> uvicorn.Config:
        # The event loop is fixed: resets need a transport whose socket can be reached.
        return uvicorn.Config(
            create_application(self._sandbox, allowed_hosts=self._allowed_hosts),
            loop="asyncio",
            ws="none",
            lifespan="off",
            access_log=False,
            log_config=None,
            log_level=logging.ERROR,
            timeout_graceful_shutdown=_GRACE,
            ssl_certfile=None if self._ssl is None else str(self._ssl[0]),
            ssl_keyfile=None if self._ssl is None else str(self._ssl[1]),
        )

    def _run(self) -> None:
        try:
            self._server.run(sockets=[self._socket])
        finally:
            self._listening.set()


def _bound(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio turns off Nagle only where it reads TCP.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    # Connections that a fault has reset or an earlier sandbox has closed must not keep the port for a minute.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise PortTakenError(f"cannot listen on {host} port {port}: {error.strerror}") from None
    return listener
