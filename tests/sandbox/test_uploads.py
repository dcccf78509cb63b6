"""Files: streamed to disk, listed, replaced, removed."""

from __future__ import annotations

import hashlib
import http.client
import resource
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from airflow_provider_workflows.sandbox.control import Control
from airflow_provider_workflows.sandbox.server import SandboxServer
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


@pytest.mark.parametrize("changed", [{"data_id": "99"}, {"data_no": "99"}])
def test_an_unknown_row_or_order_is_refused(
    old: OMFlowClient, named: dict[str, str], changed: dict[str, str]
) -> None:
    answer = old.send_form("flowmanage/api/omdata-file/upload/", named | changed, [("files", ("a", b"a"))])
    assert answer["status"] == 403


def body_pieces(fields: dict[str, str], size: int) -> Iterator[bytes]:
    for name, value in fields.items():
        yield b'--%s\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n' % (
            BOUNDARY,
            name.encode(),
            value.encode(),
        )
    yield b'--%s\r\nContent-Disposition: form-data; name="files"; filename="big"\r\n\r\n' % BOUNDARY
    for _ in range(size // len(BLOCK)):
        yield BLOCK
    yield b"\r\n--%s--\r\n" % BOUNDARY


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


def stored(server: SandboxServer) -> list[Path]:
    return list(server._sandbox.spool.path.iterdir())


def test_what_nobody_keeps_is_removed(
    server: SandboxServer, old: OMFlowClient, named: dict[str, str]
) -> None:
    wrong = [("elsewhere", ("b.txt", b"b"))]
    old.send_form("flowmanage/api/omdata-file/upload/", named, wrong)
    assert stored(server) == []
    upload(old, named, "a.txt", b"a")
    assert len(stored(server)) == 1
    assert old.edit("simple", action="delete", data_no="1")["status"] == 200
    assert stored(server) == []


def test_a_client_that_leaves_midway_leaves_nothing(server: SandboxServer, old: OMFlowClient) -> None:
    target = urlsplit(old.url)
    assert target.hostname is not None
    head = (
        f"POST {target.path}/rest/flowmanage/api/omdata-file/upload/ HTTP/1.1\r\nHost: x\r\n"
        f"Content-Type: multipart/form-data; boundary={BOUNDARY.decode()}\r\nContent-Length: 9999999\r\n\r\n"
    ).encode()
    with socket.create_connection((target.hostname, target.port or 80)) as connection:
        connection.sendall(head + b"".join(list(body_pieces({}, 0))[:-1]) + b"half a file")
        until(lambda: len(stored(server)) == 1)
    until(lambda: stored(server) == [])


@pytest.mark.parametrize("body", [b"", b"--edge\r\nnonsense", b"no boundary at all"])
def test_a_broken_multipart_body_is_an_empty_one(old: OMFlowClient, body: bytes) -> None:
    target = urlsplit(old.url)
    connection = http.client.HTTPConnection(target.netloc, timeout=5)
    headers = {"Content-Type": "multipart/form-data; boundary=edge"}
    connection.request("POST", f"{target.path}/rest/flowmanage/api/omdata-file/upload/", body, headers)
    answer = connection.getresponse().read().decode()
    connection.close()
    assert '"status": 403' in answer
    assert "omflow_restapi" in answer


def test_the_directory_goes_with_the_sandbox() -> None:
    with SandboxServer() as server:
        path = server._sandbox.spool.path
        assert path.is_dir()
    assert not path.exists()
