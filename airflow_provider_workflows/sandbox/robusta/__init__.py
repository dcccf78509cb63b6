"""The double of Robusta RPA's Orchestrator, as far as its connector API reaches."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.robusta.double import RobustaDouble


def build(declaration: Table, clock: Clock) -> list[RobustaDouble]:
    """The one server."""
    return [RobustaDouble(declaration, clock)]
