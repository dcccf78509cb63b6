"""OMFlow's sensors: an order at a stop, an order's end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from airflow_provider_workflows.base.sensor import WorkflowSensor
from airflow_provider_workflows.omflow.call import VENDOR, number, order_number
from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed
from airflow_provider_workflows.omflow.connection import FORM
from airflow_provider_workflows.protocol.errors import InvalidInput


class _OrderSensor(WorkflowSensor):
    vendor: ClassVar[str] = VENDOR
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"

    def __init__(
        self,
        *,
        api_path: str,
        data_no: Any,
        omflow_conn_id: str = FORM.default_conn_id,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = api_path
        self.data_no = data_no
        self.omflow_conn_id = omflow_conn_id


class OMFlowDataIdSensor(_OrderSensor):
    """
    Waits until an order stands at a stop, and returns the ``data_id`` to push there.

    Fails at once when the order failed, when it closed without reaching the stop, and when it has passed
    the stop.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param stop_chart_text: label of the stop; any stop if left out
    :param all_stops: wait until no branch is running and return all stops that match, as a list of
        ``{"data_id": int, "stop_chart_text": str}``; for parallel branches
    :param after_data_id: in a process with loops, what the push before returned: only what came after it
        counts
    :param omflow_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    template_fields: Sequence[str] = (
        "api_path",
        "data_no",
        "stop_chart_text",
        "after_data_id",
        "omflow_conn_id",
    )

    def __init__(
        self,
        *,
        stop_chart_text: str | None = None,
        all_stops: bool = False,
        after_data_id: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.stop_chart_text = stop_chart_text
        self.all_stops = all_stops
        self.after_data_id = after_data_id

    def condition(self) -> OrderAtStop:
        """Return what is waited for."""
        after = 0 if self.after_data_id is None else int(number(self.after_data_id, "after_data_id"))
        return OrderAtStop(
            api_path=self.api_path,
            data_no=order_number(self.data_no),
            stop_chart_text=self.stop_chart_text,
            all_stops=self.all_stops,
            after_data_id=after,
        )


class OMFlowOrderSensor(_OrderSensor):
    """
    Waits until an order is closed.

    Returns ``{"data_no", "closing_stop": str, "closing_stops": [str], "fields": {name: value}}``; with
    parallel branches that end apart there are several closing stops. OMFlow gives an order no outcome:
    read it from a field or from the closing stop. Fails at once when the order failed.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param fields: ``FORMITM_n`` or columns such as ``status`` to return
    :param omflow_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.base.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("api_path", "data_no", "fields", "omflow_conn_id")

    def __init__(self, *, fields: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.fields = fields

    def condition(self) -> OrderClosed:
        """Return what is waited for."""
        if isinstance(self.fields, str) or not all(isinstance(name, str) for name in self.fields):
            raise InvalidInput("fields must be a list of FORMITM_n or column names")
        return OrderClosed(
            api_path=self.api_path, data_no=order_number(self.data_no), fields=list(self.fields)
        )
