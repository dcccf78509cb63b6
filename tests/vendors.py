"""The vendors, as each declares itself for the tests that all share; see :mod:`tests.declaration`."""

from __future__ import annotations

from importlib import import_module

from airflow_provider_workflows.core.connection.form import ConnectionForm
from airflow_provider_workflows.provider import FORMS
from airflow_provider_workflows.sandbox.connections import SandboxConnection
from dev.vendors import CONNECTIONS
from tests.declaration import VendorTests


def _declared(form: ConnectionForm) -> VendorTests:
    declared: VendorTests = import_module(f"tests.{form.conn_type}.declared").DECLARED
    return declared


#: By connection type, in the order of ``provider.FORMS``.
VENDORS: dict[str, VendorTests] = {form.conn_type: _declared(form) for form in FORMS}


def connection_of(vendor: str) -> SandboxConnection:
    """The sandbox's connection to a vendor, by connection type."""
    (found,) = (one for one in CONNECTIONS if one.conn_type == vendor)
    return found
