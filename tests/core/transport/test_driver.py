"""What becomes of an operation: with each adapter, and by hand."""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.body import CHUNK, Permit
from airflow_provider_workflows.core.protocol.message import Part, Request
from airflow_provider_workflows.core.protocol.operation import Operation, Renew, Sending, Sleep
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport.driver import SLOWEST_UPLOAD, Send
from airflow_provider_workflows.core.transport.driver import Driver as OperationDriver
from airflow_provider_workflows.core.transport.endpoint import Endpoint
from airflow_provider_workflows.exceptions import (
    ConnectionFailed,
    NotFound,
    OutcomeUnknown,
    ServiceUnavailable,
    TemporaryError,
    Throttled,
    WorkflowError,
)
from tests.core.protocol.samples import make_reply
from tests.core.transport.drivers import Driven, Driver, send
from tests.core.transport.server import Peer, RawServer, answer, response

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


# Whether it may be sent is asked for what is sent once, and that last.


@pytest.mark.parametrize("changes", [{"json": {}}, {"json": None}], ids=["body", "bare"])
def test_what_must_not_be_sent_any_more_is_not(drive: Driver, changes: dict[str, Any]) -> None:
    raised = TemporaryError("the task was killed")
    asked: list[None] = []

    class Asked(Permit):
        def check(self, *, begun: bool = False, waited: bool = False) -> None:
            # First when there is no connection yet, then when it stands.
            assert not begun
            asked.append(None)
            if len(asked) == 2:
                raise raised

    with RawServer((answer(),)) as server:
        drive(Endpoint(base_url=server.url), send(ASK), permit=Asked())
        assert asked == [], "what may be repeated needs no permission"
        with pytest.raises(TemporaryError) as caught:
            drive(Endpoint(base_url=server.url), send(replace(START, **changes)), permit=Asked())
    assert caught.value is raised
    assert len(asked) == 2
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("changes", "pieces"),
    [({"json": {}}, 1), ({"json": "x" * 3 * CHUNK}, 4), ({"parts": (Part(name="a", value="b"),)}, 4)],
    ids=["short", "long", "parts"],
)
def test_a_body_is_not_completed_once_it_must_not_be(
    drive: Driver, changes: dict[str, Any], pieces: int
) -> None:
    """As in a process that stood still in the middle; a server cannot act on a part of a body."""
    raised = TemporaryError("a newer attempt has begun")
    completed: list[Peer] = []

    class Late(Permit):
        asked = 0

        def check(self, *, begun: bool = False, waited: bool = False) -> None:
            self.asked += begun
            if begun and self.asked == pieces:
                raise raised

    def listen(peer: Peer) -> None:
        peer.discard(int(peer.read_head().headers["content-length"]))
        completed.append(peer)

    late = Late()
    with RawServer((listen,)) as server:
        once = replace(START, **{"json": None, **changes})
        with pytest.raises(TemporaryError) as caught:
            drive(Endpoint(base_url=server.url), send(once), permit=late)
    assert caught.value is raised
    assert late.asked == pieces
    assert completed == []


def test_every_error_names_the_connection_and_the_server(drive: Driver) -> None:
    def operation() -> Operation[None]:
        yield ASK
        raise NotFound("no such order", vendor="Vendor", path="/a")

    with RawServer((answer(),)) as server:
        endpoint = Endpoint(base_url=f"{server.url}/t0ken", conn_id="flow")
        with pytest.raises(NotFound) as caught:
            drive(endpoint, operation())
    host = f"127.0.0.1:{server.port}"
    assert (caught.value.conn_id, caught.value.host) == ("flow", host)
    assert str(caught.value) == f"no such order [Vendor; connection 'flow'; {host}; /a]"
    with pytest.raises(ConnectionFailed, match=rf"connection 'flow'; {host}; /a\]"):
        drive(endpoint, send(ASK), retry=Retry(attempts=1))


# By hand.

LOST, REFUSED = ConnectionResetError("reset"), ConnectionRefusedError("refused")


class Hand:
    """
    Does by hand what a driver asks for, for one request.

    :param answers: to each action in turn; ``LOST`` comes when the request is out
    """

    def __init__(
        self, request: Request, answers: list[Any], *, deadline: float | None = None, **how: Any
    ) -> None:
        retry = Retry(attempts=3, base=1.0, jitter=0.5)
        driver = OperationDriver(endpoint=NOWHERE, retry=retry, **how)
        self._actions = driver.drive(send(request), deadline=deadline)
        self._answers = answers
        #: The methods that were sent, and the seconds between.
        self.done: list[str | float] = []

    def run(self) -> Any:
        """Return what the driver returns."""
        answer: Any = None
        while True:
            try:
                action = self._actions.send(answer)
            except StopIteration as end:
                assert not self._answers, "the driver ended early"
                return end.value
            answer = self._answers.pop(0)
            match action:
                case Send():
                    self.done.append(action.method)
                    action.begun = answer is LOST
                case Sleep():
                    self.done.append(action.seconds)


def sent(endpoint: Endpoint, request: Request, *, deadline: float | None = None) -> Send:
    """What an adapter is asked to send first, at a time of 100."""
    driver = OperationDriver(endpoint=endpoint, clock=lambda: 100.0)
    action = next(driver.drive(send(request), deadline=deadline))
    assert isinstance(action, Send)
    return action


def test_the_time_for_all_covers_connecting_answering_and_a_slow_upload() -> None:
    endpoint = replace(NOWHERE, timeout=5.0, connect_timeout=2.0)
    assert sent(endpoint, ASK).total == 22.0
    assert sent(endpoint, replace(ASK, timeout=1.0)).total == 6.0
    large = replace(ASK, method="POST", json="x" * (10 * SLOWEST_UPLOAD))
    assert sent(endpoint, large).total == pytest.approx(32.0, abs=0.001)


@pytest.mark.parametrize(("deadline", "total"), [(None, 22.0), (200.0, 22.0), (103.0, 8.0), (90.0, 5.0)])
def test_a_read_ends_one_timeout_after_the_deadline_at_the_latest(
    deadline: float | None, total: float
) -> None:
    endpoint = replace(NOWHERE, timeout=5.0, connect_timeout=2.0)
    assert sent(endpoint, ASK, deadline=deadline).total == total
    once = replace(ASK, repeatable=False)
    assert sent(endpoint, once, deadline=deadline).total == 22.0, "its upload must not be cut short"


def test_an_answer_is_returned() -> None:
    reply = make_reply()
    hand = Hand(ASK, [reply])
    assert hand.run() is reply
    assert hand.done == ["GET"]


def test_what_may_be_repeated_is_repeated_until_it_works() -> None:
    reply, draws = make_reply(), iter([0.5, 1.0])
    hand = Hand(ASK, [LOST, None, make_reply(502), None, reply], draw=lambda: next(draws))
    assert hand.run() is reply
    assert hand.done == ["GET", 1.0, "GET", 3.0, "GET"]


def test_the_last_failure_is_raised() -> None:
    hand = Hand(ASK, [LOST, None, REFUSED, None, make_reply(503)])
    with pytest.raises(ServiceUnavailable) as caught:
        hand.run()
    assert caught.value.status == 503
    assert len(hand.done) == 5


@pytest.mark.parametrize("outcome", [LOST, make_reply(500), make_reply(504), make_reply(200, b"<html>")])
def test_a_once_only_request_is_sent_once(outcome: object) -> None:
    hand = Hand(START, [outcome])
    with pytest.raises(OutcomeUnknown):
        hand.run()
    assert hand.done == ["POST"]


def test_a_once_only_request_that_did_not_leave_is_sent_again() -> None:
    reply = make_reply()
    hand = Hand(START, [REFUSED, None, make_reply(429, retry_after="2"), None, reply])
    assert hand.run() is reply
    assert hand.done[0::2] == ["POST"] * 3
    assert hand.done[3] == 2.0


def test_no_wait_ends_after_the_deadline() -> None:
    readings = iter([99.8, 100.0, 101.4, 101.5])
    hand = Hand(ASK, [REFUSED, None, REFUSED], deadline=103.0, clock=lambda: next(readings), draw=lambda: 0.5)
    with pytest.raises(ConnectionFailed):
        hand.run()
    assert hand.done == ["GET", 1.0, "GET"]


def test_a_wish_beyond_the_cap_is_raised_with_the_wish() -> None:
    hand = Hand(ASK, [make_reply(429, retry_after="3600")])
    with pytest.raises(Throttled) as caught:
        hand.run()
    assert caught.value.retry_after == 3600.0


def test_the_library_s_failure_is_in_no_chain() -> None:
    hand = Hand(START, [LOST])
    with pytest.raises(OutcomeUnknown) as caught:
        hand.run()
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def observed(*answers: Any, request: Request = ASK) -> list[Sending]:
    """Return what an observer is told of a request."""
    seen: list[Sending] = []
    readings = itertools.count(100.0, 0.25)
    with contextlib.suppress(WorkflowError):
        Hand(request, list(answers), clock=lambda: next(readings), observe=seen.append).run()
    return seen


def test_an_observer_is_told_of_each_sending() -> None:
    first, second = observed(make_reply(429, retry_after="2"), None, make_reply())
    assert (type(first.error), first.repeated, first.seconds) == (Throttled, True, 0.25)
    assert (second.error, second.repeated, second.seconds) == (None, False, 0.25)


def test_an_observer_is_told_of_the_last_failure() -> None:
    assert [one.repeated for one in observed(LOST, None, REFUSED, None, LOST)] == [True, True, False]
    (lost,) = observed(LOST, request=START)
    assert (type(lost.error), lost.repeated) == (OutcomeUnknown, False)
