"""A second API server, for the program alone."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import requests

from dev.airflow_home import AirflowError
from dev.ports import LOOPBACK, free_port
from dev.process import KeptProcess, tail

START_SECONDS = 120.0


@contextlib.contextmanager
def front(home: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """
    An API server for those who trigger and clear, beside the one that serves the tasks; its address.

    Airflow writes its audit log in the event loop. Where tasks report to the same server, that write may wait
    for SQLite's one writer, which is a task's request that cannot go on until the event loop does: both stand
    still until one gives up. Between two servers there is only a wait.

    :param home: of the Airflow
    :param environment: of its processes
    :raises AirflowError: if it does not start
    """
    port = free_port()
    command = [sys.executable, "-m", "airflow", "api-server", "--apps", "core", "--port", str(port)]
    patient = {**environment, "AIRFLOW__DATABASE__SQL_ALCHEMY_CONNECT_ARGS": "dev.sqlite.CONNECT"}
    process = KeptProcess(command, log=home / "front.log", environment=patient, grace=2.0)
    url = f"http://{LOOPBACK}:{port}"
    try:
        _await(url, process)
        yield url
    finally:
        process.stop()


def _await(url: str, process: KeptProcess) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not _answers(url):
        if process.exit_code is not None or time.monotonic() > deadline:
            raise AirflowError(f"the second API server did not start:\n{tail(process.log)}")
        time.sleep(0.5)


def _answers(url: str) -> bool:
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(f"{url}/api/v2/version", timeout=5).ok
        except requests.RequestException:
            return False
