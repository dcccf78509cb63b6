"""Each kind of fault, seen on a raw socket."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from airflow_provider_workflows.sandbox.control import Control, ControlError
from airflow_provider_workflows.sandbox.faults import KINDS, FaultRegistry
from airflow_provider_workflows.sandbox.journal import Journal
from tests.sandbox.client import TITLE, OMFlowClient, until

VENDOR = "omflow-1.1"


class RawExchange:
    """One open order, sent byte by byte on a connection of its own."""

    def __init__(self, client: OMFlowClient, *, title: str = "") -> None:
        if not client.code:
            client.login()
        target = urlsplit(client.url)
        assert target.hostname is not None
        item = {**TITLE, "value": title} if title else TITLE
        body = json.dumps(
            {"security": client.code, "omflow_restapi": 1, "action": "create", "formdata": [item]}
        ).encode()
        self._head = (
            f"POST {target.path}/rest/flowmanage/api/omdata/edit/simple HTTP/1.1\r\n"
            f"Host: {target.netloc}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        ).encode()
        self._body = body
        self.socket = socket.create_connection((target.hostname, target.port or 80), timeout=5)

    def send(self, *, with_body: bool = True) -> RawExchange:
        self.socket.sendall(self._head + (self._body if with_body else b""))
        return self

    def receive(self) -> bytes:
        """Everything until the server closes the connection or has answered whole."""
        received = b""
        with self.socket:
            while not _is_whole(received):
                piece = self.socket.recv(65536)
                if not piece:
                    break
                received += piece
        return received


def _is_whole(received: bytes) -> bool:
    head, found, body = received.partition(b"\r\n\r\n")
    if not found:
        return False
    lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    return len(body) >= int(lengths[0].partition(b":")[2])


def opened(control: Control) -> int:
    return int(control.effects(VENDOR)["opened"])


@pytest.mark.parametrize(
    ("kind", "effect"), [("lost_answer", 1), ("reset_before", 0), ("late_effect", 1), ("reset_unread", 0)]
)
def test_connection_is_reset(old: OMFlowClient, control: Control, kind: str, effect: int) -> None:
    fault = control.fault(VENDOR, "open", kind, seconds=0.2)
    exchange = RawExchange(old).send(with_body=kind != "reset_unread")
    with pytest.raises(ConnectionResetError):
        exchange.receive()
    assert control.hits(fault) == 1
    assert opened(control) == effect
    assert b'"status": 200' in RawExchange(old).send().receive()


def test_late_effect_comes_after_the_client_has_left(old: OMFlowClient, control: Control) -> None:
    fault = control.fault(VENDOR, "open", "late_effect", seconds=1.5)
    exchange = RawExchange(old).send()
    until(lambda: control.hits(fault) == 1)
    exchange.socket.close()
    assert opened(control) == 0
    until(lambda: opened(control) == 1)


@pytest.mark.parametrize("effect", [False, True])
def test_bad_gateway(old: OMFlowClient, control: Control, effect: bool) -> None:
    fault = control.fault(VENDOR, "open", "bad_gateway", effect=effect)
    answer = RawExchange(old).send().receive()
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert b"content-type: text/html" in answer
    assert (control.hits(fault), opened(control)) == (1, effect)


@pytest.mark.parametrize("effect", [False, True])
def test_not_json(old: OMFlowClient, control: Control, effect: bool) -> None:
    fault = control.fault(VENDOR, "open", "not_json", effect=effect)
    answer = RawExchange(old).send().receive()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"<!DOCTYPE html>" in answer
    assert (control.hits(fault), opened(control)) == (1, effect)


@pytest.mark.parametrize("retry_after", [7, "Wed, 21 Oct 2026 07:28:00 GMT", None])
@pytest.mark.parametrize(("kind", "status"), [("unavailable", 503), ("throttled", 429)])
def test_refusal_with_retry_after(
    old: OMFlowClient, control: Control, kind: str, status: int, retry_after: int | str | None
) -> None:
    control.fault(VENDOR, "open", kind, retry_after=retry_after)
    answer = RawExchange(old).send().receive().decode()
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert ("retry-after" in answer) == (retry_after is not None)
    assert retry_after is None or f"retry-after: {retry_after}\r\n" in answer
    assert opened(control) == 0


def test_slow_answer(old: OMFlowClient, control: Control) -> None:
    fault = control.fault(VENDOR, "open", "slow", seconds=0.3)
    begin = time.monotonic()
    exchange = RawExchange(old).send()
    until(lambda: opened(control) == 1)
    assert control.hits(fault) == 1
    assert b'"status": 200' in exchange.receive()
    assert time.monotonic() - begin >= 0.3


def test_hang_lasts_until_the_client_leaves(old: OMFlowClient, control: Control) -> None:
    fault = control.fault(VENDOR, "open", "hang")
    exchange = RawExchange(old).send()
    until(lambda: control.hits(fault) == 1)
    exchange.socket.settimeout(0.3)
    with pytest.raises(TimeoutError):
        exchange.receive()
    assert opened(control) == 0


def test_truncated_answer(old: OMFlowClient, control: Control) -> None:
    control.fault(VENDOR, "open", "truncated")
    answer = RawExchange(old).send().receive()
    head, _, body = answer.partition(b"\r\n\r\n")
    promised = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    assert 0 < len(body) < promised
    assert opened(control) == 1


def test_redirect(old: OMFlowClient, control: Control) -> None:
    control.fault(VENDOR, "open", "redirect")
    answer = RawExchange(old).send().receive()
    assert answer.startswith(b"HTTP/1.1 302 ")
    assert b"location: /elsewhere" in answer
    assert opened(control) == 0


@pytest.mark.parametrize("status", [204, 408, 500, 504])
def test_any_status(old: OMFlowClient, control: Control, status: int) -> None:
    control.fault(VENDOR, "open", "status", status=status)
    answer = RawExchange(old).send().receive()
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert opened(control) == 0


@pytest.mark.parametrize(("status", "effect"), [(None, False), (502, True)])
def test_echo(old: OMFlowClient, control: Control, status: int | None, effect: bool) -> None:
    fault = control.fault(VENDOR, "open", "echo", status=status, effect=effect)
    answer = RawExchange(old, title="<&>").send().receive()
    assert answer.startswith(f"HTTP/1.1 {status or 500} ".encode())
    assert b"POST /rest/flowmanage/api/omdata/edit/simple\nhost: 127.0.0.1:" in answer
    assert old.code.encode() in answer
    assert b"&lt;&amp;&gt;" in answer
    assert (control.hits(fault), opened(control)) == (1, effect)


def test_skip_and_times(old: OMFlowClient, control: Control) -> None:
    fault = control.fault(VENDOR, "open", "unavailable", skip=1, times=2)
    statuses = [RawExchange(old).send().receive()[9:12] for _ in range(4)]
    assert statuses == [b"200", b"503", b"503", b"200"]
    assert control.hits(fault) == 2


def test_every_second_request(old: OMFlowClient, control: Control) -> None:
    fault = control.fault(VENDOR, "open", "unavailable", every=2, times=2)
    statuses = [RawExchange(old).send().receive()[9:12] for _ in range(6)]
    assert statuses == [b"200", b"503", b"200", b"503", b"200", b"200"]
    assert control.hits(fault) == 2


def test_no_tag_is_struck_twice(old: OMFlowClient, control: Control) -> None:
    control.watch(VENDOR, "run-[0-9]+")
    first = control.fault(VENDOR, "open", "unavailable", per_tag=True, times=1)
    others = control.fault(VENDOR, "open", "throttled", per_tag=True, times=9)
    statuses = []
    for title in ("run-1", "run-1", "run-2", "none", "run-2", "run-3"):
        exchange = RawExchange(old, title=title).send()
        statuses.append(exchange.receive()[9:12])
    assert statuses == [b"503", b"200", b"429", b"200", b"200", b"429"]
    assert (control.hits(first), control.hits(others)) == (1, 2)
    assert opened(control) == 3


def test_tagged_requests_are_noted_with_their_time(old: OMFlowClient, control: Control) -> None:
    began = time.time()
    RawExchange(old, title="run-0").send().receive()
    control.watch(VENDOR, "run-[0-9]+")
    for title in ("run-1", "other", "run-2"):
        RawExchange(old, title=title).send().receive()
    sent = control.sent(VENDOR)
    assert [(request["tag"], request["endpoint"]) for request in sent] == [
        ("run-1", "open"),
        ("run-2", "open"),
    ]
    assert began <= sent[0]["at"] <= sent[1]["at"] <= time.time()
    control.reset()
    RawExchange(old, title="run-3").send().receive()
    assert control.sent(VENDOR) == []


def test_a_tag_is_looked_for_in_all_parts(control: Control) -> None:
    journal = Journal("opened")
    journal.watch("run-[0-9]+")
    assert journal.tag_of(["", "x", "the run-7 of run-8"]) == "run-7"
    assert journal.tag_of(["x"]) is None
    with pytest.raises(ControlError, match="pattern"):
        control.watch(VENDOR, "(")


def test_a_fault_is_for_one_endpoint_of_one_vendor(
    old: OMFlowClient, new: OMFlowClient, control: Control
) -> None:
    fault = control.fault(VENDOR, "push", "status")
    assert old.open("simple")["status"] == 200
    assert new.open("simple")["status"] == "200"
    assert control.hits(fault) == 0
    control.fault(VENDOR, "any", "status", status=418)
    assert RawExchange(old).send().receive().startswith(b"HTTP/1.1 418 ")


def test_an_answer_of_the_tests_own_is_sent_as_it_is(old: OMFlowClient, control: Control) -> None:
    said = r'{"text": "\ud83d\u0000", "number": 1e999, "other": NaN}'
    fault = control.fault(VENDOR, "open", "body", body=said, containing="the one")
    assert RawExchange(old, title="another").send().receive().startswith(b"HTTP/1.1 200 ")
    assert control.hits(fault) == 0
    received = RawExchange(old, title="this is the one").send().receive()
    assert received.startswith(b"HTTP/1.1 200 ")
    assert received.endswith(said.encode())
    assert control.hits(fault) == 1
    assert control.effects(VENDOR)["opened"] == 1


def test_faults_are_listed_and_cleared(control: Control, old: OMFlowClient) -> None:
    control.fault(VENDOR, "query", "throttled", retry_after=3, times=5)
    (fault,) = control.faults()
    assert (fault["kind"], fault["times"], fault["retry_after"]) == ("throttled", 5, "3")
    control.clear_faults()
    assert control.faults() == []
    assert old.open("simple")["status"] == 200


@pytest.mark.parametrize(
    ("vendor", "endpoint", "kind", "settings", "reason"),
    [
        ("omflow-9", "open", "hang", {}, "no vendor 'omflow-9'"),
        (VENDOR, "opne", "hang", {}, "no endpoint 'opne'"),
        (VENDOR, "open", "explode", {}, "unknown kind of fault 'explode'"),
        (VENDOR, "open", "hang", {"effect": True}, "no choice of effect"),
        (VENDOR, "open", "hang", {"every": 0}, "every is 1 or more"),
        (VENDOR, "open", "hang", {"body": "{}"}, "no body of its own"),
    ],
)
def test_a_fault_that_cannot_be_is_refused(
    control: Control, vendor: str, endpoint: str, kind: str, settings: dict[str, Any], reason: str
) -> None:
    with pytest.raises(ControlError, match=reason):
        control.fault(vendor, endpoint, kind, **settings)


def test_every_kind_can_be_ordered() -> None:
    registry = FaultRegistry()
    for kind in KINDS:
        registry.order(vendor=VENDOR, endpoint="open", kind=kind)
    assert [fault.kind for fault in registry.all()] == list(KINDS)
