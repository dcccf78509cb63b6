"""Airflow's names that the tests use and that moved between 3.1 and 3.3, the newest place first."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from airflow_provider_workflows.core.runtime.versions import exceptions

AirflowFailException = exceptions.AirflowFailException
AirflowRescheduleException = exceptions.AirflowRescheduleException
AirflowSensorTimeout = exceptions.AirflowSensorTimeout
AirflowSkipException = exceptions.AirflowSkipException
AirflowTaskTimeout = exceptions.AirflowTaskTimeout
TaskDeferralError = exceptions.TaskDeferralError
TaskDeferred = exceptions.TaskDeferred


def _found(*paths: str) -> Any:
    for path in paths:
        module, _, name = path.rpartition(".")
        try:
            return getattr(import_module(module), name)
        except (ImportError, AttributeError):
            continue
    raise ImportError(f"this Airflow has none of {paths}")


serialize = _found("airflow.sdk.serde.serialize", "airflow.serialization.serde.serialize")
deserialize = _found("airflow.sdk.serde.deserialize", "airflow.serialization.serde.deserialize")
AsyncCallback = _found("airflow.sdk.AsyncCallback", "airflow.sdk.definitions.deadline.AsyncCallback")
DagBag = _found("airflow.dag_processing.dagbag.DagBag", "airflow.models.dagbag.DagBag")
DagSerialization = _found(
    "airflow.serialization.serialized_objects.DagSerialization",
    "airflow.serialization.serialized_objects.SerializedDAG",
)
