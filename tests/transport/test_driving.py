"""What both drivers make of an operation."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest

from airflow_provider_workflows.protocol.errors import NotFound, OutcomeUnknown, Throttled
from airflow_provider_workflows.protocol.message import Part, Request
from airflow_provider_workflows.protocol.operation import Operation, Renew, Sleep
from airflow_provider_workflows.transport.endpoint import Endpoint
from tests.transport.drivers import Driven, Driver, send
from tests.transport.server import RawServer, answer, response

ASK = Request(vendor="Vendor", operation="ask", method="GET", path="/a", repeatable=True)
START = Request(vendor="Vendor", operation="start", method="POST", path="/b", repeatable=False)
NOWHERE = Endpoint(base_url="http://nowhere.invalid")


def test_steps_are_done_in_order_and_the_result_is_returned(drive: Driver) -> None:
    def operation() -> Operation[list[int]]:
        first = yield ASK
        slept = yield Sleep(3.0)
        second = yield START
        assert slept is None
        return [first.status, second.status]

    with RawServer((answer(),)) as server:
        driven = drive(Endpoint(base_url=server.url), operation())
    assert driven == Driven(results=[[200, 200]], slept=[3.0])
    assert [seen.target for seen in server.requests] == ["/a", "/b"]


def test_an_operation_can_go_on_after_an_error(drive: Driver) -> None:
    def operation() -> Operation[int]:
        try:
            yield START
        except OutcomeUnknown:
            reply = yield ASK
            return int(reply.status)
        return 0

    with RawServer((answer(response(b"", status=500)), answer())) as server:
        assert drive(Endpoint(base_url=server.url), operation()).results == [200]


def test_an_operation_s_own_error_comes_out_as_it_is(drive: Driver) -> None:
    raised = NotFound("no such order")

    def operation() -> Operation[None]:
        yield Sleep(1.0)
        raise raised

    with pytest.raises(NotFound) as caught:
        drive(NOWHERE, operation())
    assert caught.value is raised


def test_nothing_is_repeated_after_the_deadline(drive: Driver) -> None:
    refusal = response(b"", status=429, Retry_After="5")
    with RawServer((answer(refusal),)) as server:
        driven = Driven()
        with pytest.raises(Throttled):
            drive(Endpoint(base_url=server.url), send(ASK), into=driven, deadline=time.monotonic() + 4)
    assert (driven.slept, len(server.requests)) == ([], 1)


def test_a_vendor_without_a_fetched_credential_has_none_to_renew(drive: Driver) -> None:
    def operation() -> Operation[None]:
        yield Renew()

    with pytest.raises(TypeError, match="no credential to fetch"):
        drive(NOWHERE, operation())


def test_where_files_are_read(drive: Driver, tmp_path: Path) -> None:
    """A slow disk must not stop the event loop; in a worker there is none."""
    file = tmp_path / "attachment"
    file.write_bytes(b"content")
    threads: list[threading.Thread] = []

    def open_it():  # type: ignore[no-untyped-def]
        threads.append(threading.current_thread())
        return file.open("rb")

    part = Part(name="f", filename="a", open=open_it, size=7)
    upload = Request(
        vendor="Vendor", operation="upload", method="POST", path="/", repeatable=False, parts=(part,)
    )
    with RawServer((answer(),)) as server:
        drive(Endpoint(base_url=server.url), send(upload))
    assert (threads == [threading.main_thread()]) == (drive.__name__ == "blocking")  # type: ignore[attr-defined]
    assert len(threads) == 1
