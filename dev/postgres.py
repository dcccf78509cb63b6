"""A PostgreSQL server for a while, from the wheel that brings its programs: nothing has to be installed."""

from __future__ import annotations

import contextlib
import shutil
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


def _address(folder: Path, process: KeptProcess) -> str:
    deadline = time.monotonic() + START_SECONDS
    while not (address := folder / "address").exists():
        if process.exit_code is not None or time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL did not start:\n{tail(process.log, lines=60)}")
        time.sleep(0.1)
    return address.read_text()
