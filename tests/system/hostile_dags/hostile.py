"""Waits in the triggerer for what answers with values that Airflow cannot carry, and a neighbour's wait."""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG, Asset, AssetWatcher, get_current_context, task

from airflow_provider_workflows.events import occurrences
from airflow_provider_workflows.kiban import KibanWorkflooSensor, kiban_ended
from airflow_provider_workflows.omflow import OMFlowOrderSensor
from airflow_provider_workflows.robusta import RobustaStatusSensor
from tests.system.hostile_answers import (
    EXECUTION,
    NEIGHBOUR,
    ORDER,
    TEXTS,
    TOO_LONG,
    VALUES,
    spid,
    spid_of_failure,
)

PATIENT: dict[str, Any] = {"deferrable": True, "prepoll": 0, "poke_interval": 2, "timeout": 600}

with DAG("hostile", schedule=None, catchup=False):
    for name in VALUES:
        RobustaStatusSensor(task_id=f"output_{name}", spid=spid(name), **PATIENT)
    for name in TEXTS:
        RobustaStatusSensor(task_id=f"word_{name}", spid=spid_of_failure(name), **PATIENT)
    RobustaStatusSensor(task_id="too_large", spid=TOO_LONG, tolerance=5, **PATIENT)
    OMFlowOrderSensor(task_id="order", api_path="two-step", data_no=ORDER, fields=["FORMITM_1"], **PATIENT)
    KibanWorkflooSensor(task_id="execution", execution_id=EXECUTION, result_fields=["all"], **PATIENT)

with DAG("neighbour", schedule=None, catchup=False):
    RobustaStatusSensor(task_id="wait", spid=NEIGHBOUR, **PATIENT)

asset = Asset(
    "hostile_ends",
    watchers=[AssetWatcher(name="ends", trigger=kiban_ended(start="beginning", poll_interval=1))],
)
with DAG("hostile_feed", schedule=[asset], catchup=False):

    @task
    def note() -> list[dict[str, Any]]:
        """Return what the run was started for."""
        return occurrences(get_current_context()["triggering_asset_events"])

    note()
