"""What goes over the wire: the same from worker and triggerer, and by the road that the connection says."""

from __future__ import annotations

import gc
import io
import json
import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.core.protocol.message import Part, Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport import driver as driver_module
from airflow_provider_workflows.core.transport.endpoint import Endpoint, Proxy
from airflow_provider_workflows.exceptions import InvalidInput, OutcomeUnknown, ServiceUnavailable
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import Driver, blocking, nonblocking, send
from tests.core.transport.server import Peer, RawServer, Seen, answer, response

HEADERS = {"Accept": "application/json", "User-Agent": "test/1", "Accept-Language": "zh-hant"}
ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
START = replace(ASK, operation="start", method="POST", repeatable=False)


def file_part(
    content: bytes = b"\0\r\n--content", *, opened: list[IO[bytes]] | None = None, **facts: Any
) -> Part:
    def open_it() -> IO[bytes]:
        file = io.BytesIO(content)
        if opened is not None:
            opened.append(file)
        return file

    facts = {"name": "files", "filename": 'a "b".txt', "size": len(content), **facts}
    return Part(open=open_it, **facts)


def seen_from(driver: Driver, request: Request, *, prefix: str = "/omflow", **facts: Any) -> Seen:
    with RawServer((answer(),)) as server:
        driver(Endpoint(base_url=server.url + prefix, headers=HEADERS, **facts), send(request))
    (seen,) = server.requests
    return seen


# Those that differ, and may: the libraries announce what they can decode, and keep connections their own way.
_OWN_HEADERS = ("host", "connection", "accept-encoding")


def comparable(seen: Seen) -> tuple[Any, ...]:
    headers = {name: value for name, value in seen.headers.items() if name not in _OWN_HEADERS}
    boundary = re.search("boundary=([0-9a-f]{32})", headers.get("content-type", ""))
    body = seen.body
    if boundary:
        headers["content-type"] = headers["content-type"].replace(boundary[1], "BOUNDARY")
        body = body.replace(boundary[1].encode(), b"BOUNDARY")
    return seen.method, seen.target, headers, body


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"method": "DELETE"},
        {"method": "POST"},
        {"method": "PUT", "json": [1]},
        {"method": "POST", "json": {"name": "名前 é", "n": 1.5, "nothing": None}},
        {"method": "POST", "json": {}},
        {"method": "POST", "json": "x" * 200_000},
        {
            "method": "POST",
            "parts": (Part(name="é", value="v\r\n"), file_part(), file_part(b"", name="empty")),
        },
        {"path": "/a%2Fb%20c/%E5%90%8D/d%25/"},
        {"path": "/" + quote("a/b c@d:e+f=g;h,i&j~%?#", safe="")},
        {"path": "/q?x=1%262&y=%2B&z=a+b"},
        {"path": "//a"},
        {"headers": {"X-Token": "t/k=="}},
        {"headers": {"Accept": "text/plain", "User-Agent": "other"}},
    ],
    ids=lambda changes: json.dumps(changes, default=str)[:40],
)
@pytest.mark.parametrize("repeatable", [True, False])
def test_worker_and_triggerer_send_the_same(changes: dict[str, Any], repeatable: bool) -> None:
    request = replace(ASK, **changes, repeatable=repeatable)
    one, other = seen_from(blocking, request), seen_from(nonblocking, request)
    assert comparable(one) == comparable(other)
    assert one.target.startswith("/omflow/")
    assert one.target == "/omflow/" + request.path.lstrip("/")
    for seen in (one, other):
        assert "transfer-encoding" not in seen.headers
        assert "content-length" in seen.headers or not (request.json or request.parts)


def test_the_only_encodings_asked_for_are_those_that_can_be_read(drive: Driver) -> None:
    import gzip
    import zlib

    text = json.dumps({"name": "名前" * 1000}).encode()
    for encoding, pack in (("gzip", gzip.compress), ("deflate", zlib.compress)):
        with RawServer((answer(response(pack(text), Content_Encoding=encoding)),)) as server:
            (reply,) = drive(Endpoint(base_url=server.url), send(ASK)).results
        assert reply.body == text
        (seen,) = server.requests
        assert encoding in seen.headers["accept-encoding"]


def test_headers_of_the_request_go_before_those_of_the_connection(drive: Driver) -> None:
    seen = seen_from(drive, replace(ASK, headers={"Accept-Language": "en", "X-More": "1"}))
    assert (seen.headers["accept-language"], seen.headers["x-more"]) == ("en", "1")
    assert seen.headers["user-agent"] == "test/1"
    assert seen.head.lower().count(b"accept-language") == 1


# Nothing from around, and nothing kept.


def test_cookies_are_not_sent_back(drive: Driver) -> None:
    with RawServer((answer(response(Set_Cookie="sid=1; Path=/")),)) as server:
        # By name: aiohttp's own jar, were it used, would take no cookie from an address.
        endpoint = Endpoint(base_url=f"http://localhost:{server.port}")
        drive(endpoint, send(ASK), send(ASK), send(START))
    assert len(server.requests) == 3
    assert [seen.headers.get("cookie") for seen in server.requests] == [None] * 3


def test_the_environment_is_not_looked_at(
    drive: Driver, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login airflow password from-netrc\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.setenv(name, "http://nowhere.invalid:1")
        monkeypatch.setenv(name.upper(), "http://nowhere.invalid:1")
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for request in (ASK, START):
        assert "authorization" not in seen_from(drive, request).headers


def test_authorities_of_the_environment_are_not_trusted(
    drive: Driver, certificates: Certificates, monkeypatch: pytest.MonkeyPatch
) -> None:
    trusting, not_trusting = certificates.authority.certificate_file, certificates.untrusted.certificate_file
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, str(not_trusting))
    with RawServer((answer(),), tls=certificates.server.server_context()) as server:
        (reply,) = drive(Endpoint(base_url=server.url, ca=str(trusting)), send(ASK)).results
    assert reply.status == 200


@pytest.mark.parametrize("request_", [ASK, replace(START, json={"a": 1})])
def test_a_proxy_is_used_for_plain_http(drive: Driver, request_: Request) -> None:
    with RawServer((answer(),)) as proxy:
        address = proxy.url.replace("//", "//user:pass%2Fword@")
        road = Endpoint(base_url="http://vendor.invalid/omflow", proxy=Proxy.parse(address))
        drive(road, send(request_))
    (seen,) = proxy.requests
    assert seen.target == "http://vendor.invalid/omflow/a"
    assert seen.headers["host"] == "vendor.invalid"
    # user:pass/word
    assert seen.headers["proxy-authorization"] == "Basic dXNlcjpwYXNzL3dvcmQ="


# TLS.


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
@pytest.mark.parametrize("request_", [ASK, START])
def test_a_server_whose_authority_is_trusted(
    drive: Driver, certificates: Certificates, host: str, request_: Request
) -> None:
    with RawServer((answer(),), tls=certificates.server.server_context()) as server:
        endpoint = Endpoint(
            base_url=f"https://{host}:{server.port}", ca=str(certificates.authority.certificate_file)
        )
        (reply,) = drive(endpoint, send(request_)).results
    assert reply.status == 200


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
@pytest.mark.parametrize("request_", [ASK, START])
def test_any_server_is_trusted_when_the_user_says_so(
    drive: Driver, certificates: Certificates, request_: Request
) -> None:
    with RawServer((answer(),), tls=certificates.untrusted.server_context()) as server:
        (reply,) = drive(Endpoint(base_url=server.url, ca=False), send(request_)).results
    assert reply.status == 200


@pytest.mark.parametrize("in_one_file", [True, False])
@pytest.mark.parametrize("request_", [ASK, START])
def test_a_client_certificate_is_shown(
    drive: Driver, certificates: Certificates, in_one_file: bool, request_: Request
) -> None:
    client, authority = certificates.client, certificates.authority
    files = (str(client.certificate_file), str(client.key_file))
    with RawServer((answer(),), tls=certificates.server.server_context(client_authority=authority)) as server:
        road = partial(Endpoint, base_url=server.url, ca=str(authority.certificate_file))
        (reply,) = drive(road(client_cert=str(client.both) if in_one_file else files), send(request_)).results
        assert reply.status == 200
    assert len(server.requests) == 1


# Uploads.


def test_a_file_is_read_anew_for_a_repetition(drive: Driver) -> None:
    opened: list[IO[bytes]] = []
    request = replace(ASK, method="POST", parts=(file_part(b"content", opened=opened),))

    def lose(peer: Peer) -> None:
        peer.read()
        peer.reset()

    with RawServer((lose, answer())) as server:
        drive(Endpoint(base_url=server.url), send(request))
    assert [b"content" in seen.body for seen in server.requests] == [True, True]
    assert [file.closed for file in opened] == [True, True]


@pytest.mark.parametrize("content", [b"short", b"much longer than was announced"])
@pytest.mark.parametrize("repeatable", [True, False])
def test_a_file_that_changes_its_size_stops_the_sending(
    drive: Driver, content: bytes, repeatable: bool
) -> None:
    opened: list[IO[bytes]] = []
    part = file_part(content, size=10, opened=opened)
    with RawServer((answer(),)) as server, pytest.raises(InvalidInput, match="changed its size"):
        drive(
            Endpoint(base_url=server.url, timeout=2),
            send(replace(START, parts=(part,), repeatable=repeatable)),
        )
    assert (len(opened), server.requests) == (1, [])


class StorageError(Exception):
    """Object storages have exceptions of their own."""


def test_a_file_that_cannot_be_read_any_more_is_no_lost_answer(drive: Driver) -> None:
    def fail() -> IO[bytes]:
        raise StorageError("access denied")

    part = Part(name="f", filename="a", open=fail, size=10)
    with RawServer((answer(),)) as server, pytest.raises(InvalidInput, match="access denied"):
        drive(Endpoint(base_url=server.url, timeout=2), send(replace(START, parts=(part,))))
    assert server.requests == []


UPLOAD = 16 * 1024 * 1024

#: aiohttp leaves what it could not send to the loop; a loop that ends at once, as here, never gets to it.
unsent = pytest.mark.filterwarnings("ignore:unclosed transport", "ignore:unclosed <")


def large_upload(**changes: Any) -> Request:
    return replace(START, parts=(file_part(b"\0" * UPLOAD),), **changes)


def read_slowly(pauses: int) -> Callable[[Peer], None]:
    """Take the first megabytes with pauses, the rest at once."""

    def script(peer: Peer) -> None:
        seen = peer.read_head()
        left_over = iter(range(pauses))

        def pause(left: int) -> None:
            if next(left_over, None) is not None:
                peer.pause(0.3)

        peer.discard(int(seen.headers["content-length"]), pause=pause)
        peer.send(response())

    return script


def test_a_server_that_reads_slowly_is_given_its_time(drive: Driver) -> None:
    with RawServer((read_slowly(8),), receive_buffer=64 * 1024) as server:
        endpoint = Endpoint(base_url=server.url, timeout=2)
        (reply,) = drive(endpoint, send(large_upload())).results
    # 8 pauses of 0.3 s: longer than a read timeout.
    assert reply.status == 200


@pytest.mark.parametrize("repeatable", [True, False])
@unsent
def test_a_server_that_stops_reading_is_given_up(
    drive: Driver, repeatable: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stall(peer: Peer) -> None:
        peer.read_head()
        while not peer.server.stopping.wait(0.05):
            pass

    # A quarter of an hour for 16 MB would be a long test.
    monkeypatch.setattr(driver_module, "SLOWEST_UPLOAD", UPLOAD * 10)
    with RawServer((stall,), receive_buffer=64 * 1024) as server:
        endpoint = Endpoint(base_url=server.url, timeout=0.1, connect_timeout=2)
        with pytest.raises(ServiceUnavailable if repeatable else OutcomeUnknown):
            drive(endpoint, send(large_upload(repeatable=repeatable)), retry=Retry(attempts=1))
    assert len(server.connections) == 1
    gc.collect()


@unsent
def test_a_server_that_refuses_before_it_has_read_is_heard(drive: Driver) -> None:
    def refuse(peer: Peer) -> None:
        seen = peer.read_head()
        peer.send(response(b"too large", status=413, kind="text/plain"))
        peer.discard(int(seen.headers["content-length"]))

    with RawServer((refuse,)) as server:
        (reply,) = drive(Endpoint(base_url=server.url), send(large_upload())).results
    assert (reply.status, reply.body) == (413, b"too large")
    gc.collect()
