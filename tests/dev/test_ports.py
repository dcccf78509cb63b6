"""Ports: any free one, or the one asked for."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dev.layout import ROOT
from dev.ports import LOOPBACK, HeldPort, PortTaken


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_one_server_after_another_can_listen_on_a_held_port() -> None:
    with HeldPort() as port:
        for _ in range(2):
            with socket.create_server((LOOPBACK, port.number)):
                socket.create_connection((LOOPBACK, port.number)).close()
            with pytest.raises(ConnectionRefusedError):
                socket.create_connection((LOOPBACK, port.number))


def test_the_system_gives_a_held_port_to_nobody_else() -> None:
    with HeldPort() as port, socket.socket() as plain, pytest.raises(OSError, match="in use"):
        plain.bind((LOOPBACK, port.number))


def test_preferred_port_is_given() -> None:
    with HeldPort() as port:
        number = port.number
    with HeldPort(number) as again:
        assert again.number == number


def test_taken_port_is_refused(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"port {taken} cannot be used"):
        HeldPort(taken)


@pytest.mark.parametrize("option", ["--port", "--sandbox-port"])
def test_make_airflow_says_that_a_port_is_taken(taken: int, option: str) -> None:
    explore = subprocess.run(
        [sys.executable, "-m", "dev.explore", option, str(taken)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert explore.returncode == 1
    assert explore.stdout == f"error: port {taken} cannot be used (Address already in use); choose another\n"
    assert explore.stderr == ""
