"""The double of Robusta RPA's Orchestrator, as far as its connector API reaches."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.robusta.double import RobustaDouble
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor


def _account(table: Table) -> Account:
    user, zone = table["users"][0], table.get("time_zone", "UTC")
    return Account(login=user["name"], password=user["password"], extra={"time_zone": zone})


def _logins(table: Table) -> Iterator[Login]:
    for user in table["users"]:
        note = "" if user.get("scheduler", True) else "may not use the scheduler"
        yield Login(login=user["name"], password=user["password"], note=note)


VENDOR = Vendor(
    name="robusta",
    title="Robusta RPA",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [RobustaDouble(table, clock)],
    account=_account,
    logins=_logins,
    account_keys=("users",),
    record="{spid}",
)
