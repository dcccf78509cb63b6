"""The server around the sandbox: addresses, TLS, and the one module below HTTP."""

from __future__ import annotations

import contextlib
import socket
import ssl
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests
from starlette.types import Message

from airflow_provider_workflows.sandbox import wire
from airflow_provider_workflows.sandbox.server import PortTakenError, SandboxServer
from dev.certificate import self_signed


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Certificate and key for 127.0.0.1, signed by itself."""
    return self_signed(tmp_path_factory.mktemp("tls"))


def test_addresses(server: SandboxServer) -> None:
    assert server.url == f"http://127.0.0.1:{server.port}"
    assert server.omflow_url() == f"{server.url}/omflow-1.2"
    assert server.omflow_url("1.1") == f"{server.url}/omflow-1.1"


def test_a_taken_port_is_said_at_once(server: SandboxServer) -> None:
    with pytest.raises(PortTakenError, match=f"port {server.port}"):
        SandboxServer(port=server.port)


def test_the_port_is_free_again_after_a_stop() -> None:
    with SandboxServer() as first:
        port = first.port
        with requests.Session() as session:
            session.trust_env = False
            session.get(first.url, timeout=5)
    with SandboxServer(port=port) as second:
        assert second.port == port


def test_tls_serves_the_vendor_and_its_control(certificate: tuple[Path, Path]) -> None:
    with SandboxServer(ssl=certificate) as server, requests.Session() as session:
        session.trust_env = False
        session.verify = str(certificate[0])
        answer = session.get(f"{server.omflow_url()}/accounts/api/security/get/", timeout=5)
        assert answer.json()["status"] == "500"
        assert server.control.effects("omflow-1.2")["requests"] == {"security": 1}


def test_a_reset_below_tls(certificate: tuple[Path, Path]) -> None:
    with SandboxServer(ssl=certificate) as server:
        fault = server.control.fault("omflow-1.2", "security", "lost_answer")
        target = urlsplit(server.url)
        context = ssl.create_default_context(cafile=certificate[0])
        plain = socket.create_connection((str(target.hostname), server.port), timeout=5)
        secured = context.wrap_socket(plain, server_hostname="127.0.0.1")
        secured.sendall(b"GET /omflow-1.2/accounts/api/security/get/ HTTP/1.1\r\nHost: x\r\n\r\n")
        # Read below TLS: Python's own layer takes a reset there for an early end.
        with socket.socket(fileno=secured.detach()) as below, pytest.raises(ConnectionResetError):
            _read_to_the_end(below)
        assert server.control.hits(fault) == 1


def _read_to_the_end(connection: socket.socket) -> None:
    connection.settimeout(5)
    while connection.recv(65536):
        pass


def test_a_stop_ends_the_connections_that_are_open() -> None:
    with SandboxServer() as server:
        address = urlsplit(server.url)
        held = socket.create_connection((address.hostname, address.port), timeout=5)
        held.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert held.recv(12) == b"HTTP/1.1 200", "and the connection is kept alive"
    with held, contextlib.suppress(ConnectionResetError):
        _read_to_the_end(held)


async def _not_uvicorn() -> Message:
    return {"type": "http.disconnect"}


def test_another_server_below_is_recognised() -> None:
    with pytest.raises(wire.TransportNotFoundError):
        wire.transport_of(_not_uvicorn)
