"""OMFlow's double, in the two versions that a client meets."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.clock import Clock
from airflow_provider_workflows.sandbox.declaration import Table
from airflow_provider_workflows.sandbox.omflow.dialect import V1_1, V1_2
from airflow_provider_workflows.sandbox.omflow.double import OMFlowDouble


def build(declaration: Table, clock: Clock) -> list[OMFlowDouble]:
    """The servers of both versions, each with orders of its own."""
    return [OMFlowDouble(dialect, declaration, clock) for dialect in (V1_2, V1_1)]
