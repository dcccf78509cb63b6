"""What people see of an order in the vendor's pages, and do there."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from airflow_provider_workflows.sandbox.omflow import files
from airflow_provider_workflows.sandbox.omflow.forms import Item, StorageError, apply_items
from airflow_provider_workflows.sandbox.omflow.model import Component, FormField, Process
from airflow_provider_workflows.sandbox.omflow.state import Flow, State, order_id
from airflow_provider_workflows.sandbox.omflow.table import Order, Row
from airflow_provider_workflows.sandbox.records import Records
from airflow_provider_workflows.sandbox.vendor import Action, CommandError, Input, Record, Upload

#: What the server stores for a field without a value.
_EMPTY = (None, "", "[]")
#: Types of fields that a person does not type in on the desk.
_NOT_TYPED = ("form-file", "h_group")
PERSON = "by hand"
_ATTACH = "Add files"


def records_of(vendor: str, state: State) -> Records[tuple[Flow, Order]]:
    """All orders of a server."""
    return Records(
        state.held, lambda held: _record(vendor, *held), lambda held: _record(vendor, *held, brief=True)
    )


def _record(vendor: str, flow: Flow, order: Order, *, brief: bool = False) -> Record:
    standing = [row for row in order.rows if row.is_standing]
    latest = max(order.rows, key=lambda row: (row.is_open, row.id))
    process = flow.process
    return Record(
        vendor=vendor,
        kind="order",
        id=order_id(process, order.data_no),
        state=state_of(order),
        standing=tuple(row.stop_chart_text or "" for row in standing),
        stops=tuple(order.passed),
        fields={name.upper(): value for name, value in latest.form.items() if value not in _EMPTY},
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
        actions=() if brief else tuple(one for row in standing for one in _actions(flow, row)),
        process=process.name,
        title=latest.title or "",
        labels={} if brief else {one.id: one.label for one in process.fields.values() if one.label},
        history=() if brief else tuple(order.history),
    )


def state_of(order: Order) -> str:
    """Return the order's state: failed before waiting before running, as a person would be told."""
    standing = [row for row in order.rows if row.is_standing]
    if any(row.error for row in standing):
        return "failed"
    if standing:
        return "waiting"
    if order.pending or any(row.is_open for row in order.rows):
        return "running"
    return "finished"


def _actions(flow: Flow, row: Row) -> Iterator[Action]:
    component = flow.engine.component_of(row)
    if component.kind != "human":
        return
    place = {"api_path": flow.process.api_path, "data_id": str(row.id)}
    inputs = tuple(_inputs(flow.process, component, row))
    (push, *quick) = _labels(flow.process, component)
    yield Action(push, "push", place, component.text, inputs, "Push")
    for name, said in zip(component.quick, quick, strict=True):
        yield Action(said, "push", {**place, "quick_action": name}, component.text, inputs)
    yield Action(_ATTACH, "attach", place, component.text, (Input("files", "Files", is_file=True),))


def _labels(process: Process, component: Component) -> Iterator[str]:
    yield f"Push “{component.text}”"
    for name, preset in component.quick.items():
        yield ", ".join(f"{_label(process, one)}: {value}" for one, value in preset.items()) or name


def attach(
    state: State, *, api_path: str, data_id: int | str, values: Mapping[str, Sequence[Mapping[str, Any]]]
) -> None:
    """
    Add files to an order as a person would in the vendor's pages.

    :param values: under ``files``, the name, size and SHA-256 of each.
    :raises CommandError: if there is no such row, or no file.
    """
    flow = state.flow(api_path)
    row = _row(flow, data_id)
    if flow is None or row is None:
        raise CommandError(f"there is no row {data_id} at {api_path!r}{_instead(flow)}")
    try:
        uploads = [
            Upload("files", str(one["name"]), int(one["size"]), str(one["sha256"])) for one in values["files"]
        ]
    except (KeyError, TypeError, ValueError):
        raise CommandError("files need name, size and sha256 each") from None
    if not uploads:
        raise CommandError("Nothing was added: no file was chosen.")
    files.attach(state, flow.engine.table.orders[row.data_no], row.id, uploads)


def stops_of(state: State) -> dict[str, tuple[str, ...]]:
    """Where orders wait for a person, and the labels of what can be done there."""
    found: dict[str, tuple[str, ...]] = {}
    for flow in state.flows.values():
        for component in flow.process.flow.values():
            if component.kind == "human":
                found[component.text] = (
                    *found.get(component.text, ()),
                    *_labels(flow.process, component),
                    _ATTACH,
                )
    return found


def _inputs(process: Process, component: Component, row: Row) -> Iterator[Input]:
    ruled = _required(process, component)
    for one in process.fields.values():
        if one.type not in _NOT_TYPED:
            value = _typed(one, row.form[one.column] or "")
            yield Input(one.id, one.label, value, one.id in ruled, dict(one.labels), _hint(one))


def _typed(declared: FormField, value: str) -> str:
    """Return a value as a person types it: a list with commas in between."""
    if declared.type != "checkbox":
        return value
    try:
        return ", ".join(map(str, json.loads(value or "[]")))
    except (ValueError, TypeError):
        return value


def _hint(declared: FormField) -> str:
    if declared.type == "checkbox":
        some = f" of {', '.join(declared.choices)}" if declared.choices else ""
        return f"any{some}, with commas in between"
    return f"matches {declared.regex}" if declared.regex else ""


def _required(process: Process, component: Component) -> tuple[str, ...]:
    form = tuple(one.id for one in process.fields.values() if one.required)
    return form if component.required is None else component.required


def _label(process: Process, name: str) -> str:
    return process.fields[name].label or name


def push(
    state: State,
    *,
    api_path: str,
    data_id: int | str,
    quick_action: str | None = None,
    values: Mapping[str, str | list[str]] | None = None,
) -> None:
    """
    Push an order as a person would in the vendor's pages.

    :param quick_action: the one pressed; its presets skip the rules of the form, as by the API.
    :param values: what was filled in; all else stays as it is, and without any there is no rule to keep.
    :raises CommandError: if it cannot be pushed, or not so.
    """
    flow = state.flow(api_path)
    row = _row(flow, data_id)
    if flow is None or row is None or not row.is_standing:
        raise CommandError(f"nothing stands at {api_path!r} data_id {data_id}{_instead(flow)}")
    component = flow.engine.component_of(row)
    if component.kind != "human":
        raise CommandError(
            f"{api_path!r} data_id {data_id} has failed and does not stand at a human component"
        )
    items = _items(flow.process, component, quick_action, values or {})
    try:
        with flow.engine.table.changing(row):
            apply_items(row, items, flow.process)
    except StorageError as error:
        raise CommandError(str(error)) from None
    flow.engine.push(row, component, PERSON)


def _row(flow: Flow | None, data_id: int | str) -> Row | None:
    try:
        return flow.engine.table.row(int(data_id)) if flow else None
    except ValueError:
        raise CommandError(f"data_id cannot be {data_id!r}: it is a number") from None


def _instead(flow: Flow | None) -> str:
    """Say where something stands, of the first few."""
    if flow is None:
        return ""
    rows = (row.id for order in flow.engine.table.orders.values() for row in order.rows if row.is_standing)
    found = [str(number) for number, _ in zip(rows, range(6), strict=False)]
    more = ", …" if len(found) > 5 else ""
    return (
        f"; something stands at data_id {', '.join(found[:5])}{more}" if found else "; nothing stands there"
    )


def _items(
    process: Process, component: Component, quick_action: str | None, values: Mapping[str, str | list[str]]
) -> list[Item]:
    if quick_action is not None and quick_action not in component.quick:
        known = ", ".join(component.quick) or "none"
        raise CommandError(f"{component.text} has no quick action {quick_action!r}; there are: {known}")
    preset = component.quick[quick_action] if quick_action is not None else {}
    if unknown := [name for name in values if name not in process.fields]:
        raise CommandError(f"no field {', '.join(unknown)}; there are {', '.join(process.fields)}")
    filled = [_item(process.fields[name], value) for name, value in values.items() if name not in preset]
    if values and quick_action is None:
        _check(process, component, filled)
    return filled + [Item(name, process.fields[name].type, value) for name, value in preset.items()]


def _item(declared: FormField, value: str | list[str]) -> Item:
    given = value
    if declared.type == "checkbox" and isinstance(value, str):
        given = [part.strip() for part in value.split(",") if part.strip()]
    return Item(declared.id, declared.type, given)


def _check(process: Process, component: Component, filled: list[Item]) -> None:
    """Apply the form's rules to what was filled in; a field left blank that need not be has none."""
    given = {item.id: item.value for item in filled if item.value}
    ruled = [name for name in _required(process, component) if process.fields[name].type not in _NOT_TYPED]
    wrong = [f"{_label(process, name)} is required" for name in ruled if name not in given]
    for name, value in given.items():
        regex = process.fields[name].regex
        # From the start, but not to the end, as the vendor does.
        if regex and not re.match(regex, str(value)):
            wrong.append(f"{_label(process, name)} must match {regex}")
    if wrong:
        raise CommandError(f"Not pushed: {'; '.join(wrong)}.")
