"""API keys, codes and personal data appear nowhere, whatever goes wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest

from airflow_provider_workflows.core.protocol.retry import Retry
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
from airflow_provider_workflows.kiban.sensors import KibanStepSensor, KibanWorkflooSensor
from tests.core.harness import Clock, Runner
from tests.core.log_capture import Capture, CaptureHandler, capturing
from tests.kiban.server import FORM, LOAN, ONBOARDING, ONBOARDING_SCENARIO, OTP, OTP_SCENARIO, KibanServer

KEY = "hunter2+very/secret&key"
CALLBACK_KEY = "callback+hunter3/secret"
CODE = "918273"
RFC = "HUNT900101AB1"
SECRETS = (KEY, CALLBACK_KEY, CODE, RFC)
PERSONAL = {**FORM, "rfc": RFC}
FAULTS: list[dict[str, Any]] = [
    {"endpoint": "any", "kind": "lost_answer", "times": 9},
    {"endpoint": "any", "kind": "bad_gateway", "times": 9, "effect": True},
    {"endpoint": "any", "kind": "not_json", "times": 9},
    {"endpoint": "any", "kind": "truncated", "times": 9},
    {"endpoint": "any", "kind": "redirect", "times": 9},
    {"endpoint": "any", "kind": "throttled", "times": 9, "retry_after": 60},
    {"endpoint": "any", "kind": "status", "times": 9, "status": 401},
    {"endpoint": "any", "kind": "status", "times": 9, "status": 409},
]


@pytest.fixture
def capture(
    kiban: KibanServer, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Capture]:
    kept = Capture(*SECRETS, arguments=(CODE, RFC, RFC.lower()))
    with capturing(kept, capfd, monkeypatch):
        kiban.command("add_key", key=KEY)
        kiban.connect(password=KEY, extra={"callback_x_api_key": CALLBACK_KEY})
        yield kept
    kept.texts.append(json.dumps(kiban.control.requests("kiban")))
    assert kept.found() == set()


def _await(make: Callable[[], Any]) -> Any:
    return asyncio.run(make())


@pytest.mark.parametrize(
    "fault", FAULTS, ids=lambda fault: f"{fault['kind']} {fault.get('status', '')}".strip()
)
def test_nothing_is_said_of_them_when_a_call_goes_wrong(
    kiban: KibanServer, capture: Capture, fault: dict[str, Any]
) -> None:
    hook = KibanHook(retry=Retry(attempts=2, base=0.01))
    execution_id = kiban.start()
    filters = {"nodes.form.searchableBy.rfc_pf": RFC}
    calls: list[tuple[str, tuple[Any, ...], dict[str, Any]]] = [
        ("start", (LOAN,), {"form": PERSONAL, "callback_url": "https://x.example/cb"}),
        ("send_form", (execution_id, PERSONAL), {}),
        ("list_executions", (), {"filters": filters}),
        ("validate_nip", (execution_id, CODE), {}),
        ("validate_otp", (execution_id, CODE), {}),
        ("detail", (execution_id,), {}),
    ]
    for endpoint in ("start", "form", "history_v2", "nip_validate", "otp_validate", "detail"):
        kiban.fault(**{**fault, "endpoint": endpoint})
    for name, arguments, named in calls:
        capture.attempt(partial(getattr(hook, name), *arguments, **named))
        awaited = partial(getattr(hook, f"a{name}"), *arguments, **named)
        capture.attempt(partial(_await, awaited))
    assert len(capture.texts) > 40


def test_nothing_is_said_of_them_when_values_and_codes_are_refused(
    kiban: KibanServer, capture: Capture
) -> None:
    loan, otp = kiban.start(), kiban.start(OTP, scenario_id=OTP_SCENARIO)
    wrong = {**FORM, "rfc": RFC.lower()}
    capture.secrets.add(RFC.lower())
    for call in (
        lambda: KibanHook().start(LOAN, form=wrong),
        lambda: KibanHook().send_form(loan, wrong),
        lambda: KibanHook().validate_otp(otp, CODE),
        lambda: KibanHook().start("nobody", form=PERSONAL),
    ):
        capture.attempt(call)
    capture.run(
        Runner(lambda: KibanAnswerStepOperator(task_id="answer", execution_id=loan, form=wrong, settle=0))
    )
    assert "tries left: 2" in "".join(capture.texts)
    assert "rfc: FORMAT_ERROR; *** is not valid" in "".join(capture.texts)


def test_nothing_is_said_of_them_when_the_key_is_refused(kiban: KibanServer, capture: Capture) -> None:
    kiban.control.reset()
    capture.attempt(lambda: KibanHook().status("f" * 24))
    capture.attempt(lambda: asyncio.run(KibanHook().astatus("f" * 24)))
    capture.attempt(lambda: KibanHook().test_connection())
    kiban.connect(password=f"Bearer {KEY}")
    capture.attempt(lambda: KibanHook().test_connection())
    assert "did not accept the API key" in "".join(capture.texts)


def test_nothing_is_said_of_them_in_a_tasks_life(kiban: KibanServer, capture: Capture, clock: Clock) -> None:
    start: dict[str, Any] = {"workfloo_id": LOAN, "callback_url": "https://x.example/cb"}
    started = capture.run(Runner(lambda: KibanStartWorkflooOperator(task_id="start", **start)))
    execution_id = started["id"]
    at: dict[str, Any] = {"execution_id": execution_id, "deferrable": True, "prepoll": 0, "timeout": 300}
    step = Runner(lambda: KibanStepSensor(task_id="step", node_type="FORM", **at), clock=clock)
    capture.run(step)
    kiban.fault("form", "lost_answer")
    answer: dict[str, Any] = {"execution_id": execution_id, "form": PERSONAL, "settle": 10}
    capture.run(Runner(lambda: KibanAnswerStepOperator(task_id="answer", **answer)))
    kiban.fault("status", "throttled", times=2, retry_after=40)
    end = Runner(lambda: KibanWorkflooSensor(task_id="end", **at), clock=clock)
    assert capture.run(end)["status"] == "SUCCESS"
    assert step.triggers
    assert end.triggers
    assert kiban.record(execution_id)["fields"]["rfc"] == RFC


def test_a_correction_does_not_tell_the_value_that_was_rejected(
    kiban: KibanServer, capture: Capture, clock: Clock
) -> None:
    execution_id = kiban.start(ONBOARDING, scenario_id=ONBOARDING_SCENARIO)
    kiban.answer(execution_id, values={"first_name": RFC})
    kiban.answer(execution_id, times=4)
    kiban.command("reject", execution_id=execution_id)
    at: dict[str, Any] = {"execution_id": execution_id, "deferrable": False, "timeout": 5}
    found = capture.run(
        Runner(lambda: KibanStepSensor(task_id="step", node_type="VALIDATION", **at), clock=clock)
    )
    assert found["state"] == "CORRECTION"
    wrong: dict[str, Any] = {"execution_id": execution_id, "correction": {"first": RFC}}
    capture.run(Runner(lambda: KibanAnswerStepOperator(task_id="answer", **wrong)))
    assert "no first" in "".join(capture.texts)


def test_what_is_recorded_holds_urllib3s_lines(kiban: KibanServer, capture: Capture) -> None:
    capture.attempt(lambda: KibanHook().list_executions(filters={"nodes.form.searchableBy.rfc_pf": RFC}))
    assert any("searchableBy.rfc_pf=***" in texts for texts in capture.texts)


@pytest.mark.parametrize("secret", SECRETS)
def test_a_planted_one_is_found(secret: str) -> None:
    kept = Capture(*SECRETS)
    ways: list[Callable[[], Any]] = [
        lambda: kept.texts.append(json.dumps({"key": f"xx{secret}xx"})),
        lambda: CaptureHandler(kept.texts).emit(
            logging.LogRecord("x", 10, "x", 1, "key %s", (secret,), None)
        ),
        lambda: kept.attempt(lambda: int(f"x{secret}")),
        lambda: kept.texts.append(repr({"error": secret})),
    ]
    for way in ways:
        kept.texts.clear()
        assert kept.found() == set()
        way()
        assert kept.found() == {secret}
