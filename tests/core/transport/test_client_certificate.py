"""
A server that does not accept our certificate, or the want of one, has accepted no request either.

With TLS 1.3 it says so after a part of the request has gone out. How soon is a matter of chance, so that each
case is tried several times.
"""

from __future__ import annotations

import io
import ssl
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.message import Part, Request
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport import tls
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import ConnectionFailed, OutcomeUnknown, ServiceUnavailable
from tests.core.transport.certificates import Certificates
from tests.core.transport.drivers import Driver, send
from tests.core.transport.server import Peer, RawServer, answer

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
START_BARE = replace(ASK, operation="start bare", method="POST", repeatable=False)
START = replace(START_BARE, operation="start", json={"a": 1})
#: More than the sockets hold, so that it is still being sent when the server hangs up.
LARGE = 8_000_000
UPLOAD = replace(
    START_BARE,
    operation="upload",
    parts=(Part(name="f", filename="f", open=lambda: io.BytesIO(b"0" * LARGE), size=LARGE),),
)
TIMES = 4


@pytest.mark.parametrize("whose", [None, "untrusted", "expired"])
@pytest.mark.parametrize(
    "version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=lambda one: one.name
)
@pytest.mark.parametrize("request_", [ASK, START, START_BARE, UPLOAD], ids=lambda one: one.operation)
def test_it_names_the_field(
    drive: Driver,
    certificates: Certificates,
    request_: Request,
    version: ssl.TLSVersion,
    whose: str | None,
) -> None:
    context = certificates.server.server_context(client_authority=certificates.authority)
    context.maximum_version = version
    cert = None if whose is None else str(getattr(certificates, whose).both)
    with RawServer((answer(),), tls=context) as server:
        road = Endpoint(
            base_url=server.url, ca=str(certificates.authority.certificate_file), client_cert=cert
        )
        for _ in range(TIMES):
            with pytest.raises(ConnectionFailed, match=r"wants a client certificate .*field 'cert'"):
                drive(road, send(request_), retry=Retry(attempts=1))
    assert server.requests == []


@pytest.mark.parametrize("request_", [ASK, START, START_BARE], ids=lambda one: one.operation)
def test_a_reset_without_a_word_leaves_the_doubt(
    drive: Driver, certificates: Certificates, request_: Request
) -> None:
    def reset(peer: Peer) -> None:
        peer.read()
        peer.reset()

    with RawServer((reset,), tls=certificates.server.server_context()) as server:
        road = Endpoint(base_url=server.url, ca=str(certificates.authority.certificate_file))
        with pytest.raises(ServiceUnavailable if request_.repeatable else OutcomeUnknown):
            drive(road, send(request_), retry=Retry(attempts=1))


def alert(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, "an alert")
    error.reason = reason
    return error


class Scripted:
    """Stands for a library's TLS object: reads what it is told to."""

    def __init__(self, *outcomes: bytes | ssl.SSLError) -> None:
        self._outcomes: Iterator[Any] = iter(outcomes)

    def read(self, size: int) -> bytes:
        outcome = next(self._outcomes)
        if isinstance(outcome, Exception):
            raise outcome
        assert isinstance(outcome, bytes)
        return outcome


class Heard(tls._Heard, Scripted):
    pass


CERTIFICATE_REQUIRED = "TLSV13_ALERT_CERTIFICATE_REQUIRED"


@pytest.mark.parametrize(
    ("outcomes", "counts"),
    [
        ([alert(CERTIFICATE_REQUIRED)], True),
        ([ssl.SSLWantReadError(), alert("SSLV3_ALERT_HANDSHAKE_FAILURE")], True),
        ([alert("TLSV1_ALERT_ACCESS_DENIED")], True),
        ([alert("TLSV1_ALERT_INTERNAL_ERROR")], False),
        ([alert("BAD_CERTIFICATE")], False),
        ([ssl.SSLError(1, "without a reason")], False),
        # The server may have acted on what came before.
        ([b"HTTP/1.1 103 Early", alert(CERTIFICATE_REQUIRED)], False),
        ([b"H", ssl.SSLWantReadError(), alert("SSLV3_ALERT_HANDSHAKE_FAILURE")], False),
    ],
)
def test_an_alert_counts_only_before_the_first_byte_of_an_answer(
    outcomes: list[bytes | ssl.SSLError], counts: bool
) -> None:
    heard = Heard(*outcomes)
    alerts: list[ssl.SSLError] = []
    token = tls.alerts_about_us.set(alerts)
    for outcome in outcomes:
        if isinstance(outcome, Exception):
            with pytest.raises(ssl.SSLError):
                heard.read(1)
        else:
            assert heard.read(1) == outcome
    tls.alerts_about_us.reset(token)
    assert alerts == (outcomes[-1:] if counts else [])
