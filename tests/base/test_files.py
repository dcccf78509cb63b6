"""Attachments from wherever Airflow reads files."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_workflows.base.files import file_part
from airflow_provider_workflows.protocol.errors import InvalidInput


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "offer (1).pdf"
    path.write_bytes(b"%PDF-1.7")
    return path


@pytest.mark.parametrize(
    "kind",
    [str, Path, lambda path: f"file://{path}", lambda path: ObjectStoragePath(f"file://{path}")],
    ids=["text", "path", "URL", "object"],
)
def test_part_of_a_file(file: Path, kind: Any) -> None:
    part = file_part(kind(file), name="files")
    assert (part.name, part.filename, part.size) == ("files", "offer (1).pdf", 8)
    assert part.content_type == "application/pdf"
    assert part.value is None


def test_the_file_is_read_anew_at_each_sending(file: Path) -> None:
    part = file_part(file, name="files")
    assert part.open is not None
    for content in (b"%PDF-1.7", b"%PDF-1.8"):
        file.write_bytes(content)
        with part.open() as stream:
            assert stream.read() == content


def test_other_paths_of_python(file: Path) -> None:
    class Pathlike:
        def __fspath__(self) -> str:
            return str(file)

    assert file_part(Pathlike(), name="files").size == 8
    assert file_part(PurePath(file), name="files").size == 8


def test_unknown_kinds_are_plain_bytes(tmp_path: Path) -> None:
    (tmp_path / "data").write_bytes(b"")
    part = file_part(tmp_path / "data", name="files")
    assert (part.content_type, part.size) == ("application/octet-stream", 0)


@pytest.mark.parametrize(
    "path",
    ["", "nope.pdf", "/", "a\0b", "nowhere://bucket/a.pdf", "file:///nope.pdf", 7, None, b"a.pdf"],
    ids=repr,
)
def test_what_cannot_be_read_is_named(path: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        file_part(path, name="files")
    assert (repr(path) if isinstance(path, str) else type(path).__name__) in str(caught.value)
