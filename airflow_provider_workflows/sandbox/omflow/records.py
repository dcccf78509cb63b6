"""Orders as a person or a test looks at them."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.omflow.engine import Engine
from airflow_provider_workflows.sandbox.omflow.state import Flow, State
from airflow_provider_workflows.sandbox.omflow.table import Order, Row
from airflow_provider_workflows.sandbox.vendor import Action, Record


def records_of(vendor: str, state: State) -> list[Record]:
    """All orders of a server, process by process."""
    return [
        _record(vendor, flow, order)
        for flow in state.flows.values()
        for order in flow.engine.table.orders.values()
    ]


def _record(vendor: str, flow: Flow, order: Order) -> Record:
    standing = [row for row in order.rows if row.is_standing]
    latest = max(order.rows, key=lambda row: (row.is_open, row.id))
    api_path = flow.process.api_path
    return Record(
        vendor=vendor,
        kind="order",
        id=f"{api_path}/{order.data_no}",
        state=state_of(order),
        standing=tuple(row.stop_chart_text or "" for row in standing),
        stops=tuple(order.passed),
        fields={name.upper(): value for name, value in latest.form.items() if value is not None},
        files=tuple(
            {
                "name": file.upload.name,
                "field": file.upload.field,
                "size": file.upload.size,
                "sha256": file.upload.sha256,
            }
            for file in order.files
        ),
        error=next((row.error_message for row in standing if row.error), None),
        actions=tuple(_action(api_path, row) for row in standing if _pushable(flow.engine, row)),
    )


def state_of(order: Order) -> str:
    """The order's state: failed before waiting before running, as a person would be told."""
    standing = [row for row in order.rows if row.is_standing]
    if any(row.error for row in standing):
        return "failed"
    if standing:
        return "waiting"
    if order.pending or any(row.is_open for row in order.rows):
        return "running"
    return "finished"


def _pushable(engine: Engine, row: Row) -> bool:
    return engine.component_of(row).kind == "human"


def _action(api_path: str, row: Row) -> Action:
    arguments = {"api_path": api_path, "data_id": str(row.id)}
    return Action(f"Push “{row.stop_chart_text}”", "push", arguments)
