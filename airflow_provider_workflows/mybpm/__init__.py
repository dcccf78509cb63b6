"""MyBPM: upsert business-object instances (BOIs) and wait for their fields and states."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__all__ = [
    "FieldReference",
    "MyBPMFieldSensor",
    "MyBPMHook",
    "MyBPMStateSensor",
    "MyBPMUpsertBOIOperator",
    "MyBPMUpsertManyOperator",
    "mybpm_changed",
    "mybpm_reached",
    "to_python",
]

if TYPE_CHECKING:
    from airflow_provider_workflows.mybpm.api.references import FieldReference
    from airflow_provider_workflows.mybpm.api.values import to_python
    from airflow_provider_workflows.mybpm.events import mybpm_changed, mybpm_reached
    from airflow_provider_workflows.mybpm.hooks import MyBPMHook
    from airflow_provider_workflows.mybpm.many import MyBPMUpsertManyOperator
    from airflow_provider_workflows.mybpm.operators import MyBPMUpsertBOIOperator
    from airflow_provider_workflows.mybpm.sensors import MyBPMFieldSensor, MyBPMStateSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "api.references": ["FieldReference"],
            "api.values": ["to_python"],
            "events": ["mybpm_changed", "mybpm_reached"],
            "hooks": ["MyBPMHook"],
            "many": ["MyBPMUpsertManyOperator"],
            "operators": ["MyBPMUpsertBOIOperator"],
            "sensors": ["MyBPMFieldSensor", "MyBPMStateSensor"],
        },
    )
