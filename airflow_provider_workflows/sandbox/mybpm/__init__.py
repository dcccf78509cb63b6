"""MyBPM's double: business objects whose instances live on by themselves, as a process would have it."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.mybpm.double import MyBPMDouble


def build(declaration: Table, clock: Clock) -> list[MyBPMDouble]:
    """The one server."""
    return [MyBPMDouble(declaration, clock)]
