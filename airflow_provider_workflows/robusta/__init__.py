"""Robusta RPA: start a process on a robot, wait for its end and its outputs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__all__ = [
    "RobustaHook",
    "RobustaStartManyOperator",
    "RobustaStartProcessOperator",
    "RobustaStatusManySensor",
    "RobustaStatusSensor",
]

if TYPE_CHECKING:
    from airflow_provider_workflows.robusta.hooks import RobustaHook
    from airflow_provider_workflows.robusta.many import RobustaStartManyOperator, RobustaStatusManySensor
    from airflow_provider_workflows.robusta.operators import RobustaStartProcessOperator
    from airflow_provider_workflows.robusta.sensors import RobustaStatusSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "hooks": ["RobustaHook"],
            "many": ["RobustaStartManyOperator", "RobustaStatusManySensor"],
            "operators": ["RobustaStartProcessOperator"],
            "sensors": ["RobustaStatusSensor"],
        },
    )
