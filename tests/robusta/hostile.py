"""What the tests of hostile answers do at Robusta."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.robusta.api.answer import is_spid
from airflow_provider_workflows.robusta.api.operations import RobustaApi
from airflow_provider_workflows.robusta.conditions import ProcessOutputs, ProcessSucceeded
from airflow_provider_workflows.robusta.effects import ProcessStart
from airflow_provider_workflows.robusta.hooks import RobustaHook
from airflow_provider_workflows.robusta.many import RobustaStartManyOperator
from tests.hostile.shapes import RECORD, Call, Calls, Sample


def calls(server: Any) -> Calls:
    hook = RobustaHook()
    spid = hook.start_process("InvoiceBot", worker="3", values={"orderNo": "7"}).spid
    server.control.advance(60)

    def effect(api: RobustaApi, **schedule: Any) -> ProcessStart:
        body = api.start_body(process_name="InvoiceBot", worker="3", values={"orderNo": "7"}, **schedule)
        return ProcessStart(body, grace=0, running_statuses=(), failed_statuses=None)

    recurring = {"run_once": False, "allow_recurring": True, "quartz_def": "0 0 6 * * ?"}
    many = RobustaStartManyOperator(task_id="many", records=[], process_name="InvoiceBot", worker="3")
    return hook, [
        Call("probe", hook.probe),
        Call("prepare many", many.prepare),
        Call(
            "start",
            lambda api: api.start_process("InvoiceBot", worker="3", values={"orderNo": "7"}),
            fits=lambda result, meant: is_spid(result.spid),
        ),
        Call("status", lambda api: api.process_status(spid)),
        Call("outputs", ProcessOutputs(spid=spid, grace=0).check),
        Call(
            "submit",
            lambda api: effect(api).submit(api, RECORD, again=False),
            fits=lambda result, meant: is_spid(result),
        ),
        Call("look up", lambda api: effect(api).look_up(api, RECORD)),
        Call("state", lambda api: effect(api).state(api, spid)),
        Call("check id", lambda api: effect(api, **recurring).check_id(api, spid)),
    ]


def sample(server: Any) -> Sample:
    hook = RobustaHook()
    spid = hook.start_process("InvoiceBot", worker="3", values={"orderNo": "7"}).spid
    return Sample(
        hook,
        ProcessSucceeded(spid=spid, grace=0),
        (Call("status", lambda api: api.process_status(spid)),),
        Call("start", lambda api: api.start_process("InvoiceBot", worker="3", values={"orderNo": "7"})),
    )
