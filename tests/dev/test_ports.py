"""Ports: any free one, or the one asked for."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator

import pytest

from dev.layout import ROOT
from dev.ports import LOOPBACK, PortTaken, free_port


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server((LOOPBACK, 0)) as server:
        yield server.getsockname()[1]


def test_any_port_can_be_listened_on() -> None:
    port = free_port()
    with socket.create_server((LOOPBACK, port)) as server:
        assert server.getsockname()[1] == port


def test_preferred_port_is_given() -> None:
    port = free_port()
    assert free_port(port) == port


def test_taken_port_is_refused(taken: int) -> None:
    with pytest.raises(PortTaken, match=f"port {taken} cannot be used"):
        free_port(taken)


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
