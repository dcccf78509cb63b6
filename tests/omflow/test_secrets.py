"""Password, security codes and Basic header value appear nowhere, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from tests.conftest import OMFlowServer
from tests.core.harness import Clock, Runner
from tests.core.log_capture import Capture, CaptureHandler, capturing
from tests.omflow.orders import TITLE, push_all

LOGIN, PASSWORD = "handler", "hunter2 & très+secret/ö"
PROXY_PASSWORD = "proxy-hunter2-secret"
FAULTS: list[dict[str, Any]] = [
    {"endpoint": "open", "kind": "lost_answer"},
    {"endpoint": "open", "kind": "bad_gateway", "effect": True},
    {"endpoint": "open", "kind": "echo"},
    {"endpoint": "open", "kind": "echo", "status": 401},
    {"endpoint": "open", "kind": "not_json"},
    {"endpoint": "open", "kind": "truncated"},
    {"endpoint": "open", "kind": "redirect"},
    {"endpoint": "open", "kind": "throttled", "retry_after": 60},
    {"endpoint": "security", "kind": "echo", "times": 9},
    {"endpoint": "security", "kind": "not_json", "times": 9},
    {"endpoint": "security", "kind": "truncated", "times": 9},
    {"endpoint": "security", "kind": "redirect"},
    {"endpoint": "security", "kind": "throttled", "retry_after": 60},
    {"endpoint": "security", "kind": "status", "status": 401},
    {"endpoint": "security", "kind": "lost_answer", "times": 9},
]


def all_secrets() -> Capture:
    """Everything logged and printed, and the secrets that must not be in it."""
    basic = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
    return Capture(PASSWORD, PROXY_PASSWORD, basic)


def learn_code(capture: Capture) -> None:
    """Note the security code that the server has given out; it keeps one a user."""
    capture.secrets.add(str(OMFlowHook().run(lambda api: api.security_code())))


@pytest.fixture
def capture(
    omflow: OMFlowServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Capture]:
    kept = all_secrets()
    with capturing(kept, capfd, monkeypatch):
        omflow.control.add_user(omflow.name, LOGIN, PASSWORD, rights=["add", "modify", "view"])
        omflow.connect(login=LOGIN, password=PASSWORD)
        yield kept
    assert kept.found() == set()


def opening(**how: Any) -> Runner:
    how = {"api_path": "two-step", "form_data": TITLE, "run_key_field": "FORMITM_2", **how}
    return Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **how))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['endpoint']} {fault['kind']}")
def test_nothing_is_said_of_them_when_a_call_goes_wrong(
    omflow: OMFlowServer, capture: Capture, fault: dict[str, Any]
) -> None:
    hook = OMFlowHook(retry=Retry(attempts=2, base=0.01))
    learn_code(capture)
    fault_id = omflow.fault(**fault)
    capture.attempt(lambda: hook.open_order("two-step", TITLE))
    capture.attempt(lambda: asyncio.run(hook.aopen_order("two-step", TITLE)))
    assert omflow.control.hits(fault_id) >= 1
    assert len(capture.texts) > 10


def test_nothing_is_said_of_them_in_a_tasks_life(
    omflow: OMFlowServer, capture: Capture, clock: Clock
) -> None:
    learn_code(capture)
    capture.run(opening(), again=True)
    omflow.control.advance(5)
    omflow.fault("push", "lost_answer")
    how: dict[str, Any] = {
        "api_path": "two-step",
        "data_no": 1,
        "stop_chart_text": "Review",
        "form_data": TITLE,
    }
    capture.run(Runner(lambda: OMFlowPushOrderOperator(task_id="push", **how)), again=True)
    omflow.control.restart(omflow.name)
    learn_code(capture)
    omflow.fault("list", "throttled", times=2, retry_after=40)
    clock.after(90, lambda: push_all(omflow, "two-step", 1))
    sensor: dict[str, Any] = {"api_path": "two-step", "data_no": 1, "deferrable": True, "prepoll": 0}
    waiting = Runner(lambda: OMFlowOrderSensor(task_id="end", timeout=300, **sensor), clock=clock)
    capture.run(waiting)
    assert waiting.triggers
    assert waiting.events
    assert omflow.effects()["pushed"] == 2
    assert len(capture.secrets) == 5, "two codes, by the restart"


@pytest.mark.parametrize("login", ["handler", "nobody"])
def test_nothing_is_said_of_them_when_the_login_is_refused(
    omflow: OMFlowServer, capture: Capture, login: str
) -> None:
    omflow.control.add_user(omflow.name, LOGIN, "another")
    omflow.connect(login=login, password=PASSWORD)
    capture.secrets.add(base64.b64encode(f"{login}:{PASSWORD}".encode()).decode())
    capture.attempt(lambda: OMFlowHook().query("two-step", 1))
    capture.attempt(lambda: asyncio.run(OMFlowHook().aquery("two-step", 1)))
    capture.attempt(lambda: OMFlowHook().test_connection())
    assert "did not accept the user" in "".join(capture.texts)


def test_nothing_is_said_of_a_proxys_password(
    omflow: OMFlowServer, capture: Capture, unused_port: int
) -> None:
    proxy = f"http://puser:{PROXY_PASSWORD}@127.0.0.1:{unused_port}"
    omflow.connect(login=LOGIN, password=PASSWORD, extra={"proxies": {"http": proxy}})
    hook = OMFlowHook(retry=Retry(attempts=1))
    capture.attempt(lambda: hook.query("two-step", 1))
    capture.attempt(lambda: asyncio.run(hook.aquery("two-step", 1)))
    assert "".join(capture.texts).count("Nothing was sent") >= 2


def test_what_is_recorded_holds_urllib3s_lines(omflow: OMFlowServer, capture: Capture) -> None:
    capture.attempt(lambda: OMFlowHook().query("two-step", 1))
    assert any("/omflow-1.2/accounts/api/security/get/" in texts for texts in capture.texts)


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_planted_one_is_found(omflow: OMFlowServer, index: int) -> None:
    kept = all_secrets()
    learn_code(kept)
    secret = sorted(kept.secrets)[index]
    ways: list[Callable[[], None]] = [
        lambda: kept.texts.append(json.dumps({"key": f"xx{secret}xx"})),
        lambda: CaptureHandler(kept.texts).emit(
            logging.LogRecord("x", 10, "x", 1, "code %s", (secret,), None)
        ),
        lambda: kept.attempt(lambda: int(secret)),
        lambda: kept.texts.append(repr({"error": secret})),
    ]
    for way in ways:
        kept.texts.clear()
        assert kept.found() == set()
        way()
        assert secret in kept.found()  # the password is in the Basic value, too
