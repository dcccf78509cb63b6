"""
Whatever a connection says and whatever a server answers: the same outcome with each adapter.

Each answer goes over a real socket. What is compared is what came of it (the reply, or the error's class,
status and wish), how often the server was asked, and the bytes of each request. What no server of a vendor's
sends is left out: an answer that is longer than it announces, a head that begins with a blank line or has a
folded one, and a version beyond HTTP/1.1 are judged by whichever library reads them.
"""

from __future__ import annotations

import gzip
import json
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import Connection

from airflow_provider_workflows.core.connection.settings import read_settings
from airflow_provider_workflows.core.protocol.message import Reply, Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import (
    CertificateNotTrusted,
    InvalidConnection,
    InvalidInput,
    OutcomeUnknown,
    ServiceUnavailable,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.omflow.connection import FORM
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import Driven, Driver, blocking, nonblocking, send
from tests.core.transport.server import Peer, RawServer, Script

READ = Request(vendor="Vendor", operation="ask", method="GET", path="/a?x=1", repeatable=True)
START = replace(READ, operation="start", method="POST", repeatable=False, json={"a": 1})
#: Also one whose answer need not be JSON: its status and head are all there is to judge by.
LAX = replace(START, operation="start lax", expects_json=False)
REQUESTS = [READ, START, LAX]

OK = b'{"ok": true}'
HEAD = b"HTTP/1.1 200 OK"
GZIPPED = HEAD + b"\r\nContent-Encoding: gzip"
SLOW = b"HTTP/1.1 429 Slow down"
CHUNKED = HEAD + b"\r\nTransfer-Encoding: chunked\r\n\r\n"

#: An exception's class for each of the requests, or the body of a good answer.
Expected = tuple[type[WorkflowError] | bytes, ...]
LOST: Expected = (ServiceUnavailable, OutcomeUnknown, OutcomeUnknown)
UNREADABLE: Expected = (UnreadableAnswer, OutcomeUnknown, OutcomeUnknown)
NOT_JSON: Expected = (UnreadableAnswer, OutcomeUnknown)
REDIRECT: Expected = (UnexpectedRedirect,) * 3
GOOD: Expected = (OK,) * 3
#: Bytes of an answer that the connections here allow.
LARGEST = 100_000
ZEROS = b"0" * (LARGEST + 1)


def answering(data: bytes, *, close: bool = False) -> Script:
    """Answer each request; ``close`` hangs up after the first."""

    def script(peer: Peer) -> None:
        while True:
            peer.read()
            peer.send(data)
            if close:
                return

    return script


def full(first: bytes = HEAD, *lines: bytes, body: bytes = OK) -> bytes:
    """Return an answer with a Content-Length."""
    return b"\r\n".join([first, *lines, b"Content-Length: %d" % len(body)]) + b"\r\n\r\n" + body


def interim(status: int) -> bytes:
    return b"HTTP/1.1 %d So far\r\nX: y\r\n\r\n" % status


def with_length(value: bytes) -> Script:
    return answering(HEAD + b"\r\nContent-Length: " + value + b"\r\n\r\n" + OK, close=True)


def encoded(name: bytes, body: bytes) -> Script:
    return answering(full(HEAD, b"Content-Encoding: " + name, body=body))


def chunks(body: bytes, size: int) -> bytes:
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def resetting(before: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(before)
        # The client reads what has come before the reset is there.
        peer.pause(0.05)
        peer.reset()

    return script


def holding(before: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(before)
        peer.hold()

    return script


def dripping(before: bytes, piece: bytes = b"x") -> Script:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(before)
        peer.drip(piece, every=0.02)

    return script


def headers(number: int) -> bytes:
    """Return an answer with so many header fields."""
    return full(HEAD, *(b"X-%d: x" % one for one in range(number - 1)))


FACTS = ("status", "retry_after", "path", "operation", "excerpt")


@dataclass(frozen=True)
class Outcome:
    """What came of one request, and what the server saw of it."""

    end: Any
    heads: tuple[bytes, ...]
    connections: int


def outcome(drive: Driver, script: Script, request: Request, *, patient: bool = True) -> Outcome:
    # Times that a busy machine keeps, unless the server only falls silent or drips.
    timeout, connect_timeout = (30.0, 30.0) if patient else (0.2, 1.0)
    with RawServer((script,)) as server:
        endpoint = Endpoint(
            base_url=server.url,
            timeout=timeout,
            connect_timeout=connect_timeout,
            largest_answer=LARGEST,
            headers={"Accept": "*/*"},
        )
        end = end_of(drive, endpoint, request)
        port = str(server.port).encode()
        heads = tuple(sorted_head(seen.head.replace(port, b"PORT")) for seen in server.requests)
        return Outcome(end, heads, len(server.connections))


def sorted_head(head: bytes) -> bytes:
    first, *fields = head.split(b"\r\n")
    return b"\r\n".join([first, *sorted(fields)])


def end_of(drive: Driver, endpoint: Endpoint, request: Request, *, attempts: int = 1) -> Any:
    """Return the reply, or the error's class and facts."""
    driven = Driven()
    try:
        drive(endpoint, send(request), retry=Retry(attempts=attempts), into=driven)
    except WorkflowError as error:
        return type(error), {name: getattr(error, name) for name in FACTS}
    (reply,) = driven.results
    return reply


STATUSES: dict[int, Expected] = {
    **dict.fromkeys((200, 201, 202, 203, 206, 226, 299), GOOD),
    **dict.fromkeys((300, 301, 302, 305, 307, 308, 399), REDIRECT),
    303: (UnexpectedRedirect, OutcomeUnknown, OutcomeUnknown),
    **dict.fromkeys((400, 401, 402, 403, 404, 405, 407, 409, 410, 413, 418, 422, 451, 499), GOOD),
    429: (Throttled,) * 3,
    **dict.fromkeys((408, 500, 501, 502, 503, 504, 505, 511, 520, 599), LOST),
    **dict.fromkeys((101, 600, 700, 999), UNREADABLE),
    **dict.fromkeys((0, 20, 99, 1000), LOST),
}

ANSWERS: dict[str, tuple[Script, Expected]] = {
    **{
        f"status {status}": (answering(full(b"HTTP/1.1 %03d Some" % status), close=status == 101), expected)
        for status, expected in STATUSES.items()
    },
    **{
        f"{status} and then the answer": (answering(interim(status) + full()), GOOD)
        for status in (100, 102, 103, 199)
    },
    **{
        f"{status} and nothing more": (answering(interim(status), close=True), LOST)
        for status in (100, 102, 103, 199)
    },
    "no reason": (answering(full(b"HTTP/1.1 200")), GOOD),
    "HTTP/1.0": (answering(full(b"HTTP/1.0 200 OK"), close=True), GOOD),
    "no HTTP": (answering(b"220 mail.example.com ESMTP\r\n\r\n", close=True), LOST),
    "a body without a head": (answering(OK, close=True), LOST),
    "nothing": (answering(b"", close=True), LOST),
    "half a status line": (answering(b"HTTP/1.1 200 O", close=True), LOST),
    "a head without an end": (answering(HEAD + b"\r\nX: y\r\n", close=True), LOST),
    # Where the answer ends.
    "chunked": (answering(CHUNKED + chunks(OK, 5)), GOOD),
    "chunked with extensions and a trailer": (
        answering(CHUNKED + b"c;x=1\r\n" + OK + b"\r\n0\r\nTrailer: 1\r\n\r\n"),
        GOOD,
    ),
    "a chunk's size is none": (answering(CHUNKED + b"zz\r\n" + OK + b"\r\n0\r\n\r\n"), LOST),
    "cut off in a chunk's size": (answering(CHUNKED + b"c", close=True), LOST),
    "cut off in a chunk": (answering(CHUNKED + b"c\r\n{}", close=True), LOST),
    "cut off between chunks": (answering(CHUNKED + b"c\r\n" + OK + b"\r\n", close=True), LOST),
    "cut off": (with_length(b"120"), LOST),
    "until the connection closes": (answering(HEAD + b"\r\n\r\n" + OK, close=True), GOOD),
    "chunked with a length": (
        answering(HEAD + b"\r\nTransfer-Encoding: chunked\r\nContent-Length: 12\r\n\r\n" + chunks(OK, 12)),
        LOST,
    ),
    "another transfer coding": (answering(HEAD + b"\r\nTransfer-Encoding: x\r\n\r\n" + OK, close=True), LOST),
    **{f"length {text!r}": (with_length(text), LOST) for text in (b"abc", b"-1", b"+12", b"", b"12, 12")},
    "two lengths": (answering(full(HEAD, b"Content-Length: 12")), LOST),
    "two lengths that differ": (answering(full(HEAD, b"Content-Length: 2")), LOST),
    # The head.
    "99 headers": (answering(headers(99)), GOOD),
    **{f"{n} headers": (answering(headers(n)), LOST) for n in (100, 101, 128, 129, 2000)},
    **{f"a header of {n} bytes": (answering(full(HEAD, b"X: " + b"x" * n)), GOOD) for n in (9_000, 30_000)},
    **{f"a header of {n} bytes": (answering(full(HEAD, b"X: " + b"x" * n)), LOST) for n in (33_000, 70_000)},
    "a head of a megabyte": (answering(full(HEAD, b"X: " + b"x" * 2**20)), LOST),
    "cookies": (answering(full(HEAD, b"Set-Cookie: a=b; Path=/", b"Set-Cookie: c=d")), GOOD),
    "a cookie that is none": (answering(full(HEAD, b"Set-Cookie: \x7f=;;;=,,,")), GOOD),
    "a header in Latin-1": (answering(full(HEAD, b"X: \xe9")), GOOD),
    "a header in UTF-8": (answering(full(HEAD, "X: é".encode())), GOOD),
    "NUL in a header": (answering(full(HEAD, b"X: b\0c")), LOST),
    "a blank before the colon": (
        answering(HEAD + b"\r\nContent-Length : 12\r\n\r\n" + OK, close=True),
        LOST,
    ),
    "a line without a colon": (answering(full(HEAD, b"nonsense")), LOST),
    "a redirect to nowhere": (answering(full(b"HTTP/1.1 302 Found", b"Location: http://[bad")), REDIRECT),
    "two wishes": (
        answering(full(SLOW, b"Retry-After: 5", b"Retry-After: 6")),
        (Throttled,) * 3,
    ),
    "a wish": (answering(full(SLOW, b"Retry-After: 3600")), (Throttled,) * 3),
    # The body.
    "gzip": (encoded(b"gzip", gzip.compress(OK)), GOOD),
    "GZIP": (encoded(b"GZIP", gzip.compress(OK)), GOOD),
    "gzip in two members": (encoded(b"x-gzip", gzip.compress(OK[:5]) + gzip.compress(OK[5:])), GOOD),
    "gzip, padded": (encoded(b"gzip", gzip.compress(OK) + b"\0\0"), GOOD),
    "gzip in chunks of a byte": (
        answering(
            HEAD
            + b"\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
            + chunks(gzip.compress(OK), 1)
        ),
        GOOD,
    ),
    "gzip, cut off": (encoded(b"gzip", gzip.compress(OK)[:-4]), LOST),
    "gzip, broken": (encoded(b"gzip", gzip.compress(OK)[:-6] + b"\1" * 6), LOST),
    "no gzip": (encoded(b"gzip", OK), LOST),
    "deflate": (encoded(b"deflate", zlib.compress(OK)), GOOD),
    "deflate without a head": (encoded(b"deflate", zlib.compress(OK)[2:-4]), GOOD),
    "an encoding that was not asked for": (encoded(b"br", OK), LOST),
    "no encoding": (encoded(b"identity", OK), GOOD),
    # What is too large, or has no end.
    "as large as allowed": (
        answering(full(body=b"1" * 4000 + b" " * (LARGEST - 4000))),
        (b"1" * 4000 + b" " * (LARGEST - 4000),) * 3,
    ),
    "larger than allowed": (answering(full(body=ZEROS)), UNREADABLE),
    "larger, as it announces": (with_length(b"100001"), UNREADABLE),
    "far larger, as it announces": (with_length(b"9" * 18), UNREADABLE),
    "larger than a number": (with_length(b"9" * 5000), LOST),
    "larger, without a length": (
        answering(HEAD + b"\r\nConnection: close\r\n\r\n" + ZEROS, close=True),
        UNREADABLE,
    ),
    "larger, in chunks": (answering(CHUNKED + chunks(ZEROS, 1000)), UNREADABLE),
    "larger, once it is decoded": (encoded(b"gzip", gzip.compress(b" " * 50 * 2**20)), UNREADABLE),
    "larger, in many members": (encoded(b"gzip", gzip.compress(b" " * 60_000) * 2), UNREADABLE),
    "HTML": (answering(full(HEAD, b"Content-Type: text/html", body=b"<html>")), (*NOT_JSON, b"<html>")),
    "an empty body": (answering(full(body=b"")), (*NOT_JSON, b"")),
    "an empty body that is said to be gzip": (encoded(b"gzip", b""), (*NOT_JSON, b"")),
    "no body": (answering(b"HTTP/1.1 204 No\r\n\r\n"), (*NOT_JSON, b"")),
    "JSON in Latin-1": (answering(full(body=b'{"a":"\xe9"}')), (*NOT_JSON, b'{"a":"\xe9"}')),
    # When it breaks off.
    "reset before the answer": (resetting(b""), LOST),
    "reset within the head": (resetting(b"HTTP/1.1 200 O"), LOST),
    "reset after the head": (resetting(HEAD + b"\r\nContent-Length: 12\r\n\r\n"), LOST),
    "reset within the body": (resetting(HEAD + b"\r\nContent-Length: 12\r\n\r\n{}"), LOST),
}
#: What only the client's times end.
ENDLESS: dict[str, tuple[Script, Expected]] = {
    "silence": (holding(b""), LOST),
    "silence within the head": (holding(HEAD + b"\r\n"), LOST),
    "silence within the body": (holding(HEAD + b"\r\nContent-Length: 12\r\n\r\n{}"), LOST),
    "a head that drips": (dripping(HEAD + b"\r\nX: "), LOST),
    "interim answers without end": (dripping(b"", b"HTTP/1.1 103 Early\r\n\r\n"), LOST),
    "a body that drips": (dripping(HEAD + b"\r\nContent-Length: 100000\r\n\r\n"), LOST),
    "a body that drips until the connection closes": (dripping(HEAD + b"\r\n\r\n"), LOST),
    "chunks that drip": (dripping(CHUNKED, b"1\r\nx\r\n"), LOST),
    "empty members without end": (
        dripping(GZIPPED + b"\r\nTransfer-Encoding: chunked\r\n\r\n", chunks(gzip.compress(b""), 99)[:-5]),
        LOST,
    ),
}
ANSWERS |= ENDLESS


@pytest.mark.parametrize("request_", REQUESTS, ids=lambda request: request.operation)
@pytest.mark.parametrize("name", ANSWERS)
def test_every_kind_of_answer(name: str, request_: Request) -> None:
    script, expected = ANSWERS[name]
    patient = name not in ENDLESS
    with ThreadPoolExecutor(max_workers=2) as pool:
        one, other = pool.map(
            lambda drive: outcome(drive, script, request_, patient=patient), (blocking, nonblocking)
        )
    assert one == other
    wanted = expected[REQUESTS.index(request_)]
    if isinstance(one.end, Reply):
        assert one.end.body == wanted
    else:
        assert one.end[0] is wanted
    assert len(one.heads) == one.connections == 1


# What a connection says.


def endpoint_of(host: str, *, extra: Any = None, **fields: Any) -> Endpoint:
    """Return the road of a connection, with times that a busy machine keeps."""
    text = json.dumps({"timeout": 30, "proxies": {}, **(extra or {})})
    fields = {"login": "robot", "password": "s3cret", **fields}
    connection = Connection(conn_id="flow", conn_type="omflow", host=host, extra=text, **fields)
    return read_settings(connection, FORM).endpoint(headers={"Accept": "*/*"})


def refused(field: str, host: str = "https://flow.example", **fields: Any) -> str:
    """Return what is said of a field that is refused."""
    with pytest.raises(InvalidConnection) as caught:
        endpoint_of(host, **fields)
    assert f"field '{field}'" in str(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("prefix", "path", "target"),
    [
        ("", "/a", "/a"),
        ("/", "/a", "/a"),
        ("//x//", "//a", "/x/a"),
        ("/Pre Fix/é", "a", "/Pre%20Fix/%C3%A9/a"),
        ("/%7euser", "/a%2fb%2F%zz", "/%7Euser/a%2Fb%2F%25zz"),
        ("/p", '/a b{c}|\\^`"<>[d]#e?q=[f]#g&h=é%3d', None),
        ("/p", "/a/", "/p/a/"),
        ("/p", "/...//a", "/p/...//a"),
    ],
)
def test_paths_are_spelled_alike(prefix: str, path: str, target: str | None) -> None:
    seen = []
    for drive in (blocking, nonblocking):
        with RawServer((answering(full()),)) as server:
            end_of(drive, endpoint_of(server.url + prefix.replace(" ", "%20")), replace(READ, path=path))
        seen += [one.target for one in server.requests]
    assert seen[0] == seen[1]
    assert seen[0].isascii()
    assert target in (None, seen[0])


@pytest.mark.parametrize("path", ["/a/../b", "..", "/a/.", "/%2e%2E/b", "/./a"])
@pytest.mark.parametrize("request_", [READ, START], ids=lambda request: request.operation)
def test_a_path_that_would_lead_elsewhere_is_not_sent(drive: Driver, path: str, request_: Request) -> None:
    with RawServer((answering(full()),)) as server:
        kind, facts = end_of(drive, endpoint_of(server.url), replace(request_, path=path))
    assert (kind, facts["path"]) == (InvalidInput, path)
    assert server.connections == []


@pytest.mark.parametrize(
    ("host", "base_url"),
    [
        ("HTTP://LOCALHOST:8080", "http://localhost:8080"),
        ("http://Bücher.Example/", "http://xn--bcher-kva.example"),
        ("http://xn--bcher-kva.example", "http://xn--bcher-kva.example"),
        ("http://vendor.example./", "http://vendor.example."),
        ("http://vendor.example..", "http://vendor.example."),
        ("http://[2001:DB8::1]:81", "http://[2001:db8::1]:81"),
        ("https://vendor.example:443", "https://vendor.example"),
    ],
)
def test_hosts_have_one_spelling(host: str, base_url: str) -> None:
    assert endpoint_of(host).base_url == base_url


@pytest.mark.parametrize("host", ["LOCALHOST", "localhost", "127.0.0.1"])
def test_a_host_however_spelled_is_reached(drive: Driver, host: str) -> None:
    with RawServer((answering(full()),)) as server:
        assert isinstance(end_of(drive, endpoint_of(f"http://{host}:{server.port}"), READ), Reply)
    (seen,) = server.requests
    assert seen.headers["host"] == f"{host.lower()}:{server.port}"


def test_the_dot_at_a_host_s_end_is_for_the_resolver_alone(drive: Driver) -> None:
    with RawServer((answering(full()),)) as proxy:
        road = endpoint_of("http://vendor.invalid.:81", extra={"proxies": {"http": proxy.url}})
        assert isinstance(end_of(drive, road, READ), Reply)
    (seen,) = proxy.requests
    assert seen.headers["host"] == "vendor.invalid:81"


@pytest.mark.parametrize(
    ("field", "fields"),
    [
        ("host", {"host": "http://flow.example:0"}),
        ("host", {"host": "http://flow.example:65536"}),
        ("host", {"host": "http://flow.example:-1"}),
        ("host", {"host": "http://flow example"}),
        ("host", {"host": "http://flow.example\n.evil.example"}),
        ("host", {"host": "http://flow%2eexample"}),
        ("host", {"host": "http://flow.example/a/../b"}),
        ("port", {"host": "flow.example", "port": 65536}),
        ("port", {"host": "flow.example", "port": -1}),
    ],
)
def test_an_address_that_cannot_be_is_refused(field: str, fields: dict[str, Any]) -> None:
    refused(field, **fields)


# Proxies.


@pytest.mark.parametrize("spelling", ["http://{}", "{}", "HTTP://{}/", "user:pass%2Fword@{}"])
@pytest.mark.parametrize("request_", [READ, START], ids=lambda request: request.operation)
def test_a_proxy_with_or_without_scheme(spelling: str, request_: Request) -> None:
    heads = []
    for drive in (blocking, nonblocking):
        with RawServer((answering(full()),)) as proxy:
            address = spelling.format(f"127.0.0.1:{proxy.port}")
            road = endpoint_of("http://vendor.invalid/x", extra={"proxies": {"http": address}})
            assert isinstance(end_of(drive, road, request_), Reply)
        heads += [sorted_head(seen.head) for seen in proxy.requests]
    assert heads[0] == heads[1]
    assert heads[0].startswith(f"{request_.method} http://vendor.invalid/x/a?x=1 HTTP/1.1\r\n".encode())
    # user:pass/word
    assert (b"Proxy-Authorization: Basic dXNlcjpwYXNzL3dvcmQ=" in heads[0]) == ("@" in spelling)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_tunnel_is_asked_for_alike(scheme: str, certificates: Certificates) -> None:
    """And with the same context to a proxy that speaks TLS itself."""
    tls = certificates.server.server_context() if scheme == "https" else None
    asked = []
    for drive in (blocking, nonblocking):
        refusal = answering(full(b"HTTP/1.1 407 Who?", body=b""), close=True)
        with RawServer((refusal,), tls=tls) as proxy:
            proxies = {"https": proxy.url.replace("//", "//user:pass%2Fword@")}
            verify = str(certificates.authority.certificate_file)
            road = endpoint_of("https://vendor.invalid", extra={"proxies": proxies, "verify": verify})
            kind, _ = end_of(drive, road, START)
        (seen,) = proxy.requests
        asked.append((kind, seen.method, seen.target, seen.headers["proxy-authorization"]))
    assert asked[0] == asked[1]
    assert asked[0][1:] == ("CONNECT", "vendor.invalid:443", "Basic dXNlcjpwYXNzL3dvcmQ=")


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        ("socks5://user:s3cret@proxy:1080", "names a proxy of scheme 'socks5', but only http and https"),
        ("socks5h://proxy", "scheme 'socks5h'"),
        ("ftp://proxy", "scheme 'ftp'"),
        ("s3cret and more://proxy", "a proxy of scheme that is not valid"),
        ("http://", "must be a host name"),
        ("http://proxy:99999", "a port that is not a number from 1 to 65535"),
        ("http://user:s3cret@pro xy", "contains a blank"),
    ],
)
def test_a_proxy_that_cannot_be_used_is_refused_and_not_gone_around(
    proxy: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert told in refused("proxies", extra={"proxies": {"https": proxy}})
    monkeypatch.setenv("https_proxy", proxy)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    message = refused("proxies", extra={"proxies": None})
    assert told in message
    assert "the environment's variable" in message


# Certificates.


@pytest.fixture
def directory(certificates: Certificates, tmp_path: Path) -> Path:
    """A directory with the authority's certificate, under a name that OpenSSL does not look for."""
    (tmp_path / "authority.pem").write_bytes(certificates.authority.certificate_file.read_bytes())
    return tmp_path


def subject_hash(certificates: Certificates) -> str:
    """Return the name under which OpenSSL looks for the authority."""
    import subprocess

    command = ["openssl", "x509", "-hash", "-noout", "-in", str(certificates.authority.certificate_file)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("request_", [READ, START], ids=lambda request: request.operation)
def test_a_directory_of_certificates(
    drive: Driver, certificates: Certificates, directory: Path, request_: Request
) -> None:
    with RawServer((answering(full()),), tls=certificates.server.server_context()) as server:
        ask = partial(end_of, drive)
        kind, _ = ask(endpoint_of(server.url, extra={"verify": str(directory)}), request_)
        assert kind is InvalidConnection
        (directory / f"{subject_hash(certificates)}.0").symlink_to(directory / "authority.pem")
        assert isinstance(ask(endpoint_of(server.url, extra={"verify": str(directory)}), request_), Reply)
    with RawServer((answering(full()),), tls=certificates.untrusted.server_context()) as server:
        kind, _ = ask(endpoint_of(server.url, extra={"verify": str(directory)}), request_)
        assert kind is CertificateNotTrusted


# Headers.


def test_header_values_are_written_in_utf8(drive: Driver) -> None:
    with RawServer((answering(full()),)) as server:
        end_of(drive, endpoint_of(server.url), replace(READ, headers={"X-Token": "é名"}))
    (seen,) = server.requests
    assert "X-Token: é名".encode() in seen.head.decode("latin-1").encode("latin-1")


@pytest.mark.parametrize("value", ["a\r\nX-Other: b", "a\nb", "a\0b", "a\ud800b"])
def test_a_header_that_cannot_be_sent_is_not(drive: Driver, value: str) -> None:
    with RawServer((answering(full()),)) as server:
        kind, _ = end_of(drive, endpoint_of(server.url), replace(START, headers={"X-Token": value}))
    assert kind is InvalidInput
    assert server.connections == []


def test_the_one_private_part_of_aiohttp_that_is_used_is_there() -> None:
    """Without it aiohttp sends GET, PUT and DELETE a second time, by itself, when the answer is lost."""
    import asyncio

    import aiohttp

    async def has_it() -> bool:
        async with aiohttp.ClientSession() as session:
            return session._retry_connection is True

    assert asyncio.run(has_it())
