"""No token and no password in logs at DEBUG, exceptions, trigger rows, state store or XCom."""

from __future__ import annotations

import base64
import json
import logging
import traceback
from typing import Any
from urllib.parse import quote

import pytest

from airflow_provider_workflows.core.connection import cache
from airflow_provider_workflows.exceptions import WorkflowError
from airflow_provider_workflows.mybpm.hooks import MyBPMHook
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.mybpm.sensors import MyBPMFieldSensor
from tests.core.harness import Clock, Runner
from tests.mybpm.conftest import API_TOKEN, PASSWORD, MyBPMServer

LOGIN = "planted@example.com"
PLANTED = "plant€d p@ss/word+"


def told_by(error: BaseException) -> str:
    """All that an error and whatever hangs on it could tell, suppressed contexts included."""
    told, seen, queue = [], set(), [error]
    while queue:
        one = queue.pop()
        if id(one) not in seen:
            seen.add(id(one))
            told += [str(one), repr(one), repr(one.args), repr(vars(one)), *traceback.format_exception(one)]
            queue += [other for other in (one.__cause__, one.__context__) if other is not None]
    if isinstance(error, WorkflowError):
        told.append(json.dumps(error.to_json()))
    return "\n".join(told)


def forms(secret: str) -> list[str]:
    encoded = base64.b64encode(secret.encode()).decode()
    return [secret, quote(secret), quote(secret, safe=""), encoded, json.dumps(secret)[1:-1]]


def found(secrets: list[str], told: list[str]) -> list[str]:
    """Return which secret is told; by number, so that a failing test does not print it."""
    return [
        f"secret {number}"
        for number, secret in enumerate(secrets)
        if any(form in text for form in forms(secret) for text in told)
    ]


def all_that_is_told(
    mybpm: MyBPMServer, clock: Clock, caplog: pytest.LogCaptureFixture, **values: Any
) -> tuple[list[str], set[str]]:
    """
    Run operator and sensor through faults and failures.

    :returns: all that they leave anywhere, and the session tokens that they had
    """
    told: list[str] = []
    tokens: set[str] = set()
    for fault in ("throttled", "lost_answer", "not_json", "truncated", "redirect", "status"):
        if fault != "throttled":
            mybpm.fault("upsert", fault)
        task = Runner(
            lambda: MyBPMUpsertBOIOperator(
                task_id="upsert", bo_code="NOTE", field_values={"TEXT": "a", **values}
            )
        )
        try:
            made = task.run()["boi_id"]
        except WorkflowError as error:
            told.append(told_by(error))
        tokens |= held_tokens()
        assert task.store is not None
        told += [*task.store.values.values(), json.dumps(task.ti.xcoms)]
    mybpm.fault("load", "throttled", times=3, retry_after=45)
    waits: Any = {"field": "TEXT", "changed_from": "a", "timeout": 300, "poke_interval": 60}
    sensor = Runner(
        lambda: MyBPMFieldSensor(
            task_id="wait", bo_code="NOTE", boi_id=made, deferrable=True, prepoll=0, **waits
        ),
        clock=clock,
    )
    clock.after(90, lambda: mybpm.command("expire_logins"))
    clock.after(120, lambda: mybpm.command("set_field", bo_code="NOTE", boi_id=made, field="TEXT", value="b"))
    told += [json.dumps(sensor.run()), *sensor.triggers, json.dumps(sensor.events)]
    good, message = MyBPMHook().test_connection()
    assert good
    told += [message, *map(logging.Formatter().format, caplog.records)]
    return told, tokens


def held_tokens() -> set[str]:
    """Return the session tokens that this process knows."""
    sides = [side.known for side in cache.of_process.values() if side.known is not None]
    return {side.adapter.cell.value for side in sides if side.adapter.cell.value}


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture) -> Any:
    with caplog.at_level(logging.DEBUG):
        yield caplog


def test_session_login_is_told_nowhere(
    mybpm: MyBPMServer, clock: Clock, logged: pytest.LogCaptureFixture
) -> None:
    mybpm.command("add_user", email=LOGIN, password=PLANTED)
    mybpm.connect(login=LOGIN, password=PLANTED)
    told, tokens = all_that_is_told(mybpm, clock, logged)
    assert tokens
    assert len("".join(told)) > 10_000
    assert found([PLANTED, *tokens], told) == []


def test_api_token_is_told_nowhere(
    mybpm: MyBPMServer, clock: Clock, logged: pytest.LogCaptureFixture
) -> None:
    mybpm.connect(login="", password=API_TOKEN)
    told, _ = all_that_is_told(mybpm, clock, logged)
    assert mybpm.requests("login") == 0
    assert found([API_TOKEN], told) == []


def test_the_search_finds_what_is_planted(mybpm: MyBPMServer, logged: pytest.LogCaptureFixture) -> None:
    # An unknown field is quoted in the refusal, and so in the exception.
    with pytest.raises(WorkflowError) as caught:
        MyBPMHook().upsert("NOTE", {"planted-field": "a"})
    told = [told_by(caught.value)]
    assert found(["planted-field"], told) == ["secret 0"]
    logging.getLogger("airflow_provider_workflows").debug("with %s", quote(PLANTED))
    assert found([PLANTED], [record.getMessage() for record in logged.records]) == ["secret 0"]


@pytest.mark.parametrize(
    "connection", [{}, {"login": "", "password": API_TOKEN}], ids=["session", "API token"]
)
def test_refused_secrets_are_not_quoted(mybpm: MyBPMServer, connection: Any) -> None:
    wrong = "wr0ng/secret"
    mybpm.connect(**{**connection, "password": wrong})
    with pytest.raises(WorkflowError) as caught:
        MyBPMHook().load_structure("NOTE")
    assert found([wrong, PASSWORD + "-"], [told_by(caught.value)]) == []


def test_the_sandbox_tells_no_secret(mybpm: MyBPMServer) -> None:
    import requests

    MyBPMHook().upsert("NOTE", {"TEXT": "a"})
    tokens = held_tokens()
    page = requests.get(mybpm.control.url, timeout=5).text
    told = [page, json.dumps(mybpm.control.requests("mybpm")), json.dumps(mybpm.control.records("mybpm"))]
    assert tokens
    assert found([API_TOKEN, *tokens], told) == []
