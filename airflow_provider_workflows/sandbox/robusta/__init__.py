"""The double of Robusta RPA's Orchestrator, as far as its connector API reaches."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.robusta.double import RobustaDouble
from airflow_provider_workflows.sandbox.vendor import Account, Vendor


def _account(table: Table) -> Account:
    user, zone = table["users"][0], table.get("time_zone", "UTC")
    return Account(login=user["name"], password=user["password"], extra={"time_zone": zone})


VENDOR = Vendor(
    name="robusta",
    title="Robusta RPA",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [RobustaDouble(table, clock)],
    account=_account,
    account_keys=("users",),
    record="{spid}",
)
