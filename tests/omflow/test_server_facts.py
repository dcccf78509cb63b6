"""Facts about the server that our calls rely on without saying so."""

from __future__ import annotations

import re

from airflow_provider_workflows.omflow.hooks import OMFlowHook
from tests.conftest import OMFlowServer


def test_login_goes_to_the_security_endpoint_and_nowhere_else(each_omflow: OMFlowServer) -> None:
    hook = OMFlowHook()
    data_no = hook.open_order("simple", {"FORMITM_1": "x"})
    assert data_no is not None
    hook.order_state("simple", data_no)
    seen = {
        request["endpoint"]: "authorization" in request["headers"]
        for request in each_omflow.control.requests(each_omflow.name)
    }
    assert seen == {"security": True, "open": False, "list": False}


def test_a_push_leaves_the_values_that_it_does_not_send(each_omflow: OMFlowServer) -> None:
    hook = OMFlowHook()
    data_no = hook.open_order("purchase", {"FORMITM_1": "Desk", "FORMITM_2": "480"})
    assert data_no is not None
    each_omflow.control.advance(5)
    (stop,) = hook.query("purchase", data_no)
    hook.push_order("purchase", stop.data_id, form_data={"FORMITM_1": "Chair"})
    each_omflow.control.advance(5)
    order = hook.order_state("purchase", data_no, columns=["formitm_1", "formitm_2"])
    newest = order.rows[-1]
    assert (newest["formitm_1"], newest["formitm_2"]) == ("Chair", "480")


def test_times_have_no_zone(each_omflow: OMFlowServer) -> None:
    hook = OMFlowHook()
    data_no = hook.open_order("simple", {"FORMITM_1": "x"})
    assert data_no is not None
    each_omflow.control.advance(5)
    for row in hook.order_state("simple", data_no).rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?", row["stoptime"])
