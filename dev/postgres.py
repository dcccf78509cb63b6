"""A PostgreSQL server for a while, from the wheel that brings its programs: nothing has to be installed."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from dev.layout import confined
from dev.process import KeptProcess, tail

START_SECONDS = 180.0


class PostgresError(Exception):
    """The server did not start; the message says why."""


@contextlib.contextmanager
def postgres(folder: Path) -> Iterator[str]:
    """
    Run an empty server; yields the address of its database, in SQLAlchemy's form.

    It ends with this process, however that ends. If this process is root, which PostgreSQL refuses to be, the
    server runs as the user ``pgserver``, who is made if need be and may enter the folders above ``folder``.

    :param folder: made anew; not below pytest's temporary folder, which each further pytest closes to others
    :raises PostgresError: if it does not start
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    process = KeptProcess(
        [sys.executable, "-m", "dev.postgres_server", str(folder)],
        log=folder / "server.log",
        environment=confined(),
        grace=15.0,
    )
    try:
        yield _address(folder, process)
    finally:
        process.stop()


def crash(folder: Path) -> None:
    """
    Let a server lose all connections and be away for a while; returns when it answers again.

    :param folder: that of :func:`postgres`
    :raises PostgresError: if it does not start again
    """
    (folder / "address").unlink()
    os.kill(int((folder / "pid").read_text()), signal.SIGUSR1)
    _await_address(folder)


def _address(folder: Path, process: KeptProcess) -> str:
    _await_address(folder, process)
    return (folder / "address").read_text()


def _await_address(folder: Path, process: KeptProcess | None = None) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not (folder / "address").exists():
        ended = process is not None and process.exit_code is not None
        if ended or time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL did not start:\n{tail(folder / 'server.log', lines=60)}")
        time.sleep(0.1)
