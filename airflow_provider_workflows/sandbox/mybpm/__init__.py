"""MyBPM's double: business objects whose instances live on by themselves, as a process would have it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.mybpm.double import MyBPMDouble
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor


def _account(table: Table) -> Account:
    login, password = next(iter(table["users"].items()))
    return Account(login=login, password=str(password), extra={"timezone": table.get("timezone", "GMT+0000")})


def _logins(table: Table) -> Iterator[Login]:
    for login, password in table["users"].items():
        yield Login(login=login, password=str(password))


VENDOR = Vendor(
    name="mybpm",
    title="MyBPM",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [MyBPMDouble(table, clock)],
    account=_account,
    logins=_logins,
    process="Business object",
    account_keys=("users",),
    other_account_keys=("api_tokens",),
    record="{bo_code}/{boi_id}",
)
