"""BlizWork: open a case, run its activities, wait for a pending activity and for its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__all__ = [
    "BlizWorkActivitySensor",
    "BlizWorkCaseManySensor",
    "BlizWorkCaseSensor",
    "BlizWorkExecActivityOperator",
    "BlizWorkExecManyOperator",
    "BlizWorkHook",
    "BlizWorkInitCaseOperator",
    "BlizWorkInitManyOperator",
    "BlizWorkSendNotificationNotifier",
    "blizwork_activities",
    "blizwork_closed",
]

if TYPE_CHECKING:
    from airflow_provider_workflows.blizwork.events import blizwork_activities, blizwork_closed
    from airflow_provider_workflows.blizwork.hooks import BlizWorkHook
    from airflow_provider_workflows.blizwork.many import (
        BlizWorkCaseManySensor,
        BlizWorkExecManyOperator,
        BlizWorkInitManyOperator,
    )
    from airflow_provider_workflows.blizwork.notifications import BlizWorkSendNotificationNotifier
    from airflow_provider_workflows.blizwork.operators import (
        BlizWorkExecActivityOperator,
        BlizWorkInitCaseOperator,
    )
    from airflow_provider_workflows.blizwork.sensors import BlizWorkActivitySensor, BlizWorkCaseSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "events": ["blizwork_activities", "blizwork_closed"],
            "hooks": ["BlizWorkHook"],
            "notifications": ["BlizWorkSendNotificationNotifier"],
            "many": ["BlizWorkCaseManySensor", "BlizWorkExecManyOperator", "BlizWorkInitManyOperator"],
            "operators": ["BlizWorkExecActivityOperator", "BlizWorkInitCaseOperator"],
            "sensors": ["BlizWorkActivitySensor", "BlizWorkCaseSensor"],
        },
    )
