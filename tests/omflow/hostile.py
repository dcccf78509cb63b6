"""What the tests of hostile answers do at OMFlow."""

from __future__ import annotations

from io import BytesIO
from typing import Any

from airflow_provider_workflows.core.protocol.message import Part
from airflow_provider_workflows.core.submission.record import Record
from airflow_provider_workflows.exceptions import InvalidInput
from airflow_provider_workflows.omflow.api.call import order_number
from airflow_provider_workflows.omflow.api.operations import check_form, read_types
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.effects.open_order import OrderStart
from airflow_provider_workflows.omflow.effects.push_order import OrderPush
from airflow_provider_workflows.omflow.events import OrderArrivals
from airflow_provider_workflows.omflow.hooks import OMFlowHook
from airflow_provider_workflows.omflow.many import OMFlowOpenManyOperator, OMFlowPushManyOperator
from tests.hostile.shapes import RECORD, Call, Calls, Sample
from tests.omflow.orders import open_order


def is_order_number(result: Any, meant: Any) -> bool:
    """An order's number is any text, as the process defines it."""
    try:
        return bool(order_number(result) == result)
    except InvalidInput:
        return False


def _number_or_none(result: Any, meant: Any) -> bool:
    """The call itself may return no number, which proves nothing."""
    return result is None or is_order_number(result, meant)


def calls(server: Any) -> Calls:
    open_order(server, "two-step")
    hook = OMFlowHook()
    items = [{"id": "FORMITM_1", "type": "inputbox", "value": "x"}]
    file = Part(name="files", filename="a.txt", size=3, open=lambda: BytesIO(b"abc"))
    start = OrderStart(api_path="two-step", items=items, run_key_field="FORMITM_2")
    learning = OrderStart(api_path="two-step", items=[{"id": "FORMITM_1", "value": "x"}], reads_form=True)
    order: dict[str, Any] = {"api_path": "two-step", "data_no": 1}
    push = OrderPush(**order, stop_chart_text="Review", data_id=None, items=items, quick_action=None)
    pushed = Record(mark="", generation=0, baseline={"data_id": 2, "changes": ["FORMITM_1"]})
    stop: dict[str, Any] = {"api_path": "two-step", "stop_chart_text": "Review"}
    many: dict[str, Any] = {"task_id": "many", "records": [], "api_path": "two-step"}
    opens = OMFlowOpenManyOperator(**many, fields={"FORMITM_1": "x"}, run_key_field="FORMITM_2")
    pushes = OMFlowPushManyOperator(**many)
    done = {"status": 200, "message": "", "result": None}
    number = {"status": 200, "message": "", "result": "1"}
    moved: dict[str, Any] = {"data_no": 1, "history": True, "closed": False, "running": False, "error": False}
    moved |= {"stop_chart_text": "Review", "stoptime": "2026-10-01T00:00:00", "update_user_id": "eva"}
    rows = [{"id": 1, **moved}, {"id": 2, **moved, "closed": True, "stop_chart_text": "End"}]
    passed = {"status": 200, "message": "", "result": rows}
    return hook, [
        Call("probe", hook.probe),
        Call("security code", lambda api: api.security_code()),
        Call("query", lambda api: api.query("two-step", 1)),
        Call("list rows", lambda api: api.list_rows("two-step")),
        Call("order state", lambda api: api.order_state("two-step", 1)),
        Call("find order", lambda api: api.find_order("two-step", "FORMITM_1", "a title")),
        Call("list files", lambda api: api.list_files("two-step", 1)),
        Call("upload files", lambda api: api.upload_files("two-step", 1, [file])),
        Call("open order", lambda api: api.open_order("two-step", {"FORMITM_1": "x"}), fits=_number_or_none),
        Call("at a stop", OrderAtStop(**order, stop_chart_text="Review").check),
        Call(
            "passed a stop",
            OrderAtStop(**order, stop_chart_text="Review", on_passed="succeed").check,
            (passed, passed),
        ),
        Call("at all stops", OrderAtStop(**order, all_stops=True).check),
        Call("closed", OrderClosed(**order, fields=["FORMITM_1"]).check),
        Call("several closed", lambda api: OrderClosed.read_many(api, [OrderClosed(**order)])),
        Call("submit", lambda api: start.submit(api, RECORD, again=False), (number,), is_order_number),
        Call("look up", lambda api: start.look_up(api, RECORD)),
        Call("find orders", lambda api: api.find_orders("two-step", "FORMITM_1", ["a title"])),
        Call("look up many", lambda api: start.look_up_many(api, [RECORD])),
        Call("prepare opens", opens.prepare),
        Call("prepare pushes", pushes.prepare),
        Call("check of a form", lambda api: check_form(api, "two-step", ["FORMITM_1"])),
        Call("types of a form", lambda api: read_types(api, "two-step", {"id": 2})),
        Call("baseline", learning.baseline),
        Call("state", lambda api: start.state(api, 1)),
        Call("check id", lambda api: start.check_id(api, 1)),
        Call("baseline of a push", push.baseline),
        Call("submit a push", lambda api: push.submit(api, pushed, again=False), (done,)),
        Call("look up a push", lambda api: push.look_up(api, pushed)),
        Call("check id of a push", lambda api: push.check_id(api, 1)),
        Call("first of a feed", OrderArrivals(**stop).first),
        Call(
            "read of a feed",
            lambda api: OrderArrivals(**stop, start="beginning").read(
                api, {"newest": "", "floor": "", "seen": {}}
            ),
        ),
        Call("push", lambda api: api.push_order("two-step", 2, form_data={"FORMITM_1": "y"}), (done,)),
        Call("delete", lambda api: api.delete_order("two-step", 1), (done,)),
    ]


def sample(server: Any) -> Sample:
    number = open_order(server, "two-step")
    return Sample(
        OMFlowHook(),
        OrderClosed(api_path="two-step", data_no=number),
        (Call("query", lambda api: api.query("two-step", number)),),
        Call("open", lambda api: api.open_order("two-step", {"FORMITM_1": "x"})),
    )
