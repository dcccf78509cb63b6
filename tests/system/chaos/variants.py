"""All vendors of the matrix, and all ways to submit something; see :mod:`tests.system.chaos.vendor`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from airflow_provider_workflows.provider import FORMS
from tests.system.chaos.vendor import Variant, VendorChaos


def _declared(conn_type: str) -> VendorChaos:
    declared: VendorChaos = import_module(f"tests.{conn_type}.chaos").CHAOS
    return declared


def _watch(name: str, vendor: VendorChaos) -> Variant:
    """
    The vendor's sensor, for the cells of those that wait.

    Its endpoint is that of the request that makes what it watches, which no sensor may send.
    """
    return Variant(
        name=f"{name}_watch",
        title=vendor.watcher.title,
        mount=vendor.mount,
        endpoint=vendor.first.endpoint,
        found="always",
        tag_field=vendor.first.tag_field,
        modes=("sync", "deferrable"),
        watches=True,
    )


#: By connection type.
VENDORS: dict[str, VendorChaos] = {form.conn_type: _declared(form.conn_type) for form in FORMS}
BY_MOUNT = {vendor.mount: vendor for vendor in VENDORS.values()}

STARTS = tuple(variant for vendor in VENDORS.values() for variant in vendor.starts)
MOVES = tuple(variant for vendor in VENDORS.values() for variant in vendor.moves)
VARIANTS: dict[str, Variant] = {variant.name: variant for variant in (*STARTS, *MOVES)}

#: What operators for many records submit.
TABLES = tuple(variant for variant in VARIANTS.values() if variant.table is not None)

#: Of the vendors whose operators do not wait.
SENSORS = tuple(_watch(name, vendor) for name, vendor in VENDORS.items() if not vendor.first.waits)
#: One way to start something at each vendor, for the cells of many.
MANY = tuple(vendor.first.name for vendor in VENDORS.values())
#: One that waits of each vendor, for the cells in which the way to submit makes no difference.
WAITING = (*(vendor.first for vendor in VENDORS.values() if vendor.first.waits), *SENSORS)


def processes() -> str:
    """What the sandboxes hold at the beginning of a cell: the declarations of all vendors."""
    tests = Path(__file__).parents[2]
    return "\n".join((tests / name / "chaos.toml").read_text() for name in VENDORS)


def vendor_of(variant: Variant) -> str:
    """The connection type of a variant's vendor."""
    return next(name for name, vendor in VENDORS.items() if vendor.mount == variant.mount)
