"""A PostgreSQL server that is there for a while, and gone afterwards in whatever way that came."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy

from dev.layout import AIRFLOW_HOMES, ROOT
from dev.postgres import crash, postgres

OWNER = """
import sys, time
from pathlib import Path
from dev.postgres import postgres
with postgres(Path(sys.argv[1])) as address:
    print(address, flush=True)
    time.sleep(600)
"""


def answers(address: str) -> bool:
    """Whether a server answers there."""
    engine = sqlalchemy.create_engine(address)
    try:
        with engine.connect() as connection:
            return connection.execute(sqlalchemy.text("SELECT 1")).scalar() == 1
    except sqlalchemy.exc.OperationalError:
        return False
    finally:
        engine.dispose()


@pytest.fixture
def folder() -> Iterator[Path]:
    """
    A folder that the server's own user may enter if this one is root.

    ``tmp_path`` is none: it lies below a folder that each pytest closes as it starts: other tests do so.
    """
    folder = AIRFLOW_HOMES / "test-postgres"
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_it_answers_for_a_while_and_begins_anew(folder: Path) -> None:
    for _ in range(2):
        with postgres(folder) as address:
            engine = sqlalchemy.create_engine(address)
            with engine.begin() as connection:
                connection.execute(sqlalchemy.text("CREATE TABLE once (value int)"))
            engine.dispose()
        assert not answers(address)


@pytest.mark.system  # it stays away for a while
def test_a_crash_cuts_connections_and_keeps_what_was_committed(folder: Path) -> None:
    with postgres(folder) as address:
        engine = sqlalchemy.create_engine(address)
        with engine.begin() as connection:
            connection.execute(sqlalchemy.text("CREATE TABLE once (value int)"))
        with engine.connect() as connection:
            connection.execute(sqlalchemy.text("INSERT INTO once VALUES (1)"))
            crash(folder)
            with pytest.raises(sqlalchemy.exc.DBAPIError, match="connection"):
                connection.commit()
        engine.dispose()
        assert (folder / "address").read_text() == address
        with engine.connect() as connection:
            assert connection.execute(sqlalchemy.text("SELECT count(*) FROM once")).scalar() == 0
        engine.dispose()


@pytest.mark.skipif(sys.platform != "linux", reason="the guarantee rests on Linux's child subreaper")
def test_it_does_not_outlive_a_process_that_is_killed(folder: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(folder)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert owner.stdout is not None
    address = owner.stdout.readline().strip()
    assert answers(address)
    os.kill(owner.pid, signal.SIGKILL)
    owner.wait()
    owner.stdout.close()
    deadline = time.monotonic() + 30
    while answers(address):
        assert time.monotonic() < deadline
        time.sleep(0.1)
