"""A double of Kiban Workfloo, mounted at ``/kiban``.

Rules marked "vendor documentation" and "vendor's SDK" come from there. What neither tells is marked
"chosen": the double has to do something, but nobody may take it for a fact.
"""

from __future__ import annotations

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.kiban.double import KibanDouble


def build(declaration: Table, clock: Clock) -> list[KibanDouble]:
    """The one Kiban; production and sandbox are told apart by the query."""
    return [KibanDouble(declaration, clock)]
