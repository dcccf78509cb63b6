"""Airflow connections that lead to the sandbox's vendors, with the accounts that a declaration gives them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from airflow_provider_workflows.sandbox import registry
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.vendor import Account, Login, Vendor


@dataclass(frozen=True, kw_only=True)
class SandboxConnection:
    """
    One Airflow connection to a vendor of the sandbox.

    ``vendor`` is the name by which tasks call it, ``mount`` the sandbox's name for it and its path there, and
    ``record`` what the page of a record is called there, with placeholders as in the field ``ui_url``.
    ``others`` lead to the vendor's other servers, such as one of an older version, and ``logins`` are all who
    may be tried in place of its own.
    """

    conn_id: str
    conn_type: str
    vendor: str
    mount: str
    login: str
    password: str
    record: str
    extra: Mapping[str, Any] = field(default_factory=dict)
    others: tuple[SandboxConnection, ...] = ()
    logins: tuple[Login, ...] = ()

    def fields(self, sandbox: str) -> dict[str, Any]:
        """
        Return the connection in Airflow's JSON form.

        :param sandbox: address of the sandbox.
        """
        return {
            "conn_type": self.conn_type,
            "host": f"{sandbox}/{self.mount}",
            "login": self.login,
            "password": self.password,
            "extra": {**self.extra, "ui_url": f"{sandbox}/records/{self.mount}/{self.record}"},
        }


def ready_connections(declaration: Table | None = None) -> tuple[SandboxConnection, ...]:
    """
    One connection a vendor, as the first of its active accounts; none to a vendor that lets nobody in.

    :param declaration: what the sandbox was started with; what the vendors bring with them if None.
    """
    declared = registry.load_declaration() if declaration is None else declaration
    return tuple(_connections(registry.with_accounts(declared)))


def _connections(declaration: Table) -> Iterator[SandboxConnection]:
    for name, vendor in registry.vendors().items():
        table = declaration.get(name)
        # Some vendors are not declared, or declared to let nobody in.
        if table is not None and all(table.get(key) for key in vendor.account_keys):
            first, *others = _connections_to(vendor, vendor.account(table), tuple(vendor.logins(table)))
            yield replace(first, others=tuple(others))


def _connections_to(
    vendor: Vendor, account: Account, logins: tuple[Login, ...]
) -> Iterator[SandboxConnection]:
    for mount, extra in (vendor.mounts or {vendor.name: {}}).items():
        yield SandboxConnection(
            conn_id=f"{vendor.name}_default",
            conn_type=vendor.name,
            vendor=vendor.title,
            mount=mount,
            record=vendor.record,
            login=account.login,
            password=account.password,
            extra={**account.extra, **extra},
            logins=logins,
        )
