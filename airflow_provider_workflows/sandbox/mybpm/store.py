"""The instances of one server, and the processes that they go through."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.mybpm.declared import id_of
from airflow_provider_workflows.sandbox.mybpm.model import BusinessObject, Declared, Step


@dataclass
class Instance:
    """One instance (BOI).

    :param links: by code of a reference field: ids of the instances linked to, in order; one that was added
        twice is there twice, which is this sandbox's choice, for want of documentation.
    :param declared: whether it was there from the beginning.
    :param passed: names of the steps done.
    """

    boi_id: str
    bo: BusinessObject
    values: dict[str, str]
    created: float
    modified: float
    state: str = "ALL"
    touched: bool = False
    declared: bool = False
    links: dict[str, list[str]] = field(default_factory=dict)
    passed: list[str] = field(default_factory=list)

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
        for code, values in declared.instances:
            self.create(declared.objects[code], dict(values), declared=True)

    def __iter__(self) -> Iterator[Instance]:
        return iter(self._instances.values())

    def create(self, bo: BusinessObject, values: dict[str, str], *, declared: bool = False) -> Instance:
        """A new instance, which begins its process unless it was there from the beginning."""
        now = self.agenda.now()
        boi_id = id_of("boi", next(self._numbers))
        made = Instance(boi_id, bo, values, now, now, declared=declared)
        self._instances[boi_id] = made
        if not declared:
            self._go_on(made)
        return made

    def find(self, bo_code: str, boi_id: str) -> Instance | None:
        """The instance of this id, removed ones included."""
        found = self._instances.get(boi_id)
        return found if found is not None and found.bo.code == bo_code else None

    def by_unique(self, bo_code: str, field_code: str, value: str) -> Instance | None:
        """The live instance with a value in a unique field; removed ones give their value free (a choice)."""
        for one in self:
            if one.bo.code == bo_code and one.state != "REMOVED" and one.values.get(field_code) == value:
                return one
        return None

    def nested(self, parent: Instance, field_code: str) -> list[Instance]:
        """What a reference field links to, in order."""
        return [self._instances[boi_id] for boi_id in parent.links.get(field_code, ())]

    def write(self, one: Instance, values: Mapping[str, str]) -> None:
        """Change values."""
        one.values |= values
        one.touched = True
        one.modified = self.agenda.now()

    def set_state(self, one: Instance, state: str) -> None:
        """Bring an instance to a state; what is restored goes on with its process."""
        was_removed, one.state = one.state == "REMOVED", state
        if was_removed:
            self._go_on(one)

    def choose(self, one: Instance, label: str) -> None:
        """Do the step that waits for a person.

        :raises KeyError: if it has no such choice.
        """
        assert one.step is not None
        self._finish(one, one.step, one.step.choices[label])

    def update(self, one: Instance, values: Mapping[str, str]) -> None:
        """Change values; a step that waits for a person is done too if they say what a person would have."""
        self.write(one, values)
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

    def _finish(self, one: Instance, step: Step, values: Mapping[str, str]) -> None:
        one.passed.append(step.name)
        self.write(one, values)
        one.state = step.state or one.state
        self._go_on(one)
