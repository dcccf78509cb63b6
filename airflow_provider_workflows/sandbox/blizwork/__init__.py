"""BlizWork's double: one organisation, its processes, users and master tables."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_provider_workflows.sandbox.blizwork.double import BlizWorkDouble
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor, first_active


def _account(table: Table) -> Account:
    login = first_active(table["users"])["email"]
    return Account(login=login, password=table["token"], extra={"company_id": table["company"]})


def _logins(table: Table) -> Iterator[Login]:
    for user in table["users"]:
        note = ", ".join(user.get("roles", ())) if user.get("active", True) else "not active"
        yield Login(login=user["email"], password=table["token"], note=note)


VENDOR = Vendor(
    name="blizwork",
    title="BlizWork",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [BlizWorkDouble(table, clock)],
    account=_account,
    logins=_logins,
    account_keys=(
        "users",
        "token",
        "company",
    ),
    record="{workflow_id}/{case_number}",
)
