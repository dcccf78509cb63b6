"""BlizWork's double: one organisation, its processes, users and master tables."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.sandbox.blizwork.double import BlizWorkDouble
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.vendor import Account, Vendor, first_active


def _account(table: Table) -> Account:
    login = first_active(table["users"])["email"]
    return Account(login=login, password=table["token"], extra={"company_id": table["company"]})


VENDOR = Vendor(
    name="blizwork",
    title="BlizWork",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [BlizWorkDouble(table, clock)],
    account=_account,
    account_keys=(
        "users",
        "token",
        "company",
    ),
    record="{workflow_id}/{case_number}",
)
