"""
The token, which BlizWork wants in its URLs, appears nowhere, whatever goes wrong.

Airflow's own mask is not asked: raw records are searched, as a handler of another package gets them.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.blizwork.sensors import BlizWorkCaseSensor
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.core.transport import redaction
from airflow_provider_workflows.exceptions import AuthenticationFailed
from airflow_provider_workflows.sandbox.server import SandboxServer
from tests.blizwork.cases import ran
from tests.blizwork.conftest import BlizWorkServer
from tests.core.airflow_private import REDACT, private
from tests.core.harness import Clock, Runner
from tests.core.log_capture import Capture, CaptureHandler, capturing

#: Not the sandbox's plain one, but one that a URL holds quoted.
TOKEN = "s3cr3t/token & ñ+x"
FAULTS: list[dict[str, Any]] = [
    {"kind": "lost_answer"},
    {"kind": "reset_before"},
    {"kind": "bad_gateway", "effect": True},
    {"kind": "echo"},
    {"kind": "echo", "status": 401},
    {"kind": "not_json"},
    {"kind": "truncated"},
    {"kind": "redirect"},
    {"kind": "throttled", "retry_after": 60},
    {"kind": "status", "status": 401},
    {"kind": "status", "status": 404},
    {"kind": "status", "status": 500},
]


@pytest.fixture
def recording(
    blizwork: BlizWorkServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Capture]:
    """Everything logged and printed from here on, at DEBUG."""
    kept = Capture(TOKEN)
    with capturing(kept, capfd, monkeypatch, loggers=redaction.LOGGERS):
        blizwork.control.command("blizwork", "set_token", token=TOKEN)
        blizwork.connect(password=TOKEN)
        yield kept


@pytest.fixture
def capture(recording: Capture, capfd: pytest.CaptureFixture[str]) -> Iterator[Capture]:
    """Everything logged and printed from here on, in which the token must not be found at the end."""
    yield recording
    recording.texts += capfd.readouterr()
    assert len(recording.texts) > 10
    assert recording.found() == set()


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip()
)
def test_nothing_is_said_of_it_when_a_call_goes_wrong(
    blizwork: BlizWorkServer, capture: Capture, fault: dict[str, Any]
) -> None:
    hook = BlizWorkHook(retry=Retry(attempts=2, base=0.01))
    calls: list[tuple[str, Callable[[BlizWorkApi], Operation[Any]]]] = [
        ("init", lambda api: api.init_case("one-step")),
        ("case", lambda api: api.load_case("one-step", 1)),
    ]
    for endpoint, call in calls:
        fault_id = blizwork.fault(endpoint, times=2, **fault)
        capture.attempt(partial(hook.run, call))
        capture.attempt(partial(_on_a_loop, hook, call))
        assert blizwork.control.hits(fault_id) >= 1


def _on_a_loop(hook: BlizWorkHook, call: Callable[[BlizWorkApi], Operation[Any]]) -> Any:
    return asyncio.run(hook.arun(call), debug=True)


@pytest.mark.parametrize("code", [1, 4, 100, 101, 200])
def test_nothing_is_said_of_it_when_the_vendor_refuses(
    blizwork: BlizWorkServer, capture: Capture, code: int
) -> None:
    blizwork.answer("case", code, times=9)
    hook = BlizWorkHook(retry=Retry(attempts=2, base=0.01))
    capture.attempt(lambda: hook.load_case("one-step", 1))
    capture.attempt(lambda: asyncio.run(hook.aload_case("one-step", 1)))
    assert f"code {code}" in "".join(capture.texts)


def test_nothing_is_said_of_it_when_nobody_answers(
    blizwork: BlizWorkServer, capture: Capture, sandbox: SandboxServer
) -> None:
    hook = BlizWorkHook(retry=Retry(attempts=1))
    for host in ("http://nowhere.invalid", sandbox.url.replace("http:", "https:")):
        blizwork.connect(password=TOKEN, host=host)
        capture.attempt(lambda: BlizWorkHook(retry=Retry(attempts=1)).init_case("one-step"))
        capture.attempt(lambda: asyncio.run(hook.ainit_case("one-step")))
    assert "".join(capture.texts).count("Nothing was sent") >= 4


def test_nothing_is_said_of_it_by_the_test_button(blizwork: BlizWorkServer, capture: Capture) -> None:
    capture.attempt(lambda: BlizWorkHook().test_connection())
    blizwork.control.command("blizwork", "set_token", token="another")
    capture.attempt(lambda: BlizWorkHook().test_connection())
    assert "token is invalid" in "".join(capture.texts)


def test_nothing_is_said_of_it_in_a_tasks_life(
    blizwork: BlizWorkServer, capture: Capture, clock: Clock
) -> None:
    start = BlizWorkInitCaseOperator(task_id="init", workflow_id="loop")
    capture.run(Runner(lambda: start))
    blizwork.fault("exec", "lost_answer")
    step = BlizWorkExecActivityOperator(
        task_id="exec", workflow_id="loop", case_number=1, form_id="request", next_form_id="check"
    )
    capture.run(Runner(lambda: step))
    blizwork.fault("case", "throttled", times=2, retry_after=40)
    clock.after(120, lambda: ran("loop", 1, "check", "done"))
    wait = BlizWorkCaseSensor(
        task_id="end", workflow_id="loop", case_number=1, deferrable=True, prepoll=0, timeout=600
    )
    waiting = Runner(lambda: wait, clock=clock)
    capture.run(waiting)
    for task in (start, step, wait):
        capture.add_template_fields(task)
    assert waiting.triggers
    assert waiting.events
    assert blizwork.record("loop/1")["state"] == "finished"


def test_nothing_is_said_of_it_by_the_sandbox(blizwork: BlizWorkServer, capture: Capture) -> None:
    import requests

    BlizWorkHook().init_case("one-step")
    capture.texts += [
        json.dumps(blizwork.control.requests("blizwork")),
        json.dumps(blizwork.control.records("blizwork")),
        json.dumps(blizwork.effects()),
        requests.get(blizwork.control.url, timeout=5).text,
    ]
    assert {seen["path"] for seen in blizwork.control.requests("blizwork")} == {"/init/…"}


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_airflow_masks_it_raw_and_quoted(blizwork: BlizWorkServer, where: str) -> None:
    redact = private(REDACT)
    token = f"a masked/token + {where}"
    text = f"{token} and {quote(token, safe='')}"
    assert redact(text) == text
    blizwork.connect(f"masked_{where}", password=token)
    hook = BlizWorkHook(f"masked_{where}")
    with pytest.raises(AuthenticationFailed):
        hook.init_case("one-step") if where == "worker" else asyncio.run(hook.ainit_case("one-step"))
    assert redact(text) == "*** and ***"


def test_the_path_is_shown_without_it(blizwork: BlizWorkServer, recording: Capture) -> None:
    recording.attempt(lambda: BlizWorkHook().init_case("one-step"))
    assert any('"POST /blizwork/init/*** HTTP/1.1" 200' in texts for texts in recording.texts)


@pytest.mark.parametrize(
    "form", [TOKEN, quote(TOKEN, safe=""), quote(TOKEN)], ids=["raw", "quoted", "with slash"]
)
def test_a_planted_one_is_found(blizwork: BlizWorkServer, form: str) -> None:
    kept = Capture(TOKEN)
    ways: list[Callable[[], None]] = [
        lambda: kept.texts.append(json.dumps({"key": f"xx{form}xx"})),
        lambda: CaptureHandler(kept.texts).emit(logging.LogRecord("x", 10, "x", 1, "POST %s", (form,), None)),
        lambda: kept.attempt(lambda: int(form)),
        lambda: kept.texts.append(repr({"error": form})),
    ]
    for way in ways:
        kept.texts.clear()
        assert kept.found() == set()
        way()
        assert kept.found()


def test_without_the_filter_urllib3_would_tell(
    blizwork: BlizWorkServer, recording: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control for all of the above: the same search on the same call, with the filter taken out."""
    monkeypatch.setattr(redaction, "_loggers", tuple)
    logging.getLogger("urllib3.connectionpool").removeFilter(redaction._redact)
    recording.attempt(lambda: BlizWorkHook().init_case("one-step"))
    assert recording.found()
