"""Orders in the sandbox's OMFlow, as a test needs them."""

from __future__ import annotations

from typing import Any

from airflow_provider_workflows.omflow.hook import OMFlowHook
from airflow_provider_workflows.omflow.order import Order
from tests.conftest import OMFlowServer

TITLE: dict[str, Any] = {"FORMITM_1": "a title"}


def open_order(server: OMFlowServer, api_path: str, form: Any = None, *, settle: float = 5) -> Any:
    """
    Open an order and let it come to its first stop.

    :param settle: seconds of the sandbox's clock to let pass
    """
    data_no = OMFlowHook().open_order(api_path, form or TITLE)
    assert data_no is not None
    server.control.advance(settle)
    return data_no


def state(api_path: str, data_no: Any) -> Order:
    return OMFlowHook().order_state(api_path, data_no)


def stops(api_path: str, data_no: Any) -> dict[str, int]:
    """Return the data_id of each stop where the order stands, by its label."""
    return {stop.stop_chart_text: stop.data_id for stop in state(api_path, data_no).stops}


def push_all(server: OMFlowServer, api_path: str, data_no: Any, *, times: int = 1) -> None:
    """Push an order by hand wherever it stands, and let it go on."""
    for _ in range(times):
        for data_id in stops(api_path, data_no).values():
            server.control.push(server.name, api_path, data_id)
        server.control.advance(5)
