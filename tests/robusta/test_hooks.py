"""The hook over a real socket, in a worker and on an event loop: the same calls, the same ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.exceptions import (
    AuthenticationFailed,
    ConnectionFailed,
    InvalidConnection,
    NotFound,
    OutcomeUnknown,
    PermissionDenied,
    Rejected,
    ServiceUnavailable,
    Throttled,
    UnexpectedRedirect,
    UnreadableAnswer,
    WorkflowError,
)
from airflow_provider_workflows.robusta.hooks import RobustaHook
from tests.robusta.conftest import RobustaServer

Call = Callable[..., Any]


class Caller:
    """One hook in one of the two worlds."""

    def __init__(self, *, on_a_loop: bool) -> None:
        self._on_a_loop = on_a_loop
        self.hook = RobustaHook(retry=Retry(attempts=1))

    def __getattr__(self, name: str) -> Call:
        if not self._on_a_loop:
            method: Call = getattr(self.hook, name)
            return method
        coroutine = getattr(self.hook, f"a{name}")

        async def call(*args: Any, **kwargs: Any) -> Any:
            return await coroutine(*args, **kwargs)

        return lambda *args, **kwargs: asyncio.run(call(*args, **kwargs))

    def start(self, name: str = "InvoiceBot", **arguments: Any) -> Any:
        arguments = {"worker": "3", "values": {"orderNo": 7}, **arguments}
        return self.start_process(name, **arguments)


@pytest.fixture(params=[False, True], ids=["worker", "event loop"])
def caller(robusta: RobustaServer, request: pytest.FixtureRequest) -> Caller:
    return Caller(on_a_loop=request.param)


def test_start_and_status(robusta: RobustaServer, caller: Caller) -> None:
    started = caller.start()
    assert started.message == "Process saved"
    assert caller.process_status(started.spid).word == "WAITING"
    robusta.control.advance(1.1)
    assert caller.process_status(started.spid).word == "RUNNING"
    robusta.control.advance(5)
    ended = caller.process_status(started.spid)
    assert ended.word == "SUCCEEDED"
    assert ended.outputs == {"total": "12", "order": "7"}
    assert robusta.record(started.spid)["fields"]["orderNo"] == "7"


def test_each_start_saves_another_process(robusta: RobustaServer, caller: Caller) -> None:
    assert caller.start().spid != caller.start().spid
    assert robusta.effects()["saved"] == 2


def test_the_server_takes_every_field(robusta: RobustaServer, caller: Caller) -> None:
    started = caller.start(
        run_once=False,
        run_immediately=False,
        quartz_def="0 0 9 ? * FRI",
        schedule_start="2026-06-05T06:00:00Z",
        schedule_end="2036-06-05T06:00:00Z",
        retry_count=2,
        allow_recurring=True,
    )
    record = robusta.record(started.spid)
    assert record["fields"]["schedule"] == "0 0 9 ? * FRI"
    assert record["state"] == "waiting"


#: What a server refuses, and the words that it uses.
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown process": ({"name": "NoSuchBot"}, "Process not found: NoSuchBot"),
    "unknown worker": ({"worker": "99"}, "Worker not found: 99"),
    "missing parameter": ({"values": {}}, "Missing parameter: orderNo"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_starts_tell_what_the_server_says(robusta: RobustaServer, caller: Caller, name: str) -> None:
    arguments, said = REFUSED[name]
    with pytest.raises(Rejected) as caught:
        caller.start(**arguments)
    assert said in str(caught.value)
    assert caught.value.operation == "start process"
    assert robusta.effects()["saved"] == 0


def test_wrong_password(robusta: RobustaServer, caller: Caller) -> None:
    robusta.connect(password="wrong-password")
    with pytest.raises(AuthenticationFailed) as caught:
        caller.start()
    assert caught.value.status == 401
    assert robusta.effects()["saved"] == 0


def test_user_without_right(robusta: RobustaServer, caller: Caller) -> None:
    robusta.connect(login="guest", password="guest")
    with pytest.raises(PermissionDenied) as caught:
        caller.start()
    assert caught.value.status == 403


def test_unknown_spid(robusta: RobustaServer, caller: Caller) -> None:
    with pytest.raises(NotFound):
        caller.process_status("8f14e45f-ceea-467f-a9f3-0d1c2b3a4f5e")
    assert robusta.requests("status") == 1


def test_spid_that_appears_late(robusta: RobustaServer, caller: Caller) -> None:
    started = caller.start("LateBot")
    with pytest.raises(NotFound):
        caller.process_status(started.spid)
    assert caller.process_status(started.spid, grace=10).word in ("WAITING", "RUNNING")


#: Answers to a start that are lost or no answers, and what was saved all the same.
LOST: dict[str, tuple[dict[str, Any], int]] = {
    "reset after": ({"kind": "lost_answer"}, 1),
    "reset before": ({"kind": "reset_before"}, 0),
    "cut off": ({"kind": "truncated"}, 1),
    "502 after": ({"kind": "bad_gateway", "effect": True}, 1),
    "502 before": ({"kind": "bad_gateway"}, 0),
    "503": ({"kind": "unavailable"}, 0),
    "500 after": ({"kind": "status", "status": 500, "effect": True}, 1),
    "408 after": ({"kind": "status", "status": 408, "effect": True}, 1),
    "HTML after": ({"kind": "not_json", "effect": True}, 1),
}


@pytest.mark.parametrize("name", LOST)
def test_a_start_in_doubt_is_sent_once(robusta: RobustaServer, caller: Caller, name: str) -> None:
    fault, saved = LOST[name]
    caller.hook._retry = Retry()  # with all its repetitions
    fault_id = robusta.fault("start", **fault)
    with pytest.raises(OutcomeUnknown):
        caller.start()
    assert robusta.control.hits(fault_id) == 1
    assert robusta.effects()["saved"] == saved
    assert robusta.requests("start") == 1


def test_a_start_that_was_throttled_is_sent_again(robusta: RobustaServer, caller: Caller) -> None:
    caller.hook._retry = Retry()
    fault_id = robusta.fault("start", "throttled", retry_after=0)
    caller.start()
    assert robusta.control.hits(fault_id) == 1
    assert robusta.effects()["saved"] == 1


#: Answers to a status that are none, and what they are told as when nothing is repeated.
BROKEN: dict[str, tuple[dict[str, Any], type[WorkflowError]]] = {
    "reset": ({"kind": "lost_answer"}, ServiceUnavailable),
    "502": ({"kind": "bad_gateway"}, ServiceUnavailable),
    "503": ({"kind": "unavailable"}, ServiceUnavailable),
    "500": ({"kind": "status", "status": 500}, ServiceUnavailable),
    "429": ({"kind": "throttled", "retry_after": 60}, Throttled),
    "HTML": ({"kind": "not_json"}, UnreadableAnswer),
    "redirect": ({"kind": "redirect"}, UnexpectedRedirect),
    "409": ({"kind": "status", "status": 409}, Rejected),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_status_that_is_no_answer(robusta: RobustaServer, caller: Caller, name: str) -> None:
    fault, kind = BROKEN[name]
    spid = caller.start().spid
    robusta.fault("status", **fault)
    with pytest.raises(kind) as caught:
        caller.process_status(spid)
    assert caught.type is kind
    assert caught.value.path == f"/scheduler/connector-api/process/status/{spid}"


def test_a_status_is_asked_again(robusta: RobustaServer) -> None:
    hook = RobustaHook(retry=Retry(base=0.01))
    spid = hook.start_process("InvoiceBot", worker="3", values={"orderNo": "7"}).spid
    fault_id = robusta.fault("status", "bad_gateway", times=3)
    assert hook.process_status(spid).word == "WAITING"
    assert robusta.control.hits(fault_id) == 3


def test_no_effect_of_a_status(robusta: RobustaServer, caller: Caller) -> None:
    spid = caller.start().spid
    before = robusta.effects()
    caller.process_status(spid)
    after = robusta.effects()
    assert {**after, "requests": None} == {**before, "requests": None}


class TestConnection:
    def test_reached(self, robusta: RobustaServer) -> None:
        ok, text = RobustaHook().test_connection()
        assert ok
        assert text.startswith("Robusta was reached, but the credentials were not checked")
        assert text.endswith(robusta.url)
        assert robusta.effects() == {"saved": 0, "ran": 0, "requests": {"status": 1}}

    def test_a_login_that_is_plainly_refused(self, robusta: RobustaServer) -> None:
        robusta.connect(password="wrong-password")
        ok, text = RobustaHook().test_connection()
        assert not ok
        assert "did not accept the credentials" in text
        assert "wrong-password" not in text

    def test_nobody_there(self, robusta: RobustaServer) -> None:
        robusta.connect(host="http://127.0.0.1:1")
        ok, text = RobustaHook(retry=Retry(attempts=1)).test_connection()
        assert not ok
        assert "Nothing was sent" in text

    def test_a_gateway_in_its_place(self, robusta: RobustaServer) -> None:
        robusta.fault("status", "bad_gateway", times=1)
        ok, text = RobustaHook(retry=Retry(attempts=1)).test_connection()
        assert not ok
        assert "502" in text

    def test_a_server_that_fails_on_an_unknown_spid_is_reached(self, robusta: RobustaServer) -> None:
        robusta.fault("status", "status", status=500)
        assert RobustaHook(retry=Retry(attempts=1)).test_connection()[0]

    @pytest.mark.parametrize(
        ("wrong", "reason"),
        [
            ({"host": ""}, "'host'"),
            ({"login": ""}, "'login'"),
            ({"password": ""}, "'password'"),
            ({"login": "a:b"}, r"'login' \(API user\) must not contain a colon"),
            ({"extra": {"time_zone": "Istanbul"}}, r"'time_zone' \(Time zone\) must be .* 'Istanbul'"),
            ({"extra": {"time_zone": "Europe"}}, "'time_zone'"),
            ({"extra": {"time_zone": "../x"}}, "'time_zone'"),
            ({"schema": "ftp", "host": "robusta.example.com"}, "schema"),
        ],
        ids=str,
    )
    def test_wrong_fields_are_named(self, robusta: RobustaServer, wrong: dict[str, Any], reason: str) -> None:
        robusta.connect(**wrong)
        with pytest.raises(InvalidConnection, match=reason):
            RobustaHook().get_conn()

    def test_schema_host_and_port(self, robusta: RobustaServer) -> None:
        robusta.connect(host="robusta.example.com", schema=None, port=8443)
        hook = RobustaHook()
        hook.get_conn()
        assert hook._side().endpoint.base_url == "https://robusta.example.com:8443"

    def test_verify(self, robusta: RobustaServer) -> None:
        robusta.connect(host="https://robusta.example.com", extra={"verify": "false"})
        hook = RobustaHook()
        hook.get_conn()
        assert hook._side().endpoint.ca is False

    def test_without_a_time_zone_all_but_dates_works(self, robusta: RobustaServer, caller: Caller) -> None:
        robusta.connect(extra={"time_zone": ""})
        assert caller.start().spid
        with pytest.raises(InvalidConnection, match="time_zone"):
            caller.start(schedule_start="2026-06-05T06:00:00Z")

    def test_refused_connection(self, robusta: RobustaServer, caller: Caller) -> None:
        robusta.connect(host="http://127.0.0.1:1")
        with pytest.raises(ConnectionFailed):
            caller.start()
