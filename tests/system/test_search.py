"""The search finds what is planted: in whatever form, column or file, and tells only where."""

from __future__ import annotations

import base64
import gzip
import html
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from tests.system.search import database, decrypted, files, found

SECRET = "s3cretS3cret01/+&<\"'% \\=ñt3rcesT3rces10"
KEY = Fernet.generate_key().decode()


def spelled(secret: str) -> Iterator[str]:
    """A secret as it may be met."""
    yield secret
    yield from (quote(secret), quote(secret, safe=""), quote_plus(secret), quote(quote(secret)))
    yield from (
        html.escape(secret),
        json.dumps(secret),
        json.dumps({"in": json.dumps(secret)}),
        repr([secret]),
    )
    yield secret.encode().hex()
    for before in ("", "a", "ab", "someone:"):
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(f"{before}{secret} and more".encode()).decode()
    yield from (secret[:20], secret[-20:], html.escape(secret)[:30])


@pytest.mark.parametrize("text", list(spelled(SECRET)))
def test_every_form_is_found(text: str) -> None:
    assert found({"it": SECRET}, [("here", f"<{text}>".encode()), ("there", b"")]) == {"it": ["here"]}


def test_wide_characters_are_found() -> None:
    assert found({"it": SECRET}, [("here", SECRET.encode("utf-16-le"))]) == {"it": ["here"]}


@given(
    secret=st.text("abcXYZ019/+-_", min_size=20, max_size=40), before=st.binary(max_size=9), after=st.binary()
)
def test_every_secret_is_found_in_base64(secret: str, before: bytes, after: bytes) -> None:
    encoded = base64.b64encode(before + secret.encode() + after)
    assert found({"it": secret}, [("here", encoded)]) == {"it": ["here"]}


def test_another_secret_is_not_found() -> None:
    other = "0therS3cret0th/+&<\"'% \\=ñ0therS3cret0th"
    assert found({"it": other}, [("here", text.encode()) for text in spelled(SECRET)]) == {}


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    """A database with a secret in five places that are searched, and in two that are encrypted on purpose."""
    path, secret = tmp_path / "kept.db", SECRET.encode()
    fernet = Fernet(KEY)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE connection (conn_id, password, extra)")
        connection.execute(
            "INSERT INTO connection VALUES ('one', ?, ?)",
            [fernet.encrypt(value).decode() for value in (secret, b'{"key": "%s"}' % secret)],
        )
        connection.execute('CREATE TABLE "trigger" (kwargs)')
        connection.execute('INSERT INTO "trigger" VALUES (?)', [fernet.encrypt(secret).decode()])
        connection.execute("CREATE TABLE serialized_dag (data, data_compressed, other)")
        connection.execute(
            "INSERT INTO serialized_dag VALUES (?, ?, ?)",
            [json.dumps({"x": SECRET}), zlib.compress(secret), gzip.compress(secret)],
        )
        connection.execute('CREATE TABLE "odd name" ("odd column")')
        connection.execute('INSERT INTO "odd name" VALUES (NULL), (1), (?)', [secret])
        connection.commit()
    return path


def test_every_column_is_searched_but_the_connections_own(kept: Path) -> None:
    where = [
        "odd name.odd column",
        "serialized_dag.data",
        "serialized_dag.data_compressed",
        "serialized_dag.other",
        "trigger.kwargs",
    ]
    assert found({"it": SECRET}, database(kept, KEY)) == {"it": where}


def test_the_connections_own_columns_are_searched_as_they_are(kept: Path) -> None:
    with closing(sqlite3.connect(kept)) as connection:
        connection.execute("UPDATE connection SET extra = ?", [SECRET])
        connection.commit()
    assert "connection.extra" in found({"it": SECRET}, database(kept, KEY))["it"]


def test_what_is_encrypted_can_be_read_with_the_key(kept: Path) -> None:
    assert decrypted(kept, KEY, "connection.password") == SECRET.encode()


def test_all_files_are_searched(tmp_path: Path) -> None:
    (tmp_path / "logs" / "run").mkdir(parents=True)
    (tmp_path / "logs" / "run" / "1.log").write_bytes(b"\xff\x00" + SECRET.encode())
    (tmp_path / "clean.log").write_text("nothing")
    assert found({"it": SECRET}, files(tmp_path)) == {"it": ["logs/run/1.log"]}
