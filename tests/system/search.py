"""Looks for a secret wherever Airflow keeps something."""

from __future__ import annotations

import base64
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus


def forms(secret: str) -> set[bytes]:
    """Return what a secret looks like raw, URL-quoted and in Base64."""
    raw = secret.encode()
    quoted = {quote(secret).encode(), quote(secret, safe="").encode(), quote_plus(secret).encode()}
    return {raw, *quoted, base64.b64encode(raw).rstrip(b"="), base64.urlsafe_b64encode(raw).rstrip(b"=")}


def in_files(folder: Path, secret: str) -> list[str]:
    """Return the files below a folder that hold a secret; the database's own files among them."""
    wanted = forms(secret)
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return [str(path.relative_to(folder)) for path in files if _holds(path.read_bytes(), wanted)]


def in_database(database: Path, secret: str) -> list[str]:
    """Return every ``table.column`` that holds a secret."""
    wanted = forms(secret)
    return sorted({place for place, value in _values(database) if _holds(value, wanted)})


def rows(database: Path, table: str) -> int:
    """Return how many rows a table has."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return int(connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0])


def _values(database: Path) -> Iterator[tuple[str, bytes]]:
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]
        for table in tables:
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            columns = [column[0] for column in cursor.description]
            for row in cursor:
                for column, value in zip(columns, row, strict=True):
                    if value is not None:
                        yield f"{table}.{column}", value if isinstance(value, bytes) else str(value).encode()


def _holds(content: bytes, wanted: set[bytes]) -> bool:
    return any(form in content for form in wanted)
