"""OMFlow's sensors: they wait until an order is at a stop, or closed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Unpack

from airflow_provider_workflows.core.runtime.templates import rendered
from airflow_provider_workflows.core.tasks.sensor import WorkflowSensor
from airflow_provider_workflows.omflow.connection import FORM

if TYPE_CHECKING:
    from airflow_provider_workflows.core.tasks.parameters import SensorParameters, Templated
    from airflow_provider_workflows.core.waiting.condition import OnPassed
    from airflow_provider_workflows.omflow.conditions import OrderAtStop, OrderClosed


class _OrderSensor(WorkflowSensor):
    vendor: ClassVar[str] = FORM.hook_name
    hook_class: ClassVar[str] = FORM.hook_class
    conn_id_field: ClassVar[str] = "omflow_conn_id"


class OMFlowDataIdSensor(_OrderSensor):
    """
    Waits until an order is at a stop, and returns the ``data_id`` to push there.

    The sensor fails at once if the order failed, closed without reaching the stop, or has passed the stop.
    With ``on_passed="succeed"``, an order that has passed the stop is a success. The sensor then returns a
    :class:`~airflow_provider_workflows.omflow.conditions.StopResult`, also if the order waits at the stop:
    ``{"passed": bool, "data_id": int | None, "stop_chart_text": str, "by": str | None, "steps": [...]}``.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param stop_chart_text: label of the stop; any stop if left out
    :param all_stops: for parallel branches: wait until no branch is running, and return all stops that match,
        as a list of ``{"data_id": int, "stop_chart_text": str}``
    :param after_data_id: for processes with loops: what the previous push returned. Only later visits to the
        stop count
    :param on_passed: if somebody has pushed the order from the stop before the sensor saw it there: ``fail``,
        or ``succeed``, which requires ``stop_chart_text``
    :param omflow_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
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
        api_path: Templated[str],
        data_no: Templated[int],
        stop_chart_text: Templated[str | None] = None,
        all_stops: bool = False,
        after_data_id: Templated[int | None] = None,
        on_passed: OnPassed = "fail",
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        if on_passed == "succeed" and kwargs.get("multiple_outputs") is None:
            kwargs["multiple_outputs"] = True
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.data_no = rendered(data_no)
        self.stop_chart_text = rendered(stop_chart_text)
        self.all_stops = all_stops
        self.after_data_id = rendered(after_data_id)
        self.on_passed = on_passed
        self.omflow_conn_id = rendered(omflow_conn_id)

    def condition(self) -> OrderAtStop:
        """Return what is waited for."""
        from airflow_provider_workflows.omflow.conditions import OrderAtStop

        return OrderAtStop.read(
            api_path=self.api_path,
            data_no=self.data_no,
            stop_chart_text=self.stop_chart_text,
            all_stops=self.all_stops,
            after_data_id=self.after_data_id,
            on_passed=self.on_passed,
        )


class OMFlowOrderSensor(_OrderSensor):
    """
    Waits until an order is closed.

    Returns ``{"data_no", "closing_stop": str, "closing_stops": [str], "fields": {name: value}}``. If branches
    end separately, there are several closing stops. OMFlow gives an order no outcome. Read the outcome from a
    field, or from the closing stop. The sensor fails at once if the order failed.

    :param api_path: name of the process in URLs
    :param data_no: the order's number
    :param fields: names of the fields to return with their last values: ``FORMITM_n``, or columns such as
        ``status``
    :param omflow_conn_id: the Airflow connection

    The other parameters are those of :class:`~airflow_provider_workflows.core.tasks.sensor.WorkflowSensor`.
    """

    returns_mapping: ClassVar[bool] = True
    template_fields: Sequence[str] = ("api_path", "data_no", "fields", "omflow_conn_id")

    def __init__(
        self,
        *,
        api_path: Templated[str],
        data_no: Templated[int],
        fields: Templated[Sequence[str]] = (),
        omflow_conn_id: Templated[str] = FORM.default_conn_id,
        **kwargs: Unpack[SensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.api_path = rendered(api_path)
        self.data_no = rendered(data_no)
        self.fields = rendered(fields)
        self.omflow_conn_id = rendered(omflow_conn_id)

    def condition(self) -> OrderClosed:
        """Return what is waited for."""
        from airflow_provider_workflows.omflow.conditions import OrderClosed

        return OrderClosed.read(api_path=self.api_path, data_no=self.data_no, fields=self.fields)
