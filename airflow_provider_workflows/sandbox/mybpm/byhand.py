"""What people see of an instance in the vendor's pages, and do there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from airflow_provider_workflows.sandbox.mybpm.declared import STATES, BusinessObject
from airflow_provider_workflows.sandbox.mybpm.refusal import Refusal
from airflow_provider_workflows.sandbox.mybpm.store import PERSON, Instance, Store
from airflow_provider_workflows.sandbox.mybpm.values import accept
from airflow_provider_workflows.sandbox.records import Records, named_newest
from airflow_provider_workflows.sandbox.vendor import Action, Command, CommandError, Input, Record

#: What a person does to an instance in each state, and the state that it gets.
_SAVE = "Save"
_MOVES = {
    "ALL": (("Archive", "ARCHIVED"), ("Remove", "REMOVED")),
    "ARCHIVED": (("Restore", "ALL"),),
    "REMOVED": (("Restore", "ALL"),),
}


def records_of(vendor: str, store: Store) -> Records[Instance]:
    """All instances but those that were there from the beginning."""
    return Records(
        store.held,
        lambda one: _record(vendor, store, one),
        lambda one: _record(vendor, store, one, brief=True),
    )


def _record(vendor: str, store: Store, one: Instance, *, brief: bool = False) -> Record:
    step = one.step
    linked = {code: ", ".join(_title(nested) for nested in store.nested(one, code)) for code in one.links}
    shown = {code: one.bo.fields[code].options.get(value, value) for code, value in one.values.items()}
    return Record(
        vendor=vendor,
        kind="BOI",
        id=one.key,
        state="finished" if step is None else "waiting" if step.choices else "running",
        standing=() if step is None or not step.choices else (step.name,),
        stops=tuple(one.passed),
        fields={**shown, **linked, "state": one.state},
        actions=() if brief else tuple(_actions(one)),
        process=one.bo.name,
        title=_title(one),
        labels={}
        if brief
        else {item.code: item.label for item in one.bo.fields.values()} | {"state": "State"},
        history=() if brief else tuple(one.history),
    )


def _title(one: Instance) -> str:
    """Return an instance in a word: its first value."""
    return next(iter(one.values.values()), one.boi_id)


def _actions(one: Instance) -> Iterator[Action]:
    named = {"bo_code": one.bo.code, "boi_id": one.boi_id}
    if one.step is not None:
        for label in one.step.choices:
            yield Action(label, "choose", {**named, "choice": label}, one.step.name)
    for label, state in _MOVES.get(one.state, ()):
        yield Action(label, "set_state", {**named, "state": state}, tone="bad" if state == "REMOVED" else "")
    if inputs := tuple(_inputs(one)):
        yield Action(_SAVE, "set_fields", named, "", inputs)


def stops_of(objects: Iterable[BusinessObject]) -> dict[str, tuple[str, ...]]:
    """Where instances wait for a person, and the labels of what can be done there."""
    moves = {label: None for moves in _MOVES.values() for label, _ in moves}
    found: dict[str, tuple[str, ...]] = {"": (*moves, _SAVE)}
    for step in (step for bo in objects for step in bo.process if step.choices):
        found[step.name] = (*found.get(step.name, ()), *step.choices)
    return found


def _inputs(one: Instance) -> Iterator[Input]:
    hints = {"INPUT_NUMBER": "a number", "FULL_DATE": "such as 2026-01-31T00:00:00.000Z"}
    for item in one.bo.fields.values():
        if item.type != "REFERENCE" and one.state != "REMOVED":
            hint = hints.get(item.type, "unique" if item.unique else "")
            yield Input(
                item.code, item.label, one.values.get(item.code, ""), choices=dict(item.options), hint=hint
            )


class Desk:
    """The people in front of the vendor's pages."""

    def __init__(self, store: Store) -> None:
        self._store = store

    @property
    def commands(self) -> Mapping[str, Command]:
        """By name."""
        return {
            "choose": self.choose,
            "set_field": self.set_field,
            "set_fields": self.set_fields,
            "set_state": self.set_state,
        }

    def _held(self, bo_code: str, boi_id: str) -> Instance:
        one = self._store.find(bo_code, boi_id)
        if one is None:
            raise CommandError(f"there is no {bo_code} {boi_id}; {named_newest(self._store.held)}")
        return one

    def choose(self, *, bo_code: str, boi_id: str, choice: str) -> None:
        """Make a choice of the step that waits for a person."""
        one = self._held(bo_code, boi_id)
        choices = one.step.choices if one.step is not None else {}
        if choice not in choices:
            there = f"there are {', '.join(choices)}" if choices else "it waits for nobody"
            raise CommandError(f"{bo_code} {boi_id} does not wait for {choice!r}; {there}")
        self._store.choose(one, choice)

    def set_field(self, *, bo_code: str, boi_id: str, field: str, value: str) -> None:
        """Write a value."""
        self._write(self._held(bo_code, boi_id), {field: value})

    def set_fields(self, *, bo_code: str, boi_id: str, values: Mapping[str, str] | None = None) -> None:
        """Write the values that differ from what is there."""
        one = self._held(bo_code, boi_id)
        changed = {code: value for code, value in (values or {}).items() if value != one.values.get(code, "")}
        if changed:
            self._write(one, changed)

    def _write(self, one: Instance, values: Mapping[str, str]) -> None:
        if unknown := [code for code in values if code not in one.bo.fields]:
            known = ", ".join(one.bo.fields)
            raise CommandError(
                f"{one.bo.code} has no field {', '.join(map(repr, unknown))}; there are {known}"
            )
        try:
            self._store.update(
                one, {code: accept(one.bo.fields[code], values[code]) for code in values}, PERSON
            )
        except Refusal as refusal:
            raise CommandError(refusal.message) from None

    def set_state(self, *, bo_code: str, boi_id: str, state: str) -> None:
        """Bring an instance to a state."""
        if state not in STATES:
            raise CommandError(f"there is no state {state!r}; there are {', '.join(STATES)}")
        self._store.set_state(self._held(bo_code, boi_id), state)
