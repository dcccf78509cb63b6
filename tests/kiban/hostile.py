"""What the tests of hostile answers do at Kiban."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.kiban.api.operations import start_body
from airflow_provider_workflows.kiban.api.status import Step
from airflow_provider_workflows.kiban.api.steps import read_answer
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded, StepPending
from airflow_provider_workflows.kiban.effects.answer_step import StepAnswer
from airflow_provider_workflows.kiban.effects.start_workfloo import WorkflooStart
from airflow_provider_workflows.kiban.events import ExecutionsEnded
from airflow_provider_workflows.kiban.hooks import KibanHook
from airflow_provider_workflows.kiban.many import KibanStartManyOperator
from tests.hostile.shapes import RECORD, Call, Calls, Sample, anything
from tests.kiban.server import LOAN, PDF, KibanServer


def calls(server: KibanServer) -> Calls:
    hook = KibanHook()
    execution = server.start(LOAN)
    form = {"first_name": "A", "last_name": "B", "amount": 1}
    answer = StepAnswer(execution, read_answer(form=form), node=None)
    step = Step("n1", "FORM")
    before = Record(
        mark="",
        generation=0,
        baseline={**step.to_json(), "node_name": "Form", "stays": 0, "modified": "2026-10-01T00:00:00Z"},
    )
    plain = WorkflooStart(start_body(LOAN))
    marked = WorkflooStart(start_body(LOAN, form=form), run_key_field="airflow_key")
    history = (
        [
            {
                "id": "a" * 24,
                "status": "SUCCESS",
                "createdAt": "2026-10-01T00:00:00Z",
                "modifiedAt": "2026-10-01",
            }
        ],
        {
            "id": "a" * 24,
            "nodes": [{"id": "n1", "name": "F", "form": {"fields": {"airflow_key": "af-mark"}}}],
        },
    )
    link = {
        "id": execution,
        "status": "PROGRESS",
        "currentNodeId": "n1",
        "currentNodeType": "LINK",
        "currentNodeName": "NIP",
        "link": {"phase": "VALIDATE", "sendError": {"code": "E1", "recoverable": True}},
        "verification": {"remainingRetries": 2},
        "validation": {"state": "REVIEW"},
        "timer": {"endWaitDate": "2026-10-01T00:00:00Z"},
        "cancelledAt": None,
    }
    ended = {**link, "status": "SUCCESS"}
    detail = {"id": execution, "labels": ["a"], "modified": "x", "nodes": [{"id": "n1", "name": "F"}]}
    review = {"decision": "APPROVED", "reviewedBy": "eva", "reviewedAt": "2026-10-01T00:00:00Z"}
    node = {"id": "n1", "name": "F", "type": "VALIDATION", "modified": "x", "validation": review}
    reviewed = {"id": execution, "nodes": [node]}
    done = ({"phase": "VALIDATE"},)
    many = KibanStartManyOperator(task_id="many", records=[], workfloo_id=LOAN)
    return hook, [
        Call("probe", hook.probe),
        Call("prepare many", many.prepare),
        Call("start", lambda api: api.start(LOAN)),
        Call("start a pool", lambda api: api.start_pool("p1"), ({"idWorkfloo": "c" * 24},)),
        Call("status", lambda api: api.status(execution)),
        Call("status of a link", StepPending(execution_id=execution, node="other").check, (link,)),
        Call("detail", lambda api: api.detail(execution)),
        Call("file", lambda api: api.file(execution, node_id="n1", name="a"), ({"fileBase64": PDF},)),
        Call("history", lambda api: api.list_executions()),
        Call("history of a status", lambda api: api.list_executions(status="ABANDONED"), (history[0],)),
        Call(
            "validate a field",
            lambda api: api.validate_field(execution, "post_code", {"post_code": "01000"}),
            ({"status": "VALID", "fields": {"city": "x"}, "errors": []},),
        ),
        Call("form", lambda api: api.send_form(execution, form), done),
        Call("document", lambda api: api.send_document(execution, {"id_card": PDF}), done),
        Call("correction", lambda api: api.send_correction(execution, form), done),
        Call("review", lambda api: api.send_review(execution, "APPROVED"), done),
        Call("wait for a move", lambda api: api.await_move(execution, step, patience=2), (link,)),
        Call("send NIP", lambda api: api.send_nip(execution), done),
        Call("resend NIP", lambda api: api.resend_nip(execution), done, anything),
        Call("validate NIP", lambda api: api.validate_nip(execution, "1234"), done, anything),
        Call("validate OTP", lambda api: api.validate_otp(execution, "1234"), done),
        Call("fall back", lambda api: api.fallback_otp(execution), done),
        Call("end", ExecutionSucceeded(execution_id=execution, result_fields=["name"]).check),
        Call(
            "ends",
            lambda api: ExecutionSucceeded.read_many(api, [ExecutionSucceeded(execution_id=execution)]),
        ),
        Call(
            "good end",
            ExecutionSucceeded(execution_id=execution, result_fields=["nodes.F.id"]).check,
            (ended, detail),
        ),
        Call("step", StepPending(execution_id=execution, node_type="FORM").check),
        Call(
            "passed step",
            StepPending(execution_id=execution, node="F", on_passed="succeed").check,
            (link, reviewed),
        ),
        Call("submit", lambda api: plain.submit(api, RECORD, again=False)),
        Call("look up", lambda api: plain.look_up(api, RECORD)),
        Call("look up by mark", lambda api: marked.look_up(api, RECORD), history),
        Call("state", lambda api: plain.state(api, execution)),
        Call("check id", lambda api: plain.check_id(api, execution)),
        Call("baseline", answer.baseline),
        Call("submit an answer", lambda api: answer.submit(api, before, again=False), done),
        Call("look up an answer", lambda api: answer.look_up(api, before)),
        Call("check id of an answer", lambda api: answer.check_id(api, execution)),
        Call("first of a feed", ExecutionsEnded().first),
        Call(
            "read of a feed",
            lambda api: ExecutionsEnded(start="beginning").read(
                api, {"since": "2026-10-01T00:00:00.000+00:00", "newest": "", "floor": "", "seen": {}}
            ),
            (history[0],),
        ),
    ]


def sample(server: Any) -> Sample:
    hook = KibanHook()
    execution = server.start(LOAN)
    return Sample(
        hook,
        ExecutionSucceeded(execution_id=execution),
        (Call("status", lambda api: api.status(execution)), Call("list", lambda api: api.list_executions())),
        Call("start", lambda api: api.start(LOAN)),
    )
