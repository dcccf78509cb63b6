"""Which vendors the sandbox plays: one entry a vendor."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from airflow_provider_workflows.sandbox import blizwork, kiban, mybpm, omflow, robusta
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table, check_table
from airflow_provider_workflows.sandbox.vendor import Vendor

# Name of the vendor's table in a declaration file -> what builds its mounts.
BUILDERS: dict[str, Callable[[Table, Clock], Iterable[Vendor]]] = {
    "omflow": omflow.build,
    "blizwork": blizwork.build,
    "robusta": robusta.build,
    "mybpm": mybpm.build,
    "kiban": kiban.build,
}


def build(declaration: Table, clock: Clock) -> dict[str, Vendor]:
    """Build all vendors, by name of their mount.

    :raises DeclarationError: if a vendor cannot use its table.
    """
    check_table(declaration, dict.fromkeys(BUILDERS, dict), place="declaration")
    vendors = [vendor for name, make in BUILDERS.items() for vendor in make(declaration.get(name, {}), clock)]
    return {vendor.name: vendor for vendor in vendors}
