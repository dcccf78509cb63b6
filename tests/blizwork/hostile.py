"""What the tests of hostile answers do at BlizWork."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.blizwork.api.values import activity
from airflow_provider_workflows.blizwork.conditions import ActivityPending, CaseClosed
from airflow_provider_workflows.blizwork.effects import ActivityRun, CaseStart, Mail
from airflow_provider_workflows.blizwork.events import ActivitiesPending, CasesClosed
from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
from airflow_provider_workflows.blizwork.many import BlizWorkInitManyOperator
from airflow_provider_workflows.core.submission.record import Record
from tests.hostile.shapes import RECORD, Call, Calls, Sample, anything


def calls(server: Any) -> Calls:
    hook = BlizWorkHook()
    case = hook.init_case("one-step")
    feed: dict[str, Any] = {"workflow_id": "one-step", "case_numbers": [case], "start": "beginning"}
    cursor = hook.run(ActivitiesPending(**feed).first)
    run = ActivityRun(activity("one-step", case, "request", "done", {"amount": 5}))
    before = Record(mark="", generation=0, baseline={"history_length": 1, "pending": "request"})
    start = CaseStart({"workflowId": "one-step"}, end_marks={})
    mail = Mail("late", to="ana@example.com", params={"p1": "x"})
    done = ({"resultCode": 0, "resultMessage": "ok", "payload": [{"code": "N1"}]},)
    step = {
        "updatedBy": "ana@example.com",
        "updatedOn": "2026-10-01",
        "currentActivity": {"formId": "request"},
        "nextActivity": {"formId": "archive"},
    }
    document = {"processSlug": "one-step", "caseNumber": case, "history": [step, step]}
    history = {"resultCode": 0, "resultMessage": "ok", "payload": document}
    ran: dict[str, Any] = {"workflow_id": "one-step", "case_number": case, "form_id": "request"}
    ran |= {"on_passed": "succeed"}
    where = {"code": "N1"}
    many = BlizWorkInitManyOperator(task_id="many", records=[], workflow_id="one-step")
    return hook, [
        Call("probe", hook.probe, ({"resultCode": 3, "resultMessage": "no such workflow"},)),
        Call("prepare many", many.prepare),
        Call("init", lambda api: api.init_case("one-step")),
        Call("exec", lambda api: api.exec_activity("one-step", case, "request", "done"), done),
        Call("load", lambda api: api.load_case("one-step", case)),
        Call("list", lambda api: api.list_cases("one-step")),
        Call("upload", lambda api: api.upload_attachment("a.txt", b"abc"), done, anything),
        Call("notify", lambda api: api.send_notification("late", to="ana@example.com"), done),
        Call("list rows", lambda api: api.list_master_data("branches", where=where), done),
        Call(
            "upsert rows",
            lambda api: api.upsert_master_data("branches", where=where, update={"name": "x"}),
            done,
        ),
        Call("delete rows", lambda api: api.delete_master_data("branches", where=where), done, anything),
        Call("pending", ActivityPending(workflow_id="one-step", case_number=case).check),
        Call("run", ActivityPending(**ran).check, (history,)),
        Call("closed", CaseClosed(workflow_id="one-step", case_number=case, fields=["amount"]).check),
        Call("baseline of a run", run.baseline),
        Call("submit a run", lambda api: run.submit(api, before, again=False), done),
        Call("look up a run", lambda api: run.look_up(api, before)),
        Call("check id of a run", lambda api: run.check_id(api, case)),
        Call("submit", lambda api: start.submit(api, RECORD, again=False)),
        Call("look up", lambda api: start.look_up(api, RECORD)),
        Call("state", lambda api: start.state(api, case)),
        Call("check id", lambda api: start.check_id(api, case)),
        Call("submit a mail", lambda api: mail.submit(api, RECORD, again=False), done),
        Call("look up a mail", lambda api: mail.look_up(api, RECORD)),
        Call("first of a feed", ActivitiesPending(**{**feed, "start": "now"}).first),
        Call("read of a feed", lambda api: ActivitiesPending(**feed).read(api, cursor)),
        Call("read of ends", lambda api: CasesClosed(**feed).read(api, cursor)),
    ]


def sample(server: Any) -> Sample:
    hook = BlizWorkHook()
    case = hook.init_case("one-step")
    return Sample(
        hook,
        CaseClosed(workflow_id="one-step", case_number=case),
        (Call("load", lambda api: api.load_case("one-step", case)),),
        Call("init", lambda api: api.init_case("one-step")),
    )
