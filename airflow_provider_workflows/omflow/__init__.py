"""OMFlow (SYSCOM): open an order, push it from stop to stop, wait for its stops and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__all__ = [
    "OMFlowDataIdSensor",
    "OMFlowHook",
    "OMFlowOpenManyOperator",
    "OMFlowOpenOrderNotifier",
    "OMFlowOpenOrderOperator",
    "OMFlowOrderManySensor",
    "OMFlowOrderSensor",
    "OMFlowPushManyOperator",
    "OMFlowPushOrderOperator",
    "omflow_arrivals",
]

if TYPE_CHECKING:
    from airflow_provider_workflows.omflow.events import omflow_arrivals
    from airflow_provider_workflows.omflow.hooks import OMFlowHook
    from airflow_provider_workflows.omflow.many import (
        OMFlowOpenManyOperator,
        OMFlowOrderManySensor,
        OMFlowPushManyOperator,
    )
    from airflow_provider_workflows.omflow.notifications import OMFlowOpenOrderNotifier
    from airflow_provider_workflows.omflow.operators import OMFlowOpenOrderOperator, OMFlowPushOrderOperator
    from airflow_provider_workflows.omflow.sensors import OMFlowDataIdSensor, OMFlowOrderSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "events": ["omflow_arrivals"],
            "hooks": ["OMFlowHook"],
            "notifications": ["OMFlowOpenOrderNotifier"],
            "many": ["OMFlowOpenManyOperator", "OMFlowOrderManySensor", "OMFlowPushManyOperator"],
            "operators": ["OMFlowOpenOrderOperator", "OMFlowPushOrderOperator"],
            "sensors": ["OMFlowDataIdSensor", "OMFlowOrderSensor"],
        },
    )
