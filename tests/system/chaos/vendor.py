"""
What a vendor declares for the matrix, in ``tests/<vendor>/chaos.py``: how it is used, what is known of it.

Every task of the matrix reads this, so neither it nor what is declared imports a vendor's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from tests.system.chaos.tally import Effect, bare

#: Whether a submission whose answer is lost can be found again: ``always``, ``never``, or ``alone``: only if
#: nothing else was submitted meanwhile.
Found = Literal["always", "never", "alone"]
Mode = Literal["sync", "deferrable", "no-wait"]
WAITING: tuple[Mode, ...] = ("sync", "deferrable", "no-wait")
MOVING: tuple[Mode, ...] = ("no-wait",)
#: Of a submission, in templates: a move's values tell which it is of.
TAG = "{{ dag_run.conf['tag'] }}.{{ ti.map_index }}"
#: A command of the sandbox, and its arguments.
Act = tuple[str, Mapping[str, Any]]


def target(tag: str, index: int) -> str:
    """Of a move: what it moves, as the run's conf has it."""
    return f"{{{{ dag_run.conf['targets'][{index}] }}}}"


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """
    How a variant is written in a DAG.

    :param path: of its class, below the package
    :param conn: name of the argument for the connection id
    :param fixed: arguments that are the same for all
    :param each: name of the argument that differs
    :param value: that argument, given a tag and an index
    :param patient: arguments with which what is started waits until a person ends it
    :param failing: arguments with which it ends badly; None if the vendor knows no bad end
    """

    path: str
    conn: str
    each: str
    value: Callable[[str, int], Any]
    fixed: Mapping[str, Any] = field(default_factory=dict)
    patient: Mapping[str, Any] = field(default_factory=dict)
    failing: Mapping[str, Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Table:
    """
    How a variant is written for many records in one task.

    A record has the columns ``key``, ``tag``, ``target``, which is what a move moves, and those of ``row``.

    :param path: of the operator's class, below the package
    :param bad: columns of a record that the vendor refuses; or the operator, if the vendor refuses nothing
    :param fixed: arguments of the operator
    :param fields: the vendor's field -> column, as the operator takes it
    :param columns: the operator's argument of a record -> column
    :param row: columns that are the same for all records
    """

    path: str
    bad: Mapping[str, Any]
    fixed: Mapping[str, Any]
    fields: Mapping[str, Any] | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    row: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Variant:
    """
    One operator and how it is used.

    :param name: in DAG ids
    :param title: in the table
    :param mount: of the vendor's double
    :param endpoint: of the request that must be sent once
    :param found: whether the vendor can be asked what became of it
    :param how: how it is written in a DAG; None for a sensor
    :param tag_field: field of the sandbox's record that holds the submission's tag; None if it takes none
    :param step: of a move: label of the stop that each of its effects passes
    :param make: of a move: makes something at the vendor that it can move, and returns its id
    :param modes: in which it waits for an end
    :param repeats: the vendor makes one of two equal requests, so that a second one is no second effect
    :param table: how it is written for many records in one task; None if there is no such operator
    :param shows_author: of a move: the vendor shows who made it, so that a move by hand is known as another's
    :param watches: the task submits nothing: it is a sensor on what the cell has made, see
        :mod:`tests.system.chaos.lifecycle.sensor_targets`
    """

    name: str
    title: str
    mount: str
    endpoint: str
    found: Found
    how: Submitter | None = None
    tag_field: str | None = None
    step: tuple[str, ...] = ()
    make: Callable[[str], str] | None = None
    modes: tuple[Mode, ...] = WAITING
    repeats: bool = False
    table: Table | None = None
    shows_author: bool = False
    watches: bool = False

    @property
    def waits_in(self) -> tuple[Mode, ...]:
        """The modes in which it waits; or that in which it does not, if there is no other."""
        return tuple(mode for mode in self.modes if mode != "no-wait") or self.modes

    @property
    def waits(self) -> bool:
        """Whether it can wait at all."""
        return self.modes != MOVING

    @property
    def renews(self) -> bool:
        """Whether a task that is cleared after success has another effect."""
        return not self.repeats and not self.watches

    @property
    def is_tagged(self) -> bool:
        """Whether each request tells which submission it is of."""
        return self.tag_field is not None or bool(self.step)

    def dag_id(self, mode: Mode) -> str:
        return f"{self.name}_{mode.replace('-', '_')}"

    def effects(self, records: Iterable[Mapping[str, Any]], targets: Mapping[str, str]) -> list[Effect]:
        """
        What was done at the vendor, an item for each time that it was.

        :param records: what the sandbox holds
        :param targets: of moves: bare id of what is moved -> tag of the submission that is to move it
        """
        if self.step:
            return [
                Effect(targets.get(bare(record["id"])), bare(record["id"]))
                for record in records
                for stop in record["stops"]
                if stop in self.step
            ]
        return [Effect(self._tag(record["fields"]), bare(record["id"])) for record in records]

    def _tag(self, fields: Mapping[str, str]) -> str | None:
        return None if self.tag_field is None else fields.get(self.tag_field)


@dataclass(frozen=True, kw_only=True)
class Watcher:
    """
    A sensor on something that the cell has made.

    :param title: in the table
    :param path: of its class, below the package
    :param conn: name of the argument for the connection id
    :param each: name of the argument that holds the remote id
    :param fixed: arguments that are the same for all
    :param make: makes what it watches, given a connection id and a tag, and returns its id
    """

    title: str
    path: str
    conn: str
    each: str
    make: Callable[[str, str], str]
    fixed: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class VendorChaos:
    """
    A vendor in the matrix. Its processes are in ``chaos.toml`` beside the declaration.

    :param starts: ways to start something; the first is the one for the cells of many and of waits
    :param watcher: its sensor
    :param moves: ways to move something on
    :param login: endpoint of the request that logs in, and the seconds after which a login expires; None for
        vendors to which the credentials go along each time
    :param bad_ends: commands by which a person at the vendor brings a run to no good end, or to none
    :param finish: what a person does to end a run well, if it is none of the record's actions
    :param plan: for a vendor that sells plans: the field of the connection that names one, and its requests a
        second
    """

    starts: tuple[Variant, ...]
    watcher: Watcher
    moves: tuple[Variant, ...] = ()
    login: tuple[str, float] | None = None
    bad_ends: frozenset[str] = frozenset()
    finish: Callable[[Mapping[str, Any]], Act] | None = None
    plan: tuple[Mapping[str, str], float] | None = None

    @property
    def first(self) -> Variant:
        """Where one way to start something is enough."""
        return self.starts[0]

    @property
    def mount(self) -> str:
        """Of the vendor's double."""
        return self.first.mount

    def act(self, record: Mapping[str, Any]) -> Act | None:
        """
        What a person can do now so that a run comes to a good end; None if there is nothing.

        :param record: the run, as the sandbox has it
        """
        if self.finish is not None:
            return self.finish(record)
        actions = (one for one in record["actions"] if one["command"] not in self.bad_ends)
        found = next(actions, None)
        return None if found is None else (found["command"], found["arguments"])
