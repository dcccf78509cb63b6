"""
Looks for secrets wherever Airflow keeps something, in whatever form.

A secret is named by a label, and only that is told of it: a test that fails must not print it.
"""

from __future__ import annotations

import base64
import contextlib
import html
import json
import re
import sqlite3
import zlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from urllib.parse import quote, quote_plus

import markupsafe
from cryptography.fernet import Fernet, InvalidToken

#: A name of a place, and what is there.
Place = tuple[str, bytes]
#: The connection's own columns, which hold secrets on purpose, but none that can be read without the key.
ENCRYPTED = ("connection.password", "connection.extra")
#: Characters of a secret that cannot be there by chance.
TELLING = 10


def forms(secret: str) -> set[bytes]:
    """
    Return what a secret looks like: raw, quoted for URLs, JSON and HTML, in Base64, in hexadecimal digits.

    Base64 is without padding and without the characters that depend on what stands before and after the
    secret, so that a longer text which holds it, such as ``login:password``, is recognised as well.
    """
    text = secret.encode()
    quoted = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    escaped = {html.escape(secret), html.escape(secret, quote=False), str(markupsafe.escape(secret))}
    escaped.add(repr(secret)[1:-1])
    escaped |= {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    twice = {quote(one, safe="") for one in quoted} | {json.dumps(one)[1:-1] for one in escaped}
    lower = {re.sub("%..", lambda digits: digits[0].lower(), one) for one in quoted}
    encoded = {text.hex().encode(), secret.encode("utf-16-le")}
    for before in range(3):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            encoded.add(_inside(encode(b"\0" * before + text), before, len(text)))
    return {text, *encoded, *(one.encode() for one in quoted | escaped | twice | lower)}


def _inside(encoded: bytes, before: int, length: int) -> bytes:
    """Return the characters of a Base64 text that depend on nothing but the secret inside it."""
    return encoded[-(-before * 8 // 6) : (before + length) * 8 // 6]


def fragments(secret: str) -> set[str]:
    """Return the parts of a secret by which it is known: a text that was cut off may hold but one of them."""
    half = len(secret) // 2
    parts = {secret[:half], secret[half:], *re.findall("[A-Za-z0-9]+", secret)}
    return {part for part in parts if len(part) >= TELLING} or {secret}


def found(secrets: Mapping[str, str], places: Iterable[Place]) -> dict[str, list[str]]:
    """
    Return the places where secrets were found, by label.

    :param secrets: each by a label
    :param places: from :func:`files`, :func:`database` and the like
    """
    wanted = {
        form: label for label, secret in secrets.items() for part in fragments(secret) for form in forms(part)
    }
    where: dict[str, set[str]] = defaultdict(set)
    for place, content in places:
        for form, label in wanted.items():
            if form in content:
                where[label].add(place)
    return {label: sorted(names) for label, names in where.items()}


def files(folder: Path) -> Iterator[Place]:
    """Yield all files below a folder: logs, and the database's own with its free pages and journal."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with contextlib.suppress(FileNotFoundError):  # SQLite's own come and go
                yield str(path.relative_to(folder)), path.read_bytes()


def database(path: Path, key: str) -> Iterator[Place]:
    """
    Yield the columns of all tables as ``table.column``, what is encrypted or compressed in readable form too.

    :param path: the SQLite file
    :param key: Airflow's Fernet key; :data:`ENCRYPTED` alone are left as they are
    """
    with _reading(path) as connection:
        for table in _tables(connection):
            columns: dict[str, list[bytes]] = {}
            cursor = connection.execute(f'SELECT * FROM "{table}"')
            for row in cursor:
                for (column, *_), value in zip(cursor.description, row, strict=True):
                    if value is not None:
                        place = f"{table}.{column}"
                        columns.setdefault(place, []).extend(_readable(place, _bytes(value), key))
            yield from ((place, b"\n".join(values)) for place, values in columns.items())


def decrypted(path: Path, key: str, place: str) -> bytes:
    """
    Return all that an encrypted column holds.

    :param path: the SQLite file
    :param key: Airflow's Fernet key
    :param place: ``table.column``
    """
    table, column = place.split(".")
    with _reading(path) as connection:
        values = connection.execute(f'SELECT "{column}" FROM "{table}" WHERE "{column}" != ""')
        return b"\n".join(Fernet(key).decrypt(value) for (value,) in values)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        yield connection


def _tables(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type='table'")]


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()


def _readable(place: str, value: bytes, key: str) -> Iterator[bytes]:
    yield value
    if value.startswith(b"gAAAA") and place not in ENCRYPTED:
        with contextlib.suppress(InvalidToken):
            yield Fernet(key).decrypt(value)
    for window in (zlib.MAX_WBITS, zlib.MAX_WBITS | 16):  # zlib, as for serialized DAGs, and gzip
        with contextlib.suppress(zlib.error):
            yield zlib.decompress(value, window)
