"""OMFlow's double, in the two versions that a client meets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.omflow.dialect import V1_1, V1_2
from airflow_provider_workflows.sandbox.omflow.double import OMFlowDouble
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor, first_active


def _account(table: Table) -> Account:
    user = first_active(table["users"])
    return Account(login=user["name"], password=user["password"], extra={"language": "en"})


def _logins(table: Table) -> Iterator[Login]:
    for user in table["users"]:
        rights = user.get("rights", ())
        told = ", ".join(rights) if isinstance(rights, (list, tuple)) else "by process"
        note = f"rights: {told or 'none'}" if user.get("active", True) else "not active"
        yield Login(login=user["name"], password=user["password"], note=note)


VENDOR = Vendor(
    name="omflow",
    title="OMFlow",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [OMFlowDouble(dialect, table, clock) for dialect in (V1_2, V1_1)],
    account=_account,
    logins=_logins,
    account_keys=("users",),
    record="{api_path}/{data_no}",
    mounts={"omflow-1.2": {}, "omflow-1.1": {"server_version": "1.1"}},
)
