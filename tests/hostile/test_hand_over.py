"""Whatever a vendor answers, Airflow can carry a task's result, record, XComs and log."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from typing import Any

import pytest

from airflow_provider_workflows.blizwork.operators import (
    BlizWorkExecActivityOperator,
    BlizWorkInitCaseOperator,
)
from airflow_provider_workflows.core.runtime.hand_over import MOST
from airflow_provider_workflows.core.submission.record import KEY, read_record
from airflow_provider_workflows.exceptions import MESSAGE_LIMIT, LostTrack, OutcomeUnknown
from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
from tests.core.channels import carried
from tests.core.harness import Clock, Runner
from tests.kiban.server import LOAN

#: What Airflow cannot carry, as JSON text.
TEXT = r'"\ud83d\u0000\u001b[2J\nforged: 2026-01-01 INFO \u2028forged"'
VALUE = f'[{TEXT}, {2**70}, NaN, 1e999, {{"__classname__": {TEXT}, "\\u0000": {"[" * 60 + "]" * 60}}}]'
LONG = json.dumps("x" * 500_000)
EXECUTION, BOI = "a" * 24, "A" * 16

Task = Callable[[], Any]
OPEN: dict[str, Any] = {"api_path": "two-step", "form_data": {"FORMITM_1": "a"}}
BOT: dict[str, Any] = {"process_name": "InvoiceBot", "worker": "3", "values": {"orderNo": "7"}}

TASKS: dict[str, tuple[str, Task]] = {
    "open": ("omflow", lambda: OMFlowOpenOrderOperator(task_id="task", **OPEN)),
    "push": (
        "omflow",
        lambda: OMFlowPushOrderOperator(
            task_id="task",
            data_no=7,
            stop_chart_text="Review",
            api_path="two-step",
            form_data={"FORMITM_1": "a"},
        ),
    ),
    "start a process": ("robusta", lambda: RobustaStartProcessOperator(task_id="task", **BOT)),
    "open a case": ("blizwork", lambda: BlizWorkInitCaseOperator(task_id="task", workflow_id="one-step")),
    "run an activity": (
        "blizwork",
        lambda: BlizWorkExecActivityOperator(
            task_id="task", workflow_id="one-step", case_number=7, form_id="request", next_form_id="done"
        ),
    ),
    "start a workfloo": ("kiban", lambda: KibanStartWorkflooOperator(task_id="task", workfloo_id=LOAN)),
    "answer a step": (
        "kiban",
        lambda: KibanAnswerStepOperator(task_id="task", execution_id=EXECUTION, form={"a": 1}, settle=1),
    ),
    "upsert": (
        "mybpm",
        lambda: MyBPMUpsertBOIOperator(
            task_id="task", bo_code="CUSTOMER", field_values={"IIN": "1"}, unique_field="IIN"
        ),
    ),
}
ROW = f'"id": 3, "data_no": 7, "stop_chart_text": "Review", "formitm_1": {VALUE}, "error_message": {TEXT}'
STEP = (
    f'"id": "{EXECUTION}", "status": "PROGRESS", "currentNodeId": {TEXT}, "currentNodeType": "FORM", '
    f'"currentNodeName": {TEXT}'
)
#: By task: what the vendor answers to its calls by endpoint.
ANSWERS: dict[str, dict[str, str]] = {
    "open": {"open": f'{{"status": 200, "message": {TEXT}, "result": "7"}}'},
    "push": {
        "list": f'{{"status": 200, "message": {TEXT}, "result": [{{{ROW}}}]}}',
        "push": f'{{"status": 200, "message": {TEXT}, "result": {VALUE}}}',
    },
    "start a process": {"start": f'{{"robustaSpid": "s-1", "message": {TEXT}, "more": {VALUE}}}'},
    "open a case": {"init": f'{{"resultCode": 0, "resultMessage": {TEXT}, "caseNumber": 7}}'},
    "run an activity": {
        "case": f'{{"resultCode": 0, "payload": {{"history": [{{"nextActivity": {{"formId": {TEXT}}}}}]}}}}',
        "exec": f'{{"resultCode": 0, "resultMessage": {TEXT}, "payload": {VALUE}}}',
    },
    "start a workfloo": {"start": f'{{"id": "{EXECUTION}", "more": {VALUE}}}'},
    "answer a step": {
        "status": f"{{{STEP}}}",
        "detail": f'{{"modified": {TEXT}, "nodes": [{{"id": {TEXT}, "name": {VALUE}}}]}}',
        "form": VALUE,
    },
    "upsert": {
        "upsert": f'{{"boiId": "{BOI}", "boCode": {TEXT}, "state": {TEXT}, "fieldValues": {{{TEXT}: {VALUE}, '
        f'"LIMIT": {{"apiValue": {VALUE}, "displayValue": {TEXT}, "type": {TEXT}}}}}}}'
    },
}


@pytest.fixture(autouse=True)
def time(clock: Clock) -> Clock:
    """Let no test wait."""
    return clock


def prepared(name: str, request: pytest.FixtureRequest, long: bool = False) -> Runner:
    """Return the runner of a task, whose vendor answers with what Airflow cannot carry."""
    vendor, task = TASKS[name]
    server = request.getfixturevalue(vendor)
    mount = "omflow-1.2" if vendor == "omflow" else vendor
    for endpoint, body in ANSWERS[name].items():
        said = body.replace(TEXT, LONG) if long else body
        server.control.fault(mount, endpoint, "body", body=said, times=1000)
    return Runner(task)


@pytest.mark.parametrize("name", TASKS)
def test_the_task_ends_well_and_hands_over_only_what_airflow_carries(
    name: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    runner = prepared(name, request)
    result = runner.run()
    assert carried(result) == result
    assert "forged" not in {line.split(":")[0].strip() for line in logged(caplog)}
    assert not [line for line in logged(caplog) if not set("\0\x1b\ud83d").isdisjoint(line)]
    # A retry recognizes the id as its own.
    assert runner.store is not None
    record = read_record(runner.store.get(KEY))
    assert record.id is not None
    assert not record.id_from_person


@pytest.mark.parametrize("name", TASKS)
def test_what_is_kept_and_logged_is_bounded(
    name: str, request: pytest.FixtureRequest, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    runner = prepared(name, request, long=True)
    result = runner.run()
    assert len(json.dumps(result)) < 2 * MOST
    assert runner.store is not None
    assert max(map(len, runner.store.values.values())) < 64_000
    assert (
        len(json.dumps({key: one for key, one in runner.ti.xcoms.items() if key != "return_value"})) < 10_000
    )
    assert max(map(len, logged(caplog))) < 2 * MESSAGE_LIMIT


@pytest.mark.parametrize("name", ["open", "start a process", "open a case", "start a workfloo", "upsert"])
@pytest.mark.parametrize(
    "value", [TEXT, LONG, str(2**70), "NaN", "1e999", "{}", '"a b\\u0007"'], ids=range(7)
)
def test_an_id_that_cannot_be_one_leaves_a_doubt(
    name: str, value: str, request: pytest.FixtureRequest
) -> None:
    vendor, task = TASKS[name]
    server = request.getfixturevalue(vendor)
    ((endpoint, body),) = ANSWERS[name].items()
    for known in ('"7"', "7}", '"s-1"', f'"{EXECUTION}"', f'"{BOI}"'):
        body = body.replace(known, value + "}" * known.count("}"))
    mount = "omflow-1.2" if vendor == "omflow" else vendor
    server.control.fault(mount, endpoint, "body", body=body, times=9, effect=True)
    runner = Runner(task)
    # What may be sent again is sent again, and never answered well.
    with pytest.raises((OutcomeUnknown, LostTrack)) as caught:
        runner.run()
    assert len(str(caught.value)) < 2 * MESSAGE_LIMIT
    assert carried(caught.value.to_json()) == caught.value.to_json()
    assert runner.store is not None
    (record,) = (json.loads(one) for key, one in runner.store.values.items() if "submission" in key)
    assert record["lost_at"]
    assert "id" not in record


def logged(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [line for record in caplog.records for line in record.getMessage().splitlines()]
