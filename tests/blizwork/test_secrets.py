"""
The token, which BlizWork wants in its URLs, appears nowhere, whatever goes wrong.

Airflow's own mask is not asked: raw records are searched, as a handler of another package gets them.
"""

from __future__ import annotations

import asyncio
import json
import logging
import traceback
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.blizwork.api import BlizWorkApi
from airflow_provider_workflows.blizwork.hook import BlizWorkHook
from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.blizwork.sensors import BlizWorkCaseSensor
from airflow_provider_workflows.protocol.errors import AuthenticationFailed, WorkflowError
from airflow_provider_workflows.protocol.operation import Operation
from airflow_provider_workflows.protocol.retry import Retry
from airflow_provider_workflows.sandbox.server import SandboxServer
from airflow_provider_workflows.transport import redaction
from tests.base.harness import Clock, Runner
from tests.blizwork.cases import ran
from tests.blizwork.conftest import BlizWorkServer
from tests.system.search import forms

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


class Everything:
    """All that was said and kept, as text."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def tells(self) -> bool:
        """Tell whether the token is in it, in whatever form."""
        text = "\n".join(self.said).encode()
        escaped = text.decode("unicode_escape", errors="replace").encode()
        return any(form in text or form in escaped for form in forms(TOKEN))

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

    def run(self, runner: Runner) -> None:
        """Run a task, and keep what it left behind: state, triggers' rows, events, XCom."""
        self.attempt(runner.run)
        assert runner.store is not None
        self.said += [*runner.store.values.values(), *runner.triggers, json.dumps(runner.ti.xcoms)]
        self.said += [json.dumps(event) for event in runner.events]

    def rendered(self, task: Any) -> None:
        """Keep a task's fields as Airflow shows them when they are rendered."""
        self.said += [repr(getattr(task, name)) for name in task.template_fields]


class _Keeper(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.DEBUG)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said += [record.name, record.getMessage(), repr(record.args), repr(record.exc_info)]
        if record.exc_info and record.exc_info[1]:
            self._said += traceback.format_exception(record.exc_info[1])


@pytest.fixture
def recording(
    blizwork: BlizWorkServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Everything]:
    """All that is said from here on, at DEBUG."""
    kept = Everything()
    root, keeper = logging.getLogger(), _Keeper(kept.said)
    monkeypatch.setattr(root, "level", logging.DEBUG)
    root.addHandler(keeper)
    for name in redaction.LOGGERS:
        monkeypatch.setattr(logging.getLogger(name), "level", logging.DEBUG)
    logging.Logger.manager._clear_cache()  # type: ignore[attr-defined]
    blizwork.control.command("blizwork", "set_token", token=TOKEN)
    blizwork.connect(password=TOKEN)
    yield kept
    root.removeHandler(keeper)
    out, err = capfd.readouterr()
    kept.said += [out, err]


@pytest.fixture
def everything(recording: Everything) -> Iterator[Everything]:
    """All that is said from here on, in which the token must not be found at the end."""
    yield recording
    assert len(recording.said) > 10
    assert not recording.tells()


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip()
)
def test_nothing_is_said_of_it_when_a_call_goes_wrong(
    blizwork: BlizWorkServer, everything: Everything, fault: dict[str, Any]
) -> None:
    hook = BlizWorkHook(retry=Retry(attempts=2, base=0.01))
    calls: list[tuple[str, Callable[[BlizWorkApi], Operation[Any]]]] = [
        ("init", lambda api: api.init_case("one-step")),
        ("case", lambda api: api.load_case("one-step", 1)),
    ]
    for endpoint, call in calls:
        fault_id = blizwork.fault(endpoint, times=2, **fault)
        everything.attempt(partial(hook.run, call))
        everything.attempt(partial(_on_a_loop, hook, call))
        assert blizwork.control.hits(fault_id) >= 1


def _on_a_loop(hook: BlizWorkHook, call: Callable[[BlizWorkApi], Operation[Any]]) -> Any:
    return asyncio.run(hook.arun(call), debug=True)


@pytest.mark.parametrize("code", [1, 4, 100, 101, 200])
def test_nothing_is_said_of_it_when_the_vendor_refuses(
    blizwork: BlizWorkServer, everything: Everything, code: int
) -> None:
    blizwork.answer("case", code, times=9)
    hook = BlizWorkHook(retry=Retry(attempts=2, base=0.01))
    everything.attempt(lambda: hook.load_case("one-step", 1))
    everything.attempt(lambda: asyncio.run(hook.aload_case("one-step", 1)))
    assert f"code {code}" in "".join(everything.said)


def test_nothing_is_said_of_it_when_nobody_answers(
    blizwork: BlizWorkServer, everything: Everything, sandbox: SandboxServer
) -> None:
    hook = BlizWorkHook(retry=Retry(attempts=1))
    for host in ("http://nowhere.invalid", sandbox.url.replace("http:", "https:")):
        blizwork.connect(password=TOKEN, host=host)
        everything.attempt(lambda: BlizWorkHook(retry=Retry(attempts=1)).init_case("one-step"))
        everything.attempt(lambda: asyncio.run(hook.ainit_case("one-step")))
    assert "".join(everything.said).count("Nothing was sent") >= 4


def test_nothing_is_said_of_it_by_the_test_button(blizwork: BlizWorkServer, everything: Everything) -> None:
    everything.attempt(lambda: BlizWorkHook().test_connection())
    blizwork.control.command("blizwork", "set_token", token="another")
    everything.attempt(lambda: BlizWorkHook().test_connection())
    assert "token is invalid" in "".join(everything.said)


def test_nothing_is_said_of_it_in_a_tasks_life(
    blizwork: BlizWorkServer, everything: Everything, clock: Clock
) -> None:
    start = BlizWorkInitCaseOperator(task_id="init", workflow_id="loop")
    everything.run(Runner(lambda: start))
    blizwork.fault("exec", "lost_answer")
    step = BlizWorkExecActivityOperator(
        task_id="exec", workflow_id="loop", case_number=1, form_id="request", next_form_id="check"
    )
    everything.run(Runner(lambda: step))
    blizwork.fault("case", "throttled", times=2, retry_after=40)
    clock.after(120, lambda: ran("loop", 1, "check", "done"))
    wait = BlizWorkCaseSensor(
        task_id="end", workflow_id="loop", case_number=1, deferrable=True, prepoll=0, timeout=600
    )
    waiting = Runner(lambda: wait, clock=clock)
    everything.run(waiting)
    for task in (start, step, wait):
        everything.rendered(task)
    assert waiting.triggers
    assert waiting.events
    assert blizwork.record("loop/1")["state"] == "finished"


def test_nothing_is_said_of_it_by_the_sandbox(blizwork: BlizWorkServer, everything: Everything) -> None:
    import requests

    BlizWorkHook().init_case("one-step")
    everything.said += [
        json.dumps(blizwork.control.requests("blizwork")),
        json.dumps(blizwork.control.records("blizwork")),
        json.dumps(blizwork.effects()),
        requests.get(blizwork.control.url, timeout=5).text,
    ]
    assert {seen["path"] for seen in blizwork.control.requests("blizwork")} == {"/init/…"}


@pytest.mark.parametrize("where", ["worker", "triggerer"])
def test_airflow_masks_it_raw_and_quoted(blizwork: BlizWorkServer, where: str) -> None:
    secrets_masker = pytest.importorskip("airflow.sdk._shared.secrets_masker", reason="before Airflow 3.2")
    token = f"a masked/token + {where}"
    text = f"{token} and {quote(token, safe='')}"
    assert secrets_masker.redact(text) == text
    blizwork.connect(f"masked_{where}", password=token)
    hook = BlizWorkHook(f"masked_{where}")
    with pytest.raises(AuthenticationFailed):
        hook.init_case("one-step") if where == "worker" else asyncio.run(hook.ainit_case("one-step"))
    assert secrets_masker.redact(text) == "*** and ***"


def test_the_path_is_shown_without_it(blizwork: BlizWorkServer, recording: Everything) -> None:
    recording.attempt(lambda: BlizWorkHook().init_case("one-step"))
    assert any('"POST /blizwork/init/*** HTTP/1.1" 200' in said for said in recording.said)


@pytest.mark.parametrize(
    "form", [TOKEN, quote(TOKEN, safe=""), quote(TOKEN)], ids=["raw", "quoted", "with slash"]
)
def test_a_planted_one_is_found(blizwork: BlizWorkServer, form: str) -> None:
    kept = Everything()
    ways: list[Callable[[], None]] = [
        lambda: kept.said.append(json.dumps({"key": f"xx{form}xx"})),
        lambda: _Keeper(kept.said).emit(logging.LogRecord("x", 10, "x", 1, "POST %s", (form,), None)),
        lambda: kept.attempt(lambda: int(form)),
        lambda: kept.said.append(repr({"error": form})),
    ]
    for way in ways:
        kept.said.clear()
        assert not kept.tells()
        way()
        assert kept.tells()


def test_without_the_filter_urllib3_would_tell(
    blizwork: BlizWorkServer, recording: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control for all of the above: the same search on the same call, with the filter taken out."""
    monkeypatch.setattr(redaction, "LOGGERS", ())
    logging.getLogger("urllib3.connectionpool").removeFilter(redaction._redact)
    recording.attempt(lambda: BlizWorkHook().init_case("one-step"))
    assert recording.tells()
