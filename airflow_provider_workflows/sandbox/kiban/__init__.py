"""
A double of Kiban Workfloo, mounted at ``/kiban``.

Rules marked "vendor documentation" and "vendor's SDK" come from there. What neither tells is marked
"chosen": the double has to do something, but nobody may take it for a fact.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.kiban.double import KibanDouble
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor


def _account(table: Table) -> Account:
    return Account(login="", password=table["keys"][0]["key"], extra={"environment": "sandbox"})


def _logins(table: Table) -> Iterator[Login]:
    for key in table["keys"]:
        workfloos = key.get("workfloos")
        note = "" if workfloos is None else f"workfloos: {', '.join(workfloos) or 'none'}"
        yield Login(password=key["key"], note=note)


VENDOR = Vendor(
    name="kiban",
    title="Kiban Workfloo",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [KibanDouble(table, clock)],
    account=_account,
    logins=_logins,
    process="Workfloo",
    account_keys=("keys",),
    record="{execution_id}",
)
