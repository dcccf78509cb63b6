"""The executions as the vendor's own staff would see them."""

from __future__ import annotations

from collections.abc import Iterator

from airflow_provider_workflows.sandbox.kiban.execution import Execution
from airflow_provider_workflows.sandbox.vendor import Action, Record

_STATES = {"SUCCESS": "finished", "ERROR": "failed", "ABANDONED": "failed"}
#: What a person does on the start page to a node of each kind.
_LABELS = {
    "FORM": "Answer “{}”",
    "DOCUMENT": "Upload for “{}”",
    "NIP": "Enter the NIP of “{}”",
    "OTP": "Enter the code of “{}”",
    "WIDGET": "Finish the widget of “{}”",
    "VALIDATION": "Approve “{}”",
}


def record_of(vendor: str, execution: Execution) -> Record:
    """One execution."""
    standing = execution.standing
    form = {name: str(value) for visit in execution.visits for name, value in (visit.form or {}).items()}
    state = _STATES.get(execution.status, "waiting" if standing else "running")
    return Record(
        vendor=vendor,
        kind="execution",
        id=execution.id,
        state=state,
        standing=(standing.node.name,) if standing else (),
        stops=tuple(visit.node.name for visit in execution.visits if visit.ended is not None),
        fields={
            "workfloo": execution.workfloo.name,
            "environment": "sandbox" if execution.is_sandbox else "production",
            **form,
            **({"labels": ", ".join(execution.labels)} if execution.labels else {}),
        },
        error=execution.status if state == "failed" else None,
        actions=tuple(_actions(execution)),
    )


def _actions(execution: Execution) -> Iterator[Action]:
    arguments = {"execution_id": execution.id}
    visit = execution.standing
    if visit is not None and visit.node.kind in _LABELS:
        name = visit.node.name
        if visit.state == "CORRECTION":
            yield Action(f"Correct “{name}”", "answer", arguments)
        else:
            yield Action(_LABELS[visit.node.kind].format(name), "answer", arguments)
        if visit.state == "REVIEW":
            yield Action(f"Reject “{name}”", "reject", arguments)
    if execution.is_alive:
        yield Action("Cancel", "cancel", arguments)
