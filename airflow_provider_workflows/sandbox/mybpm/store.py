"""The instances of business objects."""

from __future__ import annotations

import itertools
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.index import Index
from airflow_provider_workflows.sandbox.mybpm.declared import BusinessObject, Declared, Step, id_of
from airflow_provider_workflows.sandbox.vendor import Event

PERSON = "by hand"
#: Of an instance: one may be updated for ever.
KEPT_EVENTS = 100


@dataclass
class Instance:
    """
    One instance (BOI).

    :param number: in the order of creation.
    :param links: by code of a reference field: ids of the instances linked to, in order; one that was added
        twice is there twice, which is this sandbox's choice, for want of documentation.
    :param readers: who has read it: an instance is touched for them (vendor's pages), and whatever else is
        done to it does not change that, which is a choice.
    :param declared: whether it was there from the beginning.
    :param passed: names of the steps done.
    :param history: what happened to it, as people would be told.
    """

    boi_id: str
    number: int
    bo: BusinessObject
    values: dict[str, str]
    created: float
    modified: float
    state: str = "ALL"
    declared: bool = False
    readers: set[str] = field(default_factory=set)
    links: dict[str, list[str]] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)
    history: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT_EVENTS))

    @property
    def key(self) -> str:
        """What it is called among all that a server holds."""
        return f"{self.bo.code}/{self.boi_id}"

    @property
    def step(self) -> Step | None:
        """The step that is under way or waits for a person; none after the last, and none when removed."""
        done = len(self.passed) >= len(self.bo.process) or self.state == "REMOVED"
        return None if done else self.bo.process[len(self.passed)]


class Store:
    """All instances, by id."""

    def __init__(self, declared: Declared, agenda: Agenda) -> None:
        self.agenda = agenda
        self._numbers = itertools.count(1)
        self._instances: dict[str, Instance] = {}
        #: Those that somebody has created, by their keys.
        self.held: dict[str, Instance] = {}
        #: By the code of an object and of its unique field.
        self._unique: dict[tuple[str, str], Index[Instance]] = {
            (bo.code, item.code): Index(attrgetter("number"))
            for bo in declared.objects.values()
            for item in bo.fields.values()
            if item.unique
        }
        for code, values in declared.instances:
            self.create(declared.objects[code], dict(values), declared=True)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    def create(self, bo: BusinessObject, values: dict[str, str], *, declared: bool = False) -> Instance:
        """Return a new instance, which begins its process unless it was there from the beginning."""
        now = self.agenda.now()
        number = next(self._numbers)
        boi_id = id_of("boi", number)
        made = Instance(boi_id, number, bo, {}, now, now, declared=declared)
        self._instances[boi_id] = made
        self.write(made, values)
        if not declared:
            self.held[made.key] = made
            self._tell(made, "Created")
            self._go_on(made)
        return made

    def find(self, bo_code: str, boi_id: str) -> Instance | None:
        """Return the instance of this id, removed ones included."""
        found = self._instances.get(boi_id)
        return found if found is not None and found.bo.code == bo_code else None

    def by_unique(self, bo_code: str, field_code: str, value: str) -> Instance | None:
        """Return the live instance with a value in a unique field; removed ones free theirs (chosen)."""
        found = self._unique[bo_code, field_code].get(value)
        return next((one for one in found if one.state != "REMOVED"), None)

    def nested(self, parent: Instance, field_code: str) -> list[Instance]:
        """Return what a reference field links to, in order."""
        return [self._instances[boi_id] for boi_id in parent.links.get(field_code, ())]

    def write(self, one: Instance, values: Mapping[str, str]) -> None:
        """Change values."""
        for code, value in values.items():
            index = self._unique.get((one.bo.code, code))
            if index is not None:
                if code in one.values:
                    index.remove(one.values[code], one)
                index.add(value, one)
        one.values |= values
        one.modified = self.agenda.now()

    def _tell(self, one: Instance, what: str, by: str = "") -> None:
        one.history.append(Event(self.agenda.now(), what, by))

    def set_state(self, one: Instance, state: str) -> None:
        """Bring an instance to a state; what is restored goes on with its process."""
        self._tell(one, f"State set to {state}", PERSON)
        was_removed, one.state = one.state == "REMOVED", state
        if was_removed:
            self._go_on(one)

    def choose(self, one: Instance, label: str) -> None:
        """
        Do the step that waits for a person.

        :raises KeyError: if it has no such choice.
        """
        assert one.step is not None
        self._finish(one, one.step, one.step.choices[label], f"{one.step.name}: {label}", PERSON)

    def update(self, one: Instance, values: Mapping[str, str], by: str = "") -> None:
        """Change values; a step that waits for a person is done too if they say what a person would have."""
        self.write(one, values)
        self._tell(one, f"Changed {', '.join(values)}", by)
        if one.step is not None and one.step.choices:
            self._go_on(one)

    def _go_on(self, one: Instance) -> None:
        step = one.step
        if step is None:
            return
        if not step.choices:
            self.agenda.after(step.after, lambda: self._due(one, step))
            return
        chosen = [choice for choice in step.choices.values() if choice.items() <= one.values.items()]
        if chosen:
            self._finish(one, step, chosen[0])

    def _due(self, one: Instance, step: Step) -> None:
        if one.step is step:
            self._finish(one, step, step.values)

    def _finish(
        self, one: Instance, step: Step, values: Mapping[str, str], what: str = "", by: str = ""
    ) -> None:
        one.passed.append(step.name)
        self._tell(one, what or f"Done: {step.name}", by)
        self.write(one, values)
        one.state = step.state or one.state
        self._go_on(one)
