"""The command line, as a process of its own."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from airflow_provider_workflows.sandbox import cli
from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.faults import KINDS
from tests.sandbox.client import OMFlowClient

COMMAND = [sys.executable, "-m", "airflow_provider_workflows.sandbox"]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """A sandbox process and the address that its ready file tells."""
    ready = tmp_path / "ready.json"
    process = subprocess.Popen(
        [*COMMAND, "--port", "0", "--ready-file", str(ready)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 20
    while not ready.exists():
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.02)
    told = json.loads(ready.read_text())
    assert told["pid"] == process.pid
    yield process, told["url"]
    process.kill()
    process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_and_stops_promptly(
    running: tuple[subprocess.Popen[str], str], number: signal.Signals
) -> None:
    process, url = running
    client = OMFlowClient(f"{url}/omflow-1.2")
    assert client.open("simple")["result"] == "1"
    client.close()
    process.send_signal(number)
    out, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, "")
    assert out == f"Sandbox listening on {url}\n"


def test_a_hanging_request_does_not_hold_up_the_end(running: tuple[subprocess.Popen[str], str]) -> None:
    process, url = running
    control = Control(url)
    fault = control.fault("omflow-1.2", "security", "hang")
    target = urlsplit(url)
    assert target.hostname is not None
    with socket.create_connection((target.hostname, target.port or 80)) as connection:
        connection.sendall(b"GET /omflow-1.2/accounts/api/security/get/ HTTP/1.1\r\nHost: x\r\n\r\n")
        while control.hits(fault) == 0:
            time.sleep(0.02)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, "")


def test_faults_are_no_errors_of_the_server(running: tuple[subprocess.Popen[str], str]) -> None:
    process, url = running
    control = Control(url)
    client = OMFlowClient(f"{url}/omflow-1.2", timeout=0.5)
    for kind in KINDS:
        fault = control.fault("omflow-1.2", "security", kind, seconds=0.1)
        with contextlib.suppress(requests.RequestException):
            client.login()
        assert control.hits(fault) == 1, kind
    client.close()
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=5)
    assert (process.returncode, err) == (0, "")


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """The one line that says why the command would not start."""
    assert cli.main(arguments) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert re.fullmatch(r"sandbox: [^\n]+\n", err)
    return err


def test_a_taken_port(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}: Address already in use" in refused(capsys, "--port", str(port))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[omflow", "not valid TOML"),
        (b"[onflow]", "unknown onflow"),
        (b"[omflow]\nprocesses = 3", "processes cannot be 3"),
    ],
)
def test_a_file_that_cannot_be_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], content: bytes | None, reason: str
) -> None:
    path = tmp_path / "processes.toml"
    if content is not None:
        path.write_bytes(content)
    assert reason in refused(capsys, "--port", "0", "--processes", str(path))


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.7", "example.org", "::"])
def test_other_machines_need_a_flag(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert "--allow-remote" in refused(capsys, "--port", "0", "--host", host)


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none(capsys: pytest.CaptureFixture[str], port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        cli.main([f"--port={port}"])
    assert stopped.value.code == 2
    assert "port" in capsys.readouterr().err
