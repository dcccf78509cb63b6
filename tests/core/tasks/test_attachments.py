"""Attachments from wherever Airflow reads files."""

from __future__ import annotations

import os
from pathlib import Path, PurePath
from typing import Any

import pytest
from airflow.sdk import ObjectStoragePath

from airflow_provider_workflows.core.tasks.attachments import check_path, file_part
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.kiban.documents import with_files
from airflow_provider_workflows.omflow.effects.attachments import file_parts

INSIDE = [
    "{outbox}/sub/offer.pdf",
    "sub/offer.pdf",
    "file://{outbox}/sub/offer.pdf",
    "../outbox/sub/offer.pdf",
    "{outbox}/sub/../sub/offer.pdf",
    "{outbox}/../way in/sub/offer.pdf",
    "elsewhere/outbox/sub/offer.pdf",
]
OUTSIDE = [
    "/etc/passwd",
    "/no/such",
    "../key.pem",
    "link.pem",
    "elsewhere/key.pem",
    "{outbox}/../key.pem",
    "{outbox}-of-others/key.pem",
    "file:///etc/passwd",
    "local:///etc/passwd",
    "file://{outbox}/../key.pem",
    "file://{outbox}/link.pem",
    "s3://other/signed/a.pdf",
    "s3://offers/a.pdf",
    "s3://offers/signed-not/a.pdf",
    "s3://offers/signed/../a.pdf",
    "s3://offers/signed/%2e%2e/a.pdf",
    "gs://offers/signed/a.pdf",
    "a\0b",
]


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


@pytest.mark.parametrize(
    "name", ["a\nb.txt", "a\rb.txt", "\u202egpj.txt", os.fsdecode(b"\xff.txt")], ids=repr
)
def test_a_name_that_cannot_be_sent_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"x")
    with pytest.raises(InvalidInput, match="has a control character in its name"):
        file_part(tmp_path / name, name="files")


class TestAllowedPaths:
    """With ``[workflows] allowed_paths``, no path from a run's conf reads another file of the worker."""

    @pytest.fixture(autouse=True)
    def outbox(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "outbox"
        (folder / "sub").mkdir(parents=True)
        (folder / "sub" / "offer.pdf").write_bytes(b"offer")
        (tmp_path / "outbox-of-others").mkdir()
        (tmp_path / "outbox-of-others" / "key.pem").write_bytes(b"secret")
        (tmp_path / "key.pem").write_bytes(b"secret")
        (folder / "link.pem").symlink_to(tmp_path / "key.pem")
        (folder / "elsewhere").symlink_to(tmp_path)
        (tmp_path / "way in").symlink_to(folder)
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_PATHS", f" {folder} , s3://offers/signed,")
        monkeypatch.chdir(folder)
        return folder

    @pytest.mark.parametrize("path", INSIDE)
    def test_what_leads_into_it_is_read(self, outbox: Path, path: str) -> None:
        part = file_part(path.format(outbox=outbox), name="files")
        assert part.filename == "offer.pdf"
        assert part.open is not None
        with part.open() as stream:
            assert stream.read() == b"offer"

    @pytest.mark.parametrize("path", OUTSIDE)
    def test_what_leads_out_of_it_is_refused(self, outbox: Path, path: str) -> None:
        text = path.format(outbox=outbox)
        for kind in (str, ObjectStoragePath if "://" in text else Path):
            with pytest.raises(InvalidInput, match=r"\[workflows\] allowed_paths names"):
                file_part(kind(text), name="files")

    def test_the_error_names_the_option(self) -> None:
        with pytest.raises(InvalidInput, match=r"not in a folder that \[workflows\] allowed_paths names"):
            file_part("/etc/passwd", name="files")

    def test_an_object_of_an_allowed_place_passes_the_check(self) -> None:
        for url in ("s3://offers/signed/a.pdf", "s3://conn@offers/signed/b/c.pdf"):
            check_path(ObjectStoragePath(url))

    def test_an_account_that_is_named_counts(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("AIRFLOW__WORKFLOWS__ALLOWED_PATHS", "s3://ours@offers/")
        check_path(ObjectStoragePath("s3://ours@offers/a.pdf"))
        for url in ("s3://theirs@offers/a.pdf", "s3://offers/a.pdf"):
            with pytest.raises(InvalidInput, match="allowed_paths"):
                check_path(ObjectStoragePath(url))

    def test_what_is_no_path_of_a_file_system_is_refused(self, outbox: Path) -> None:
        class Own:
            name = "offer.pdf"

            def open(self, mode: str) -> Any:
                raise AssertionError("it must not be read")

            stat = open

        with pytest.raises(InvalidInput, match="allowed_paths"):
            file_part(Own(), name="files")

    def test_a_link_that_is_turned_later_is_not_followed(self, outbox: Path, tmp_path: Path) -> None:
        link = outbox / "turned.pdf"
        link.symlink_to(outbox / "sub" / "offer.pdf")
        part = file_part(link, name="files")
        link.unlink()
        link.symlink_to(tmp_path / "key.pem")
        assert part.open is not None
        with pytest.raises(InvalidInput, match="allowed_paths"):
            part.open()

    def test_the_vendors_ask_it(self, outbox: Path) -> None:
        for attach in (
            lambda: file_parts(["/etc/passwd"], {}, version="1.2"),
            lambda: file_parts([], {"FORMITM_1": "/etc/passwd"}, version="1.2"),
            lambda: with_files(None, {"id": "/etc/passwd"}),
        ):
            with pytest.raises(InvalidInput, match="allowed_paths"):
                attach()
