"""Files: streamed to disk, measured, listed and replaced; none is left."""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import re
import resource
import socket
import sys
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.omflow.request import BODY_LIMIT
from tests.sandbox.client import OMFlowClient, until

VENDOR = "omflow-1.1"
BOUNDARY = b"edge"
BIG = 200 * 1024 * 1024
BLOCK = bytes(1024 * 1024)


@pytest.fixture
def named(old: OMFlowClient, control: Control) -> dict[str, str]:
    """What an upload to the one order of ``simple`` must say."""
    old.open("simple")
    control.advance(60)
    uuid = old.rows("simple", "flow_uuid")[0]["flow_uuid"].replace("-", "")
    return {"flow_uuid": uuid, "data_no": "1", "data_id": "2"}


def upload(client: OMFlowClient, named: dict[str, str], name: str, content: bytes) -> None:
    answer = client.send_form("flowmanage/api/omdata-file/upload/", named, [("files", (name, content))])
    assert answer == {"status": 200, "message": "上傳成功。", "result": None}


def test_a_file_is_stored_and_listed(old: OMFlowClient, control: Control, named: dict[str, str]) -> None:
    upload(old, named, "a.txt", b"hello")
    upload(old, named, "empty.txt", b"")
    listed = old.call("flowmanage/api/omdata-file/list/", **named)["result"]
    assert [(file["file_name"], file["size"]) for file in listed] == [("empty.txt", 0), ("a.txt", 5)]
    (record,) = control.records(VENDOR)
    assert record["files"][0]["sha256"] == hashlib.sha256(b"hello").hexdigest()


def test_a_name_replaces_its_namesake_in_the_same_row_only(old: OMFlowClient, named: dict[str, str]) -> None:
    for content in (b"1", b"22"):
        upload(old, named, "a.txt", content)
    upload(old, named | {"data_id": "1"}, "a.txt", b"333")
    listed = old.call("flowmanage/api/omdata-file/list/", **named)["result"]
    assert sorted(file["size"] for file in listed) == [2, 3]


@pytest.mark.parametrize("changed", [{"data_id": "99"}, {"flow_uuid": "zz"}])
def test_an_unknown_row_or_process_is_refused(
    old: OMFlowClient, named: dict[str, str], changed: dict[str, str]
) -> None:
    answer = old.send_form("flowmanage/api/omdata-file/upload/", named | changed, [("files", ("a", b"a"))])
    assert answer["status"] == 403


def test_a_file_for_an_unknown_order_is_lost_without_an_error(
    old: OMFlowClient, named: dict[str, str]
) -> None:
    elsewhere = named | {"data_no": "99"}
    answer = old.send_form("flowmanage/api/omdata-file/upload/", elsewhere, [("files", ("a", b"a"))])
    assert answer["status"] == 200
    assert old.call("flowmanage/api/omdata-file/list/", **named)["result"] == []


def test_paths_of_stored_files(old: OMFlowClient, named: dict[str, str]) -> None:
    files = [("files", (name, b"x")) for name in ("q%22 q.txt", "t.txt", "t.txt", "n" * 300 + ".txt")]
    old.send_form("flowmanage/api/omdata-file/upload/", named, files)
    listed = old.call("flowmanage/api/omdata-file/list/", **named)["result"]
    long, twice, plain = [file["file"] for file in listed]
    assert plain.endswith("/q22_q.txt")
    assert re.search(r"/t_\w{7}\.txt$", twice)
    assert re.search(r"/n+_\w{7}\.txt$", long)
    assert (len(long), len(listed[0]["file_name"])) == (100, 255)


def part(name: str, content: bytes, *, filename: str | None = None) -> bytes:
    file = "" if filename is None else f'; filename="{filename}"'
    head = f'--{BOUNDARY.decode()}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
    return head.encode() + content + b"\r\n"


LAST = b"--%s--\r\n" % BOUNDARY


def body_pieces(fields: dict[str, str], size: int) -> Iterator[bytes]:
    for name, value in fields.items():
        yield part(name, value.encode())
    yield part("files", b"", filename="big").removesuffix(b"\r\n")
    for _ in range(size // len(BLOCK)):
        yield BLOCK
    yield b"\r\n" + LAST


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
def test_200_mb_do_not_go_through_memory(old: OMFlowClient, control: Control, named: dict[str, str]) -> None:
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    target = urlsplit(old.url)
    connection = http.client.HTTPConnection(target.netloc, timeout=60)
    fields = {"security": old.code, "omflow_restapi": "1", **named}
    connection.request(
        "POST",
        f"{target.path}/rest/flowmanage/api/omdata-file/upload/",
        body_pieces(fields, BIG),
        {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"},
    )
    assert b'"status": 200' in connection.getresponse().read()
    connection.close()
    (record,) = control.records(VENDOR)
    assert record["files"][0]["size"] == BIG
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 64 * 1024
    seen = control.requests(VENDOR)[-1]
    assert (seen["endpoint"], seen["transfer_encoding"]) == ("upload", "chunked")


def stored() -> list[str]:
    """The files without a name that this process has open, which are all that the sandbox writes."""
    links = [f"/proc/self/fd/{number}" for number in os.listdir("/proc/self/fd")]
    # The listing's own descriptor is closed by now.
    return [path for link in links if os.path.lexists(link) and "(deleted)" in (path := os.readlink(link))]


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_what_is_answered_is_removed(old: OMFlowClient, control: Control, named: dict[str, str]) -> None:
    before = stored()
    content = BLOCK + b"more than is held in memory"
    upload(old, named, "a.bin", content)
    old.send_form("flowmanage/api/omdata-file/upload/", named, [("elsewhere", ("b.bin", content))])
    (record,) = control.records(VENDOR)
    assert [file["sha256"] for file in record["files"]] == [hashlib.sha256(content).hexdigest()]
    assert stored() == before


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_client_that_leaves_midway_leaves_nothing(old: OMFlowClient, control: Control) -> None:
    before = stored()
    target = urlsplit(old.url)
    assert target.hostname is not None
    head = (
        f"POST {target.path}/rest/flowmanage/api/omdata-file/upload/ HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\nContent-Length: 9999999\r\n\r\n"
    ).encode()
    with socket.create_connection((target.hostname, target.port or 80)) as connection:
        connection.sendall(head + b"".join(list(body_pieces({}, 2 * len(BLOCK)))[:-1]) + b"half a file")
        until(lambda: len(stored()) == len(before) + 1)
    until(lambda: stored() == before)
    assert control.effects(VENDOR)["uploaded"] == 0


def send_raw(client: OMFlowClient, *parts: bytes) -> dict[str, Any]:
    """Send the pieces of a multipart body as they are."""
    target = urlsplit(client.url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    headers = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY.decode()}"}
    path = f"{target.path}/rest/flowmanage/api/omdata-file/upload/"
    connection.request("POST", path, b"".join(parts), headers)
    answer: dict[str, Any] = json.load(connection.getresponse())
    connection.close()
    return answer


def fields_of(client: OMFlowClient, named: dict[str, str]) -> bytes:
    fields = {"security": client.code, "omflow_restapi": "1", **named}
    return b"".join(part(name, value.encode()) for name, value in fields.items())


FLAG = part("omflow_restapi", b"1")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--edge\r\nnonsense",
        b"no boundary at all",
        FLAG,
        FLAG + part("files", b"half a file", filename="a.txt").removesuffix(b"\r\n"),
        part("omflow_restapi", b"1").replace(b" name=", b" title=") + LAST,
        FLAG + b"--edge!" + LAST,
    ],
    ids=["empty", "no part", "no boundary", "cut off", "file cut off", "no name", "broken boundary"],
)
def test_a_broken_multipart_body_is_an_empty_one(old: OMFlowClient, body: bytes) -> None:
    assert send_raw(old, FLAG, LAST)["message"] != send_raw(old, body)["message"]
    answer = send_raw(old, body)
    assert (answer["status"], "omflow_restapi" in answer["message"]) == (403, True)


@pytest.mark.parametrize(("size", "is_read"), [(BODY_LIMIT, True), (BODY_LIMIT + 1, False)])
def test_a_field_may_be_as_long_as_a_body(
    old: OMFlowClient, named: dict[str, str], size: int, is_read: bool
) -> None:
    file = part("files", b"a", filename="a.txt")
    answer = send_raw(old, fields_of(old, named), part("remark", b"x" * size), file, LAST)
    assert answer["status"] == (200 if is_read else 403)
    assert ("omflow_restapi" in answer["message"]) is not is_read


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("../../up.txt", "up.txt"),
        (r"c:\d\w.txt", "w.txt"),
        (r"\\server\w.txt", "w.txt"),
        (r"d\w.txt", "w.txt"),
        ("q%22q.txt", "q%22q.txt"),
        ("檔案.txt", "檔案.txt"),
        (".hidden", ".hidden"),
        ("sales&region.csv", "sales®ion.csv"),
        ("a&amp;b.txt", "a&b.txt"),
        ("a&#47;b.txt", "b.txt"),
        (f"{'n' * 251}.txt", f"{'n' * 251}.txt"),
    ],
)
def test_names_as_the_server_stores_them(
    old: OMFlowClient, named: dict[str, str], sent: str, stored: str
) -> None:
    assert send_raw(old, fields_of(old, named), part("files", b"x", filename=sent), LAST)["status"] == 200
    listed = old.call("flowmanage/api/omdata-file/list/", **named)["result"]
    assert [file["file_name"] for file in listed] == [stored]


def test_a_file_without_a_name_is_none(old: OMFlowClient, named: dict[str, str]) -> None:
    assert send_raw(old, fields_of(old, named), part("files", b"x", filename=""), LAST)["status"] == 200
    assert old.call("flowmanage/api/omdata-file/list/", **named)["result"] == []
