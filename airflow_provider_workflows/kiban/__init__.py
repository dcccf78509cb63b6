"""Kiban Workfloo: start an execution, answer its steps, wait for its steps and its end."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_workflows.core.lazy import lazy_exports

__all__ = [
    "KibanAnswerStepOperator",
    "KibanHook",
    "KibanStartManyOperator",
    "KibanStartWorkflooNotifier",
    "KibanStartWorkflooOperator",
    "KibanStepSensor",
    "KibanWorkflooManySensor",
    "KibanWorkflooSensor",
    "kiban_ended",
]

if TYPE_CHECKING:
    from airflow_provider_workflows.kiban.events import kiban_ended
    from airflow_provider_workflows.kiban.hooks import KibanHook
    from airflow_provider_workflows.kiban.many import KibanStartManyOperator, KibanWorkflooManySensor
    from airflow_provider_workflows.kiban.notifications import KibanStartWorkflooNotifier
    from airflow_provider_workflows.kiban.operators import KibanAnswerStepOperator, KibanStartWorkflooOperator
    from airflow_provider_workflows.kiban.sensors import KibanStepSensor, KibanWorkflooSensor
else:
    __getattr__, __dir__ = lazy_exports(
        __name__,
        {
            "events": ["kiban_ended"],
            "hooks": ["KibanHook"],
            "notifications": ["KibanStartWorkflooNotifier"],
            "many": ["KibanStartManyOperator", "KibanWorkflooManySensor"],
            "operators": ["KibanAnswerStepOperator", "KibanStartWorkflooOperator"],
            "sensors": ["KibanStepSensor", "KibanWorkflooSensor"],
        },
    )
