"""BlizWork's double: one organisation, its processes, users and master tables."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.blizwork.double import BlizWorkDouble
from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table


def build(declaration: Table, clock: Clock) -> list[BlizWorkDouble]:
    """The one server, if it is declared."""
    return [BlizWorkDouble(declaration, clock)] if declaration else []
