"""The proxy, with real connections."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_workflows.sandbox.server import SandboxServer
from dev.ports import LOOPBACK
from tests.system.chaos.lifecycle.tcp_proxy import DROP, TcpProxy


def test_passes_on_refuses_and_passes_on_again(sandbox: SandboxServer) -> None:
    proxy = TcpProxy(sandbox.url)
    with requests.Session() as session:
        session.trust_env = False
        address = f"{proxy.url}/_control/faults"
        assert session.get(address, timeout=5).json() == []
        proxy.close()
        with pytest.raises(requests.ConnectionError, match="refused"):
            requests.get(address, timeout=5, proxies={"http": ""})
        with pytest.raises(requests.ConnectionError):
            session.get(address, timeout=5)
        proxy.open()
        assert session.get(address, timeout=5).json() == []
        proxy.close()


def test_a_big_answer_comes_whole(sandbox: SandboxServer) -> None:
    proxy = TcpProxy(sandbox.url)
    with requests.Session() as session:
        session.trust_env = False
        path = "_desk/static/desk.css"
        direct = session.get(f"{sandbox.url}/{path}", timeout=5).content
        assert len(direct) > 5000
        assert session.get(f"{proxy.url}/{path}", timeout=5).content == direct
    proxy.close()


def test_what_is_cut_off_behind_it_is_cut_off_before_it(sandbox: SandboxServer) -> None:
    proxy = TcpProxy(sandbox.url)
    sandbox.control.fault("robusta", "any", "reset_before")
    with requests.Session() as session:
        session.trust_env = False
        with pytest.raises(requests.ConnectionError):
            session.get(f"{proxy.url}/robusta/anything", timeout=5)
    proxy.close()


def test_frozen_it_takes_connections_and_keeps_what_they_send(sandbox: SandboxServer) -> None:
    proxy = TcpProxy(sandbox.url)
    with socket.create_connection((LOOPBACK, urlsplit(proxy.url).port or 0), timeout=5) as connection:
        proxy.freeze()
        connection.sendall(b"GET /_control/faults HTTP/1.0\r\nHost: 127.0.0.1\r\n\r\n")
        connection.settimeout(0.2)
        with pytest.raises(TimeoutError):
            connection.recv(1)
        proxy.thaw()
        connection.settimeout(5)
        assert connection.recv(12).endswith(b" 200")
    proxy.close()


def test_a_dripping_answer_comes_whole(sandbox: SandboxServer) -> None:
    proxy = TcpProxy(sandbox.url)
    sandbox.control.fault("robusta", "any", "reset_before")
    with requests.Session() as session:
        session.trust_env = False
        direct = session.get(f"{sandbox.url}/_control/faults", timeout=5).content
        assert len(direct) > 3 * DROP
        proxy.drips = True
        assert session.get(f"{proxy.url}/_control/faults", timeout=60).content == direct
    proxy.close()
