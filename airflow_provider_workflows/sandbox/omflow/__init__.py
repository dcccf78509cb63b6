"""OMFlow's double, in the two versions that a client meets."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.omflow.dialect import V1_1, V1_2
from airflow_provider_workflows.sandbox.omflow.double import OMFlowDouble
from airflow_provider_workflows.sandbox.vendor import Account, Vendor, first_active


def _account(table: Table) -> Account:
    user = first_active(table["users"])
    return Account(login=user["name"], password=user["password"], extra={"language": "en"})


VENDOR = Vendor(
    name="omflow",
    title="OMFlow",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [OMFlowDouble(dialect, table, clock) for dialect in (V1_2, V1_1)],
    account=_account,
    account_keys=("users",),
    record="{api_path}/{data_no}",
    mounts={"omflow-1.2": {}, "omflow-1.1": {"server_version": "1.1"}},
)
