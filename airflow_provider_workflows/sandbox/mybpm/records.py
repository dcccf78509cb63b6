"""Instances as a person or a test looks at them."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.mybpm.store import Instance, Store
from airflow_provider_workflows.sandbox.vendor import Action, Record


def records_of(vendor: str, store: Store) -> list[Record]:
    """All instances but those that were there from the beginning."""
    return [_record(vendor, store, one) for one in store if not one.declared]


def _record(vendor: str, store: Store, one: Instance) -> Record:
    step = one.step
    linked = {code: ", ".join(_title(nested) for nested in store.nested(one, code)) for code in one.links}
    shown = {code: one.bo.fields[code].options.get(value, value) for code, value in one.values.items()}
    return Record(
        vendor=vendor,
        kind="BOI",
        id=f"{one.bo.code}/{one.boi_id}",
        state="finished" if step is None else "waiting" if step.choices else "running",
        standing=() if step is None or not step.choices else (step.name,),
        stops=tuple(one.passed),
        fields={**shown, **linked, "state": one.state},
        actions=_actions(one),
    )


def _title(one: Instance) -> str:
    """An instance in a word: its first value."""
    return next(iter(one.values.values()), one.boi_id)


def _actions(one: Instance) -> tuple[Action, ...]:
    named = {"bo_code": one.bo.code, "boi_id": one.boi_id}
    choices = one.step.choices if one.step is not None else {}
    chosen = [Action(label, "choose", {**named, "choice": label}) for label in choices]
    moves = {
        "ALL": (("Archive", "ARCHIVED"), ("Remove", "REMOVED")),
        "ARCHIVED": (("Restore", "ALL"),),
        "REMOVED": (("Restore", "ALL"),),
    }
    moved = [
        Action(label, "set_state", {**named, "state": state}) for label, state in moves.get(one.state, ())
    ]
    return (*chosen, *moved)
