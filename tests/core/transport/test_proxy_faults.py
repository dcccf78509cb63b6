"""A fault of a proxy, or of what is behind it, is told in the same words from worker and triggerer."""

from __future__ import annotations

import contextlib
import socket
import ssl
from collections.abc import Callable
from dataclasses import replace

import pytest

from airflow_provider_workflows.core.protocol.message import Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.endpoint import Endpoint, Proxy
from airflow_provider_workflows.exceptions import (
    CertificateNotTrusted,
    ConnectionFailed,
    NotTls,
    OutcomeUnknown,
    ServiceUnavailable,
    WorkflowError,
)
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import Driver, send
from tests.core.transport.server import Peer, RawServer, Script, answer, response

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
START = replace(ASK, operation="start", method="POST", repeatable=False, json={"a": 1})
REQUESTS = [ASK, START]

PROXY = "the proxy cannot be reached, or makes no connection to the server"
UNTRUSTED = "the server's certificate is not trusted"
PLAIN = "the server does not speak TLS"
UNWANTED = "the server wants a client certificate that it accepts (field 'cert')"

TUNNEL = b"HTTP/1.1 200 Connection established\r\n\r\n"


def hang_up(peer: Peer) -> None:
    peer.read()


def reset(peer: Peer) -> None:
    peer.read()
    peer.reset()


def hold(peer: Peer) -> None:
    peer.read()
    peer.hold()


def say(data: bytes) -> Script:
    def script(peer: Peer) -> None:
        peer.read()
        peer.send(data)
        peer.pause(0.1)

    return script


def refuse_plainly(peer: Peer) -> None:
    peer.wait_for_data()
    peer.send(response(b"", status=400))


def tunnel_to(port: int) -> Script:
    """Let everything through to another server."""

    def script(peer: Peer) -> None:
        peer.read()
        peer.send(TUNNEL)
        with socket.create_connection(("127.0.0.1", port)) as other, contextlib.suppress(OSError):
            peer.join(other)

    return script


SCRIPTS: dict[str, tuple[Script, type[ConnectionFailed], str]] = {
    **{
        f"refuses with {status}": (answer(response(b"no", status=status)), ConnectionFailed, PROXY)
        for status in (400, 403, 404, 407, 429, 500, 502, 503, 504)
    },
    "hangs up": (hang_up, ConnectionFailed, PROXY),
    "resets": (reset, ConnectionFailed, PROXY),
    "is silent": (hold, ConnectionFailed, PROXY),
    "speaks no HTTP": (say(b"220 mail.example.com ESMTP\r\n\r\n"), ConnectionFailed, PROXY),
    "tunnels, and hangs up": (say(TUNNEL), ConnectionFailed, PROXY),
}


def told(drive: Driver, endpoint: Endpoint, request: Request) -> tuple[type[WorkflowError], str]:
    """Return the class of the error, and what it says up to the library's names."""
    error = ended(drive, endpoint, request)
    assert error.message.startswith("Nothing was sent: ")
    return type(error), error.message.removeprefix("Nothing was sent: ").partition(";")[0]


def ended(drive: Driver, endpoint: Endpoint, request: Request) -> WorkflowError:
    with pytest.raises(WorkflowError) as caught:
        drive(endpoint, send(request), retry=Retry(attempts=1))
    return caught.value


def road(
    proxy: str, certificates: Certificates, host: str = "https://vendor.invalid", *, silent: bool = False
) -> Endpoint:
    """Return the way through a proxy; its times are short only if the proxy falls silent."""
    ca = str(certificates.authority.certificate_file)
    timeout, connect_timeout = (2, 1) if silent else (30, 30)
    return Endpoint(
        base_url=host, ca=ca, proxy=Proxy.parse(proxy), timeout=timeout, connect_timeout=connect_timeout
    )


@pytest.mark.parametrize("name", SCRIPTS)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.operation)
def test_the_proxy(drive: Driver, certificates: Certificates, name: str, request_: Request) -> None:
    script, kind, words = SCRIPTS[name]
    with RawServer((script,)) as proxy:
        endpoint = road(proxy.url, certificates, silent=script is hold)
        assert told(drive, endpoint, request_) == (kind, words)


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("proxy", ["http://127.0.0.1:1", "http://proxy.invalid:3128", "https://127.0.0.1:1"])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.operation)
def test_no_proxy_there(
    drive: Driver, certificates: Certificates, proxy: str, scheme: str, request_: Request
) -> None:
    endpoint = road(proxy, certificates, f"{scheme}://vendor.invalid")
    assert told(drive, endpoint, request_) == (ConnectionFailed, PROXY)


TARGETS: dict[str, tuple[Callable[[Certificates], ssl.SSLContext | None], type[ConnectionFailed], str]] = {
    "not trusted": (lambda has: has.untrusted.server_context(), CertificateNotTrusted, UNTRUSTED),
    "wants a certificate": (
        lambda has: has.server.server_context(client_authority=has.authority),
        ConnectionFailed,
        UNWANTED,
    ),
    "no TLS": (lambda has: None, NotTls, PLAIN),
}


@pytest.mark.parametrize("name", TARGETS)
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.operation)
@pytest.mark.parametrize("secure", [False, True], ids=["plain proxy", "TLS proxy"])
def test_what_is_behind_a_tunnel(
    drive: Driver, certificates: Certificates, name: str, request_: Request, secure: bool
) -> None:
    make, kind, words = TARGETS[name]
    outer = certificates.server.server_context() if secure else None
    with (
        RawServer((refuse_plainly,), tls=make(certificates)) as target,
        RawServer((tunnel_to(target.port),), tls=outer) as proxy,
    ):
        endpoint = road(proxy.url, certificates, f"https://127.0.0.1:{target.port}")
        error = ended(drive, endpoint, request_)
        # A proxy may hang up before the alert has come through it. Then nothing tells what it was.
        lost = ServiceUnavailable if request_.repeatable else OutcomeUnknown
        if name != "wants a certificate" or type(error) is not lost:
            assert type(error) is kind
            assert error.message.startswith(f"Nothing was sent: {words};")
    assert target.requests == []


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("what", ["not trusted", "no TLS", "silent"])
@pytest.mark.parametrize("request_", REQUESTS, ids=lambda one: one.operation)
def test_a_proxy_s_own_tls(
    drive: Driver, certificates: Certificates, what: str, scheme: str, request_: Request
) -> None:
    tls = certificates.untrusted.server_context() if what == "not trusted" else None
    with RawServer((Peer.hold if what == "silent" else refuse_plainly,), tls=tls) as proxy:
        secure = proxy.url.replace("http:", "https:")
        endpoint = road(secure, certificates, f"{scheme}://vendor.invalid", silent=what == "silent")
        assert told(drive, endpoint, request_) == (ConnectionFailed, PROXY)
    assert proxy.requests == []
