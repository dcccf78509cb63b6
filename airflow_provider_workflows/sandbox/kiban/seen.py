"""What people see of an execution in the vendor's console, and may do to it there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal

from airflow_provider_workflows.sandbox.kiban.declared import FormField, Workfloo
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit
from airflow_provider_workflows.sandbox.records import Records
from airflow_provider_workflows.sandbox.vendor import Action, Input, Record

_STATES = {"SUCCESS": "finished", "ERROR": "failed", "ABANDONED": "failed"}
#: What a person does on the desk to a node of each kind.
_LABELS = {
    "FORM": ("Answer “{}”", "Answer"),
    "DOCUMENT": ("Upload for “{}”", "Upload example documents"),
    "NIP": ("Enter the NIP of “{}”", "Enter the right NIP"),
    "OTP": ("Enter the code of “{}”", "Enter the right code"),
    "WIDGET": ("Finish the widget of “{}”", "Finish the widget"),
    "VALIDATION": ("Approve “{}”", "Approve"),
}
_LABELS_OF_FIELDS = {"workfloo": "Workfloo", "environment": "Environment", "labels": "Labels"}
NOTE = Input("reviewerNote", "Note to the applicant", "look again")


def records_of(vendor: str, executions: dict[str, Execution]) -> Records[Execution]:
    """All executions."""
    return Records(executions, lambda one: _record(vendor, one), lambda one: _record(vendor, one, brief=True))


def _record(vendor: str, execution: Execution, *, brief: bool = False) -> Record:
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
        files=() if brief else tuple(_files(execution)),
        error=execution.status if state == "failed" else None,
        actions=() if brief else tuple(_actions(execution)),
        process=execution.workfloo.name,
        title=" ".join(list(form.values())[:2]),
        labels={} if brief else _LABELS_OF_FIELDS | _names(execution),
        history=() if brief else tuple(execution.history),
    )


def _names(execution: Execution) -> dict[str, str]:
    return {one.id: one.name for visit in execution.visits for one in visit.node.fields if one.name}


def _files(execution: Execution) -> Iterator[Mapping[str, str | int]]:
    """Yield the documents handed in; their bytes are Base64, four characters for three."""
    for visit in execution.visits:
        names = {one.id: one.name or one.id for one in visit.node.documents}
        for document, content in (visit.documents or {}).items():
            singles = [content] if isinstance(content, str) else _of_set(content)
            for one in singles:
                size = len(one.rstrip("=")) * 3 // 4
                yield {"name": names.get(document, document), "field": document, "size": size}


def _of_set(content: Any) -> list[str]:
    return [text for one in content for text in one.values() if isinstance(text, str)]


def _actions(execution: Execution) -> Iterator[Action]:
    arguments = {"execution_id": execution.id}
    visit = execution.standing
    if visit is not None and visit.node.kind in _LABELS:
        name = visit.node.name
        if visit.state == "CORRECTION":
            inputs = tuple(_corrections(execution, visit))
            yield Action(f"Correct “{name}”", "answer", arguments, name, inputs, "Correct")
        else:
            label, button = _LABELS[visit.node.kind]
            yield Action(
                label.format(name), "answer", arguments, name, tuple(_inputs(visit)), button, _tone(visit)
            )
        if visit.state == "REVIEW":
            yield Action(f"Reject “{name}”", "reject", arguments, name, (NOTE,), "Reject", "bad")
    if execution.is_alive:
        yield Action("Cancel", "cancel", arguments, tone="bad")


def stops_of(workfloos: Iterable[Workfloo]) -> dict[str, tuple[str, ...]]:
    """Where executions wait for a person, and the labels of what can be done there."""
    found: dict[str, tuple[str, ...]] = {"": ("Cancel",)}
    for node in (node for workfloo in workfloos for node in workfloo.nodes if node.kind in _LABELS):
        labels = [_LABELS[node.kind][0].format(node.name)]
        if node.kind == "VALIDATION":
            labels += [f"Correct “{node.name}”", f"Reject “{node.name}”"]
        found[node.name] = (*found.get(node.name, ()), *labels)
    return found


def _tone(visit: Visit) -> Literal["", "good"]:
    return "good" if visit.state == "REVIEW" else ""


def _inputs(visit: Visit) -> Iterator[Input]:
    if visit.node.kind == "FORM":
        for one in visit.node.fields:
            hint = f"matches {one.regex}" if one.regex else "a number" if one.type == "number" else ""
            asked = one.required and not one.show_if
            choices = {value: value for value in visit.options.get(one.id, ())}
            yield Input(one.id, one.name, _text(one), asked, choices, _when(one) or hint)


def _when(one: FormField) -> str:
    """Say when a field is wanted at all."""
    return "; ".join(f"only if {name} is {' or '.join(values)}" for name, values in one.show_if.items())


def _text(one: FormField) -> str:
    value = one.example if one.default is None else one.default
    return "" if value is None else str(value)


def _corrections(execution: Execution, visit: Visit) -> Iterator[Input]:
    names = _names(execution)
    for one in (visit.review or {}).get("reviews", []):
        name = str(one["fieldId"])
        yield Input(name, names.get(name, ""), "corrected", required=True, hint=str(one.get("message", "")))
