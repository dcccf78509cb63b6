"""Airflow connections that lead to the sandbox's vendors, with the accounts that a declaration gives them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow_provider_workflows.sandbox.declaration import (
    DEFAULT_FILE,
    DeclarationError,
    Table,
    load_declaration,
)


@dataclass(frozen=True, kw_only=True)
class SandboxConnection:
    """One Airflow connection to a vendor of the sandbox.

    ``vendor`` is the name by which tasks call it, ``mount`` the sandbox's name for it and its path there, and
    ``record`` what the page of a record is called there, with placeholders as in the field ``ui_url``.
    """

    conn_id: str
    conn_type: str
    vendor: str
    mount: str
    login: str
    password: str
    record: str
    extra: Mapping[str, Any] = field(default_factory=dict)

    def fields(self, sandbox: str) -> dict[str, Any]:
        """The connection in Airflow's JSON form.

        :param sandbox: address of the sandbox.
        """
        return {
            "conn_type": self.conn_type,
            "host": f"{sandbox}/{self.mount}",
            "login": self.login,
            "password": self.password,
            "extra": {**self.extra, "ui_url": f"{sandbox}/records/{self.mount}/{self.record}"},
        }


@dataclass(frozen=True, kw_only=True)
class Account:
    """Who a connection says that it is."""

    login: str
    password: str
    extra: Mapping[str, Any] = field(default_factory=dict)


def _omflow(table: Table) -> Account:
    user = _active(table["users"])
    return Account(login=user["name"], password=user["password"], extra={"language": "en"})


def _robusta(table: Table) -> Account:
    user, zone = table["users"][0], table.get("time_zone", "UTC")
    return Account(login=user["name"], password=user["password"], extra={"time_zone": zone})


def _blizwork(table: Table) -> Account:
    extra = {"company_id": table["company"], "environment": "production"}
    return Account(login=_active(table["users"])["email"], password=table["token"], extra=extra)


def _mybpm(table: Table) -> Account:
    login, password = next(iter(table["users"].items()))
    return Account(login=login, password=str(password), extra={"timezone": table.get("timezone", "GMT+0000")})


def _kiban(table: Table) -> Account:
    return Account(login="", password=table["keys"][0]["key"], extra={"environment": "sandbox"})


@dataclass(frozen=True)
class _Way:
    """How an Airflow reaches one vendor.

    :param table: the vendor's table in a declaration, and its connection type.
    :param record: what its records are called by.
    :param account_keys: the keys of that table that say who may come in.
    """

    table: str
    vendor: str
    mount: str
    record: str
    account_keys: tuple[str, ...]
    account: Callable[[Table], Account]


_WAYS = (
    _Way("omflow", "OMFlow", "omflow-1.2", "{api_path}/{data_no}", ("users",), _omflow),
    _Way("robusta", "Robusta RPA", "robusta", "{spid}", ("users",), _robusta),
    _Way(
        "blizwork",
        "BlizWork",
        "blizwork",
        "{workflow_id}/{case_number}",
        ("users", "token", "company"),
        _blizwork,
    ),
    _Way("mybpm", "MyBPM", "mybpm", "{bo_code}/{boi_id}", ("users",), _mybpm),
    _Way("kiban", "Kiban Workfloo", "kiban", "{execution_id}", ("keys",), _kiban),
)


def with_accounts(declaration: Table) -> Table:
    """A declaration in which every vendor that it has lets somebody in: the shipped accounts, if no other.

    :raises DeclarationError: if a vendor has no accounts, neither there nor in the shipped declaration.
    """
    shipped = load_declaration()
    completed = dict(declaration)
    for way in _WAYS:
        if isinstance(declared := declaration.get(way.table), dict):
            completed[way.table] = {**_accounts(way, declared, shipped.get(way.table, {})), **declared}
    return completed


def _accounts(way: _Way, declared: Table, shipped: Table) -> Table:
    wanted = [key for key in way.account_keys if key not in declared]
    if missing := [key for key in wanted if key not in shipped]:
        raise DeclarationError(
            f"{way.table}: no {', '.join(missing)}, and {DEFAULT_FILE.name} has none either"
        )
    return {key: shipped[key] for key in wanted}


def ready_connections(declaration: Table | None = None) -> tuple[SandboxConnection, ...]:
    """One connection a vendor, as the first of its active accounts; none to a vendor that lets nobody in.

    :param declaration: what the sandbox was started with; the shipped one if None.
    """
    return tuple(_connections(with_accounts(load_declaration() if declaration is None else declaration)))


def _connections(declaration: Table) -> Iterator[SandboxConnection]:
    for way in _WAYS:
        table = declaration.get(way.table, {})
        if not all(table.get(key) for key in way.account_keys):
            continue  # not declared, or declared to let nobody in
        account = way.account(table)
        yield SandboxConnection(
            conn_id=f"{way.table}_default",
            conn_type=way.table,
            vendor=way.vendor,
            mount=way.mount,
            record=way.record,
            login=account.login,
            password=account.password,
            extra=account.extra,
        )


def _active(users: list[Table]) -> Table:
    return next((user for user in users if user.get("active", True)), users[0])
