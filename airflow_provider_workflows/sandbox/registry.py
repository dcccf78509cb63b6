"""Which vendors the sandbox plays: the package's own, one entry each, and those of other distributions."""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from airflow_provider_workflows.sandbox import blizwork, kiban, mybpm, omflow, robusta
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, check_table, read_file
from airflow_provider_workflows.sandbox.vendor import Double, Vendor

VENDORS: tuple[Vendor, ...] = (
    omflow.VENDOR,
    mybpm.VENDOR,
    blizwork.VENDOR,
    robusta.VENDOR,
    kiban.VENDOR,
)
#: Group of the entry points with which other distributions bring vendors: each leads to a :class:`Vendor`.
ENTRY_POINTS = "airflow_provider_workflows.sandbox"
#: A file; what such a file holds; or None for what the vendors bring with them.
Source = Path | str | Mapping[str, Any] | None


def vendors() -> dict[str, Vendor]:
    """
    All vendors by name.

    :raises DeclarationError: if another distribution's vendor cannot be loaded, or two have one name.
    """
    found: dict[str, Vendor] = {}
    for vendor in (*VENDORS, *_brought(tuple(sys.path))):
        if found.setdefault(vendor.name, vendor) is not vendor:
            raise DeclarationError(f"two vendors of the sandbox are called {vendor.name!r}")
    return found


@cache
def _brought(path: tuple[str, ...]) -> tuple[Vendor, ...]:
    """Return the vendors of other distributions, which are looked for once for each search path."""
    return tuple(_loaded(one) for one in entry_points(group=ENTRY_POINTS))


def _loaded(entry: EntryPoint) -> Vendor:
    place = f"the sandbox's vendor {entry.name} = {entry.value}"
    if entry.dist is not None:
        place += f" of the distribution {entry.dist.name}"
    try:
        vendor = entry.load()
    except Exception as error:
        raise DeclarationError(f"{place} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(vendor, Vendor):
        raise DeclarationError(f"{place} is no Vendor but {type(vendor).__name__}")
    return vendor


def load_declaration(source: Source = None) -> Table:
    """
    Read a declaration; each vendor checks its own table.

    :param source: the file, or what it would hold, or None for what the vendors bring with them.
    :raises DeclarationError: if it cannot be read or is not TOML.
    """
    if isinstance(source, Mapping):
        return copy.deepcopy(dict(source))
    if source is not None:
        return read_file(Path(source))
    return {name: _own_table(vendor) for name, vendor in vendors().items()}


def with_accounts(declaration: Table) -> Table:
    """
    Return a declaration in which every vendor that it has lets somebody in: its own accounts, if no other.

    :raises DeclarationError: if a vendor has no accounts, neither there nor in what it brings with it.
    """
    completed = dict(declaration)
    for name, vendor in vendors().items():
        if isinstance(declared := declaration.get(name), dict):
            completed[name] = {**_accounts(vendor, declared), **declared}
    return completed


def _accounts(vendor: Vendor, declared: Table) -> Table:
    keys = (*vendor.account_keys, *vendor.other_account_keys)
    wanted = [key for key in keys if key not in declared]
    own = _own_table(vendor) if wanted else {}
    if missing := [key for key in wanted if key not in own]:
        raise DeclarationError(
            f"{vendor.name}: no {', '.join(missing)}, and {vendor.processes} has none either"
        )
    return {key: own[key] for key in wanted}


def _own_table(vendor: Vendor) -> Table:
    """Return what a vendor brings with it."""
    declared = read_file(vendor.processes)
    check_table(declared, {vendor.name: dict}, place=str(vendor.processes))
    table: Table = declared.get(vendor.name, {})
    return table


def _vendor_of(mount: str) -> Vendor | None:
    fitting = [one for name, one in vendors().items() if mount == name or mount.startswith(f"{name}-")]
    return max(fitting, key=lambda one: len(one.name), default=None)


def title_of(mount: str) -> str:
    """Return what people call a server: the vendor, and what tells the mount from others of the vendor."""
    if (vendor := _vendor_of(mount)) is None:
        return mount
    return f"{vendor.title} {mount.removeprefix(vendor.name).removeprefix('-')}".rstrip()


def process_of(mount: str) -> str:
    """Return what a server's people call that of which a record is one."""
    return vendor.process if (vendor := _vendor_of(mount)) is not None else Vendor.process


def build(declaration: Table, clock: Clock) -> dict[str, Double]:
    """
    Build the servers of the vendors that are declared, by name of their mount.

    :raises DeclarationError: if a vendor cannot use its table.
    """
    known = vendors()
    check_table(declaration, dict.fromkeys(known, dict), place="declaration")
    doubles: dict[str, Double] = {}
    declared = [vendor for name, vendor in known.items() if name in declaration]
    for vendor in declared:
        for double in vendor.build(declaration[vendor.name], clock):
            if doubles.setdefault(double.name, double) is not double:
                raise DeclarationError(f"{vendor.name}: another vendor is mounted at {double.name!r}, too")
    return doubles
