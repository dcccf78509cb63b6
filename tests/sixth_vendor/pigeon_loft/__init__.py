"""The double of Pigeon Post, for the sandbox."""

from __future__ import annotations

from pathlib import Path

from airflow_provider_workflows.sandbox.vendor import Account, Vendor

from .loft import Loft

VENDOR = Vendor(
    name="pigeon",
    title="Pigeon Post",
    processes=Path(__file__).with_name("processes.toml"),
    build=lambda table, clock: [Loft(table, clock)],
    account=lambda table: Account(login="", password=table["ring"]),
    account_keys=("ring",),
    record="{letter}",
)
