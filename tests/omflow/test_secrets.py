"""Password, security codes and Basic header value appear nowhere, whatever goes wrong."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.omflow.sensors import OMFlowOrderSensor
from airflow_provider_workflows.protocol.errors import WorkflowError
from airflow_provider_workflows.protocol.retry import Retry
from tests.base.harness import Clock, Runner
from tests.conftest import OMFlowServer
from tests.omflow.orders import TITLE, push_all
from tests.system.search import forms

LOGIN, PASSWORD = "keeper", "hunter2 & très+secret/ö"
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


class Everything:
    """All that was said and kept, as text, and the secrets that must not be in it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        basic = base64.b64encode(f"{LOGIN}:{PASSWORD}".encode()).decode()
        self.secrets = {PASSWORD, PROXY_PASSWORD, basic}

    def found(self) -> set[str]:
        """Return the secrets that were said."""
        text = "\n".join(self.said).encode()
        escaped = text.decode("unicode_escape", errors="replace").encode()
        return {secret for secret in self.secrets if any(f in text or f in escaped for f in forms(secret))}

    def keep(self, error: BaseException) -> None:
        """Keep an error as a log, a debugger or a person would show it, with all that it came from."""
        self.said += traceback.format_exception(error)
        seen: BaseException | None = error
        while seen is not None:
            self.said += [str(seen), repr(seen), repr(vars(seen)), repr(seen.args)]
            seen = seen.__cause__ or seen.__context__

    def attempt(self, action: Callable[[], Any]) -> None:
        """Do something that may fail."""
        try:
            self.said.append(repr(action()))
        except Exception as error:
            self.keep(error)
            if isinstance(error, WorkflowError):
                self.said.append(json.dumps(error.to_json()))

    def run(self, runner: Runner, *, again: bool = True) -> None:
        """Run a task, and again, and keep what it left behind."""
        self.attempt(runner.run)
        if again:
            self.attempt(runner.retry)
        assert runner.store is not None
        self.said += [*runner.store.values.values(), *runner.triggers, json.dumps(runner.ti.xcoms)]
        self.said += [json.dumps(event) for event in runner.events]

    def learn_code(self) -> None:
        """Note the security code that the server has given out; it keeps one a user."""
        self.secrets.add(OMFlowHook().run(lambda api: api.security_code()))


class _Keeper(logging.Handler):
    """Keeps raw records, before any formatter or mask of Airflow's."""

    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said += [record.name, record.getMessage(), repr(record.args)]
        if record.exc_info and record.exc_info[1]:
            self._said += traceback.format_exception(record.exc_info[1])


@pytest.fixture
def everything(
    omflow: OMFlowServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Everything]:
    kept = Everything()
    root, keeper = logging.getLogger(), _Keeper(kept.said)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(keeper)
    for name in ("urllib3", "aiohttp.client", "asyncio"):
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
        logging.getLogger(name).manager._clear_cache()  # type: ignore[attr-defined]
    omflow.control.add_user(omflow.name, LOGIN, PASSWORD, rights=["add", "modify", "view"])
    omflow.connect(login=LOGIN, password=PASSWORD)
    yield kept
    root.removeHandler(keeper)
    out, err = capfd.readouterr()
    kept.said += [out, err]
    assert kept.found() == set()


def opening(**how: Any) -> Runner:
    how = {"api_path": "two-step", "form_data": TITLE, "run_key_field": "FORMITM_2", **how}
    return Runner(lambda: OMFlowOpenOrderOperator(task_id="open", **how))


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: f"{fault['endpoint']} {fault['kind']}")
def test_nothing_is_said_of_them_when_a_call_goes_wrong(
    omflow: OMFlowServer, everything: Everything, fault: dict[str, Any]
) -> None:
    hook = OMFlowHook(retry=Retry(attempts=2, base=0.01))
    everything.learn_code()
    fault_id = omflow.fault(**fault)
    everything.attempt(lambda: hook.open_order("two-step", TITLE))
    everything.attempt(lambda: asyncio.run(hook.aopen_order("two-step", TITLE)))
    assert omflow.control.hits(fault_id) >= 1
    assert len(everything.said) > 10


def test_nothing_is_said_of_them_in_a_tasks_life(
    omflow: OMFlowServer, everything: Everything, clock: Clock
) -> None:
    everything.learn_code()
    everything.run(opening())
    omflow.control.advance(5)
    omflow.fault("push", "lost_answer")
    how: dict[str, Any] = {
        "api_path": "two-step",
        "data_no": 1,
        "stop_chart_text": "Review",
        "form_data": TITLE,
    }
    everything.run(Runner(lambda: OMFlowPushOrderOperator(task_id="push", **how)))
    omflow.control.restart(omflow.name)
    everything.learn_code()
    omflow.fault("list", "throttled", times=2, retry_after=40)
    clock.after(90, lambda: push_all(omflow, "two-step", 1))
    sensor: dict[str, Any] = {"api_path": "two-step", "data_no": 1, "deferrable": True, "prepoll": 0}
    waiting = Runner(lambda: OMFlowOrderSensor(task_id="end", timeout=300, **sensor), clock=clock)
    everything.run(waiting, again=False)
    assert waiting.triggers
    assert waiting.events
    assert omflow.effects()["pushed"] == 2
    assert len(everything.secrets) == 5, "two codes, by the restart"


@pytest.mark.parametrize("login", ["keeper", "nobody"])
def test_nothing_is_said_of_them_when_the_login_is_refused(
    omflow: OMFlowServer, everything: Everything, login: str
) -> None:
    omflow.control.add_user(omflow.name, LOGIN, "another")
    omflow.connect(login=login, password=PASSWORD)
    everything.secrets.add(base64.b64encode(f"{login}:{PASSWORD}".encode()).decode())
    everything.attempt(lambda: OMFlowHook().query("two-step", 1))
    everything.attempt(lambda: asyncio.run(OMFlowHook().aquery("two-step", 1)))
    everything.attempt(lambda: OMFlowHook().test_connection())
    assert "does not accept the user" in "".join(everything.said)


def test_nothing_is_said_of_a_proxys_password(
    omflow: OMFlowServer, everything: Everything, unused_port: int
) -> None:
    proxy = f"http://puser:{PROXY_PASSWORD}@127.0.0.1:{unused_port}"
    omflow.connect(login=LOGIN, password=PASSWORD, extra={"proxies": {"http": proxy}})
    hook = OMFlowHook(retry=Retry(attempts=1))
    everything.attempt(lambda: hook.query("two-step", 1))
    everything.attempt(lambda: asyncio.run(hook.aquery("two-step", 1)))
    assert "".join(everything.said).count("Nothing was sent") >= 2


def test_what_is_recorded_holds_urllib3s_lines(omflow: OMFlowServer, everything: Everything) -> None:
    everything.attempt(lambda: OMFlowHook().query("two-step", 1))
    assert any("/omflow-1.2/accounts/api/security/get/" in said for said in everything.said)


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_a_planted_one_is_found(omflow: OMFlowServer, index: int) -> None:
    kept = Everything()
    kept.learn_code()
    secret = sorted(kept.secrets)[index]
    ways: list[Callable[[], None]] = [
        lambda: kept.said.append(json.dumps({"key": f"xx{secret}xx"})),
        lambda: _Keeper(kept.said).emit(logging.LogRecord("x", 10, "x", 1, "code %s", (secret,), None)),
        lambda: kept.attempt(lambda: int(secret)),
        lambda: kept.said.append(repr({"error": secret})),
    ]
    for way in ways:
        kept.said.clear()
        assert kept.found() == set()
        way()
        assert secret in kept.found()  # the password is in the Basic value, too
