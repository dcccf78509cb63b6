"""
Each fault of a network, made on a real socket, in both drivers.

What counts is the class of the error, how often the server saw the request, and what the error gives away.
"""

from __future__ import annotations

import base64
import io
import json
import logging
import socket
import time
import traceback
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.core.protocol.message import Part, Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.endpoint import Endpoint, Proxy
from airflow_provider_workflows.exceptions import (
    CertificateNotTrusted,
    ConnectionFailed,
    HostUnreachable,
    InvalidConnection,
    InvalidInput,
    NotTls,
    OutcomeUnknown,
    ServiceUnavailable,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from tests.conftest import OMFlowServer
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import Driven, Driver, send
from tests.core.transport.server import Peer, RawServer, Script, answer, in_turn, response

PATH_SECRET, HEADER_SECRET, BODY_SECRET = "p4th/s3cret", "h3ader s3cret", "b0dy-s3cret"
PROXY_SECRET = "pr0xy-s3cret"
RETRY = Retry(attempts=3)
#: Seconds that are never over, however busy the machine is.
PATIENCE = 30.0

HTML = b"<!DOCTYPE html><html><body>Sign in</body></html>"

GET = Request(
    vendor="Vendor",
    operation="ask",
    method="GET",
    path=f"/exec/{quote(PATH_SECRET, safe='')}/it",
    shown_path="/exec/***/it",
    repeatable=True,
    headers={"X-Token": HEADER_SECRET},
    # None is declared for scrubbing: the drivers must not quote them in the first place.
    secrets=(),
)
UPSERT = replace(GET, operation="upsert", method="POST", json={"password": BODY_SECRET})
START = replace(UPSERT, operation="start", repeatable=False)
#: A once-only request need not be a POST, nor have a body.
START_BARE = replace(START, json=None)
DELETE_ONCE = replace(START, method="DELETE", json=None)
PUT_ONCE = replace(START, method="PUT")

REPEATABLE = [GET, UPSERT, replace(UPSERT, method="PUT"), replace(GET, method="DELETE")]
ONCE = [START, START_BARE, DELETE_ONCE, PUT_ONCE]
WITH_BODY = [UPSERT, START, PUT_ONCE]


def name(value: Any) -> str | None:
    if isinstance(value, Request):
        body = "body" if value.json else "bare"
        return f"{value.method}-{body}-{'repeatable' if value.repeatable else 'once'}"
    return getattr(value, "__name__", None)


def road(url: str, **changes: Any) -> Endpoint:
    """Return the way to a server; only a test whose server falls silent shortens its times."""
    facts: dict[str, Any] = {"timeout": PATIENCE, "connect_timeout": PATIENCE, **changes}
    return Endpoint(base_url=url, **facts)


def failure(
    drive: Driver,
    endpoint: Endpoint,
    request: Request,
    caplog: pytest.LogCaptureFixture,
    *,
    retry: Retry = RETRY,
) -> tuple[WorkflowError, Driven]:
    """The error in which a request ends, after a search for secrets in it and in the logs."""
    driven = Driven()
    with caplog.at_level(logging.DEBUG), pytest.raises(WorkflowError) as caught:
        drive(endpoint, send(request), retry=retry, into=driven)
    assert secrets_in(told_by(caught.value)) == []
    assert libraries_in(caught.value) == []
    # urllib3 names the path at DEBUG; whoever has a secret in the path has to filter that logger.
    logged = [record for record in caplog.records if record.name != "urllib3.connectionpool"]
    assert secrets_in("\n".join(map(logging.Formatter().format, logged))) == []
    return caught.value, driven


def chain(error: BaseException) -> list[BaseException]:
    """An error and all that hangs on it, suppressed contexts included."""
    found: list[BaseException] = []
    queue = [error]
    while queue:
        one = queue.pop()
        if all(one is not other for other in found):
            found.append(one)
            queue += [other for other in (one.__cause__, one.__context__) if other is not None]
    return found


def libraries_in(error: BaseException) -> list[str]:
    """Exceptions of HTTP libraries that hang on an error; any text of theirs may quote the URL."""
    modules = [type(one).__module__ for one in chain(error)]
    return [module for module in modules if module.startswith(("requests", "urllib3", "aiohttp"))]


def told_by(error: BaseException) -> str:
    """All that an error and whatever hangs on it could tell."""
    told = []
    for one in chain(error):
        told += [str(one), repr(one), repr(one.args), repr(vars(one)), *traceback.format_exception(one)]
    if isinstance(error, WorkflowError):
        told.append(json.dumps(error.to_json()))
    return "\n".join(told)


def secrets_in(text: str) -> list[str]:
    found = []
    for secret in (PATH_SECRET, HEADER_SECRET, BODY_SECRET, PROXY_SECRET):
        forms = (secret, quote(secret, safe=""), base64.b64encode(secret.encode()).decode())
        found += [form for form in forms if form in text]
    return found


def test_the_search_for_secrets_finds_a_planted_one() -> None:
    def careless() -> None:
        try:
            raise ValueError(f"http://host/exec/{quote(PATH_SECRET, safe='')}/it")
        except ValueError:
            raise ServiceUnavailable("no answer") from None

    with pytest.raises(ServiceUnavailable) as caught:
        careless()
    assert set(secrets_in(told_by(caught.value))) == {quote(PATH_SECRET, safe="")}


# Nothing was sent: repeated, whatever the request.


@pytest.fixture
def refusing() -> Iterator[str]:
    """An address that refuses: bound, so that nobody else gets it, but not listened on."""
    with closing(socket.socket()) as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{bound.getsockname()[1]}"


def check_nothing_sent(
    drive: Driver,
    endpoint: Endpoint,
    request: Request,
    caplog: pytest.LogCaptureFixture,
    kind: type[ConnectionFailed] = ConnectionFailed,
    words: str = "",
) -> ConnectionFailed:
    error, driven = failure(drive, endpoint, request, caplog)
    assert type(error) is kind
    assert isinstance(error, ConnectionFailed)
    assert len(driven.slept) == RETRY.attempts - 1
    assert (error.vendor, error.operation, error.path) == ("Vendor", request.operation, "/exec/***/it")
    assert error.message.startswith(f"Nothing was sent: {words}")
    return error


@pytest.mark.parametrize("request_", [GET, *ONCE], ids=name)
def test_connection_refused(
    drive: Driver, refusing: str, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    check_nothing_sent(
        drive, road(f"http://{refusing}"), request_, caplog, HostUnreachable, "the server refuses"
    )


@pytest.mark.parametrize("host", ["nowhere.invalid", "no..name", "n" * 64])
@pytest.mark.parametrize("request_", [GET, START, START_BARE], ids=name)
def test_name_not_resolved(
    drive: Driver, request_: Request, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    words = "the server's name does not resolve"
    check_nothing_sent(drive, road(f"http://{host}"), request_, caplog, HostUnreachable, words)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("request_", [GET, START, START_BARE], ids=name)
def test_proxy_refuses_the_connection(
    drive: Driver, refusing: str, request_: Request, scheme: str, caplog: pytest.LogCaptureFixture
) -> None:
    endpoint = road(f"{scheme}://vendor.invalid", proxy=Proxy.parse(f"http://user:{PROXY_SECRET}@{refusing}"))
    check_nothing_sent(drive, endpoint, request_, caplog, words="the proxy")


@pytest.mark.parametrize("request_", [GET, START, START_BARE], ids=name)
def test_proxy_refuses_the_tunnel(drive: Driver, request_: Request, caplog: pytest.LogCaptureFixture) -> None:
    with RawServer((answer(response(b"who are you?", status=407)),)) as proxy:
        secretive = proxy.url.replace("//", f"//user:{PROXY_SECRET}@")
        endpoint = road("https://vendor.invalid", proxy=Proxy.parse(secretive))
        check_nothing_sent(drive, endpoint, request_, caplog, words="the proxy")
    assert {seen.method for seen in proxy.requests} == {"CONNECT"}


@pytest.mark.parametrize("request_", [GET, *ONCE], ids=name)
def test_certificate_not_trusted(
    drive: Driver, certificates: Certificates, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((answer(),), tls=certificates.untrusted.server_context()) as server:
        endpoint = road(server.url, ca=str(certificates.authority.certificate_file))
        error = check_nothing_sent(
            drive, endpoint, request_, caplog, CertificateNotTrusted, "the server's cert"
        )
    assert "self-signed certificate" in error.message
    assert server.requests == []


@pytest.mark.parametrize("request_", [GET, *ONCE], ids=name)
def test_tls_handshake_hangs(drive: Driver, request_: Request, caplog: pytest.LogCaptureFixture) -> None:
    with RawServer((Peer.hold,)) as server:
        endpoint = road(server.url.replace("http", "https"), connect_timeout=0.2)
        check_nothing_sent(drive, endpoint, request_, caplog, HostUnreachable, "connecting took too long")


def _plain_refusal(peer: Peer) -> None:
    peer.wait_for_data()
    peer.send(response(b"", status=400))


def _reset_unread(peer: Peer) -> None:
    peer.wait_for_data()
    peer.reset()


@pytest.mark.parametrize("script", [_plain_refusal, _reset_unread], ids=["plain http", "reset"])
@pytest.mark.parametrize("request_", [GET, START, START_BARE], ids=name)
def test_tls_handshake_fails(
    drive: Driver, script: Script, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((script,)) as server:
        endpoint = road(server.url.replace("http", "https"))
        kind, words = (ConnectionFailed, "")
        if script is _plain_refusal:
            kind, words = NotTls, "the server does not speak TLS"
        check_nothing_sent(drive, endpoint, request_, caplog, kind, words)
    assert len(server.connections) == RETRY.attempts


@pytest.mark.parametrize("wrong", ["ca", "client_cert"])
@pytest.mark.parametrize("content", [None, "no certificate"])
@pytest.mark.parametrize("request_", [GET, START], ids=name)
def test_certificate_file_is_missing_or_none(
    drive: Driver,
    certificates: Certificates,
    request_: Request,
    wrong: str,
    content: str | None,
    tmp_path: Any,
    caplog: pytest.LogCaptureFixture,
) -> None:
    file = tmp_path / "file.pem"
    if content is not None:
        file.write_text(content)
    with RawServer((answer(),), tls=certificates.server.server_context()) as server:
        trusted = {"ca": str(certificates.authority.certificate_file)}
        error, driven = failure(drive, road(server.url, **{**trusted, wrong: str(file)}), request_, caplog)
    assert type(error) is InvalidConnection
    assert {"ca": "'verify'", "client_cert": "'cert'"}[wrong] in str(error)
    assert str(tmp_path) not in str(error)
    assert (driven.slept, server.requests) == ([], [])


# It was sent, and the answer is lost.


def _reset_read(peer: Peer) -> None:
    peer.read()
    peer.reset()


def _hang_up(peer: Peer) -> None:
    peer.read()


def _hold(peer: Peer) -> None:
    peer.read()
    peer.hold()


def _short(peer: Peer) -> None:
    peer.read()
    peer.send(response(b'{"ok": true}').replace(b"Content-Length: 12", b"Content-Length: 120"))


def _broken_chunk(peer: Peer) -> None:
    peer.read()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nc\r\n{}")


def _no_last_chunk(peer: Peer) -> None:
    peer.read()
    peer.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n")


def _not_http(peer: Peer) -> None:
    peer.read()
    peer.send(b"220 mail.example.com ESMTP\r\n\r\n")


def _half_a_head(peer: Peer) -> None:
    peer.read()
    peer.send(b"HTTP/1.1 200 O")


_bad_gzip = answer(response(b"this is no gzip", Content_Encoding="gzip"))


LOST = [
    _reset_read,
    _hang_up,
    _hold,
    _short,
    _broken_chunk,
    _no_last_chunk,
    _not_http,
    _bad_gzip,
]


@pytest.mark.parametrize("script", [_reset_unread, *LOST], ids=name)
@pytest.mark.parametrize("request_", ONCE, ids=name)
def test_once_only_and_the_answer_is_lost(
    drive: Driver, script: Script, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((script, answer())) as server:
        endpoint = road(server.url, timeout=0.15 if script is _hold else PATIENCE)
        error, driven = failure(drive, endpoint, request_, caplog)
    # One more connection would have got a good answer.
    assert type(error) is OutcomeUnknown
    assert (len(server.connections), driven.slept) == (1, [])
    assert len(server.requests) == (script is not _reset_unread)


@pytest.mark.parametrize("script", [_reset_unread, *LOST], ids=name)
@pytest.mark.parametrize("request_", REPEATABLE, ids=name)
def test_repeatable_and_the_answer_is_lost_each_time(
    drive: Driver, script: Script, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((script,)) as server:
        endpoint = road(server.url, timeout=0.15 if script is _hold else PATIENCE)
        error, driven = failure(drive, endpoint, request_, caplog)
    assert type(error) is ServiceUnavailable
    # Not one sending more than the policy allows, whatever the library would do by itself.
    sendings = server.connections if script is _reset_unread else server.requests
    assert (len(sendings), len(driven.slept)) == (RETRY.attempts, RETRY.attempts - 1)


@pytest.mark.parametrize("request_", [GET, START], ids=name)
def test_an_answer_that_ends_within_its_head(
    drive: Driver, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((_half_a_head,)) as server:
        error, _ = failure(drive, road(server.url), request_, caplog)
    assert type(error) is (ServiceUnavailable if request_.repeatable else OutcomeUnknown)
    assert len(server.requests) == (RETRY.attempts if request_.repeatable else 1)


@pytest.mark.parametrize("request_", REPEATABLE, ids=name)
def test_repeatable_and_the_second_answer_is_good(drive: Driver, request_: Request) -> None:
    with RawServer((_reset_read, answer())) as server:
        driven = drive(road(server.url), send(request_), retry=RETRY)
    assert driven.results[0].json == {"ok": True}
    first, second = server.requests
    assert (first.method, first.target, first.body) == (second.method, second.target, second.body)


@pytest.mark.parametrize("request_", [UPSERT, START], ids=name)
def test_an_answer_that_drips_for_ever_ends_with_patience(
    drive: Driver, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    def drip(peer: Peer) -> None:
        peer.read()
        peer.send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
        peer.drip(every=0.02)

    with RawServer((drip,)) as server:
        endpoint = road(server.url, timeout=0.5, connect_timeout=1)
        begin = time.monotonic()
        error, _ = failure(drive, endpoint, request_, caplog, retry=Retry(attempts=1))
        took = time.monotonic() - begin
    assert type(error) is (ServiceUnavailable if request_.repeatable else OutcomeUnknown)
    assert len(server.requests) == 1
    # Longer than a read timeout, since bytes did come; and not as long as they would have gone on.
    assert 0.5 < took < PATIENCE


@pytest.mark.parametrize("request_", [replace(GET, timeout=0.1), replace(START, timeout=0.1)], ids=name)
def test_a_request_s_own_timeout_goes_before_the_connection_s(
    drive: Driver, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((_hold,)) as server:
        begin = time.monotonic()
        failure(drive, road(server.url), request_, caplog)
        assert time.monotonic() - begin < PATIENCE


@pytest.mark.parametrize("repeatable", [True, False])
def test_a_file_that_breaks_off_while_it_is_sent(
    drive: Driver, repeatable: bool, caplog: pytest.LogCaptureFixture
) -> None:
    part = Part(name="f", filename="report.pdf", open=lambda: io.BytesIO(b"short"), size=100)
    upload = replace(START, json=None, parts=(part,), repeatable=repeatable)
    with RawServer((answer(),)) as server:
        error, driven = failure(drive, road(server.url), upload, caplog)
    assert type(error) is InvalidInput
    assert (driven.slept, server.requests) == ([], [])


# There is an answer, of a kind.


@pytest.mark.parametrize(
    ("reply", "repeatable", "once"),
    [
        (response(HTML, status=502, kind="text/html"), ServiceUnavailable, OutcomeUnknown),
        (response(b"", status=408), ServiceUnavailable, OutcomeUnknown),
        (response(b'{"error": 1}', status=500), ServiceUnavailable, OutcomeUnknown),
        (response(HTML, kind="text/html"), UnreadableAnswer, OutcomeUnknown),
        (response(b""), UnreadableAnswer, OutcomeUnknown),
        (b"HTTP/1.1 204 No\r\n\r\n", UnreadableAnswer, OutcomeUnknown),
    ],
    ids=["502 html", "408", "500 json", "200 html", "200 empty", "204"],
)
def test_an_answer_that_is_no_answer(
    drive: Driver,
    reply: bytes,
    repeatable: type[WorkflowError],
    once: type[WorkflowError],
    caplog: pytest.LogCaptureFixture,
) -> None:
    with RawServer((answer(reply),)) as server:
        for request_, kind, times in ((UPSERT, repeatable, RETRY.attempts), (START, once, 1)):
            server.requests.clear()
            error, _ = failure(drive, road(server.url), request_, caplog)
            assert (type(error), len(server.requests)) == (kind, times)
            assert error.status == int(reply.split()[1])


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("request_", [GET, START], ids=name)
def test_a_redirect_is_not_followed(
    drive: Driver, status: int, request_: Request, caplog: pytest.LogCaptureFixture
) -> None:
    with RawServer((answer(),)) as target:
        moved = response(b"", status=status, Location=f"{target.url}/elsewhere")
        with RawServer((answer(moved),)) as server:
            error, driven = failure(drive, road(server.url), request_, caplog)
    # 303 answers a request that was carried out, which for one that must not be repeated is a lost answer.
    kind = OutcomeUnknown if status == 303 and not request_.repeatable else UnexpectedRedirect
    assert (type(error), error.status) == (kind, status)
    assert (len(server.requests), driven.slept) == (1, [])
    assert target.connections == []


@pytest.mark.parametrize("request_", [GET, START], ids=name)
def test_throttled_and_then_heard(drive: Driver, request_: Request) -> None:
    refusal = response(b"slow down", status=429, Retry_After="7")
    with RawServer((in_turn(refusal, response()),)) as server:
        driven = drive(road(server.url), send(request_), retry=RETRY)
    assert (driven.slept, driven.results[0].status) == ([7.0], 200)
    assert len(server.requests) == 2


def test_throttled_for_longer_than_the_cap(drive: Driver, caplog: pytest.LogCaptureFixture) -> None:
    with RawServer((answer(response(b"", status=429, Retry_After="3600")),)) as server:
        error, _ = failure(drive, road(server.url), START, caplog)
    assert (type(error), error.retry_after, len(server.requests)) == (Throttled, 3600.0, 1)


def test_a_4xx_is_for_the_vendor_s_code_to_read(drive: Driver) -> None:
    with RawServer((answer(response(b"no such thing", status=404, kind="text/plain")),)) as server:
        (reply,) = drive(road(server.url), send(START)).results
    assert (reply.status, reply.text(), reply.headers["content-type"]) == (404, "no such thing", "text/plain")


# Pooled connections.


def test_a_stale_pooled_connection_is_only_ever_met_by_repeatable_requests(drive: Driver) -> None:
    def once_then_reset(peer: Peer) -> None:
        peer.read()
        peer.send(response())
        # The server gives the idle connection up just when the next request comes, as it may.
        peer.wait_for_data()
        peer.reset()

    with RawServer((once_then_reset, answer())) as server:
        driven = drive(road(server.url), send(UPSERT), send(UPSERT), retry=RETRY)
    assert [reply.status for reply in driven.results] == [200, 200]
    assert len(driven.slept) == 1
    assert [seen.client_port for seen in server.requests] == server.connections
    assert len(server.connections) == 2


@pytest.mark.parametrize("request_", REPEATABLE, ids=name)
def test_a_pooled_connection_that_was_closed_in_between(drive: Driver, request_: Request) -> None:
    def once(peer: Peer) -> None:
        peer.read()
        peer.send(response())

    with RawServer((once,)) as server:
        driven = drive(road(server.url), send(request_), send(request_), retry=RETRY)
    assert [reply.status for reply in driven.results] == [200, 200]
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", [b'{"ok": true}', b"{" + b" " * 200_000 + b"}"])
def test_repeatable_requests_share_a_connection_and_once_only_ones_have_their_own(
    drive: Driver, body: bytes
) -> None:
    requests = [GET, START, UPSERT, START_BARE, GET]
    with RawServer((answer(response(body)),)) as server:
        drive(road(server.url), *map(send, requests))
    ports = [seen.client_port for seen in server.requests]
    assert ports[0] == ports[2] == ports[4]
    assert len(set(ports)) == 3


# The sandbox's faults, which a vendor's double makes with all that a vendor's server has around it.


@pytest.mark.parametrize(
    ("kind", "effect", "repeatable", "once"),
    [
        ("lost_answer", None, ServiceUnavailable, OutcomeUnknown),
        ("reset_before", None, ServiceUnavailable, OutcomeUnknown),
        ("reset_unread", None, ServiceUnavailable, OutcomeUnknown),
        ("truncated", None, ServiceUnavailable, OutcomeUnknown),
        ("hang", None, ServiceUnavailable, OutcomeUnknown),
        ("bad_gateway", True, ServiceUnavailable, OutcomeUnknown),
        ("unavailable", None, ServiceUnavailable, OutcomeUnknown),
        ("not_json", True, UnreadableAnswer, OutcomeUnknown),
        ("redirect", None, UnexpectedRedirect, UnexpectedRedirect),
        ("throttled", None, Throttled, Throttled),
    ],
)
def test_faults_of_the_sandbox(
    drive: Driver,
    omflow: OMFlowServer,
    kind: str,
    effect: bool | None,
    repeatable: type[WorkflowError],
    once: type[WorkflowError],
) -> None:
    fault = omflow.fault("any", kind, effect=effect, times=100)
    open_order = replace(START, path="/rest/flowmanage/api/omdata/edit/simple")
    for request_, expected in ((open_order, once), (replace(open_order, repeatable=True), repeatable)):
        before = omflow.control.hits(fault)
        patience = 0.2 if kind == "hang" else PATIENCE
        with pytest.raises(expected):
            drive(road(omflow.url, timeout=patience), send(request_), retry=Retry(attempts=2))
        again = issubclass(expected, (ServiceUnavailable, UnreadableAnswer, Throttled))
        assert omflow.control.hits(fault) - before == (2 if again else 1)
