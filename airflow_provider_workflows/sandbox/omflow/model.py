"""Processes and users: what the double is told, as the rest of it uses it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from airflow_provider_workflows.sandbox.omflow.commits import Commits

Kind = Literal["start", "human", "switch", "set", "sleep", "code", "fork", "collect", "end"]
Verdict = Literal["accept", "reject"]


@dataclass(frozen=True)
class FormField:
    """
    One field of a process's form.

    :param id: ``FORMITM_n``.
    :param type: the vendor's type; ``h_title``, ``h_level``, ``h_status`` and ``h_group`` also fill the row's
        own column of that name.
    :param required: whether open and push must bring it.
    :param regex: that a given value must match.
    :param default: value of a field that an open leaves out; empty if None.
    :param null: whether a field left out is NULL instead, as for two of the vendor's own example.
    :param choices: of a ``checkbox``; the server accepts others, too.
    :param labels: what the row's own column shows for a value, by value.
    """

    id: str
    type: str = "inputbox"
    label: str = ""
    required: bool = False
    regex: str | None = None
    default: str | None = None
    null: bool = False
    choices: tuple[str, ...] | list[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)

    @property
    def column(self) -> str:
        """The column that holds it."""
        return self.id.lower()

    @property
    def left_out(self) -> str | None:
        """The value that an open stores if it leaves the field out."""
        if self.null:
            return None
        return self.default if self.default is not None else "[]" if self.type == "checkbox" else ""


@dataclass(frozen=True)
class Component:
    """
    One component of a flow.

    :param key: its name in the declaration.
    :param uuid: ``FITEM_n``, numbered as declared.
    :param text: its label, the ``stop_chart_text``.
    :param to: where it leads: nowhere is a dead end, only a fork leads to several.
    :param seconds: how long a ``sleep`` or ``code`` takes.
    :param fails: message with which ``code`` fails.
    :param on: field by which a ``switch`` decides.
    :param cases: where a ``switch`` leads, by value.
    :param otherwise: where a ``switch`` leads without a case; none is a failure.
    :param values: what ``set`` writes, by field.
    :param required: fields that a push of this ``human`` must bring; those of the form if None.
    :param main: the component from which a ``collect`` takes the values to go on with, whichever branch comes
        last; the first one declared that leads to it if None.
    :param quick: quick actions of a ``human``: the fields that each presets.
    :param validation: verdict of the validation at a ``start`` or ``human``; none if None.
    """

    key: str
    uuid: str
    text: str
    kind: Kind
    to: tuple[str, ...] = ()
    seconds: float = 0.0
    fails: str | None = None
    on: str = ""
    cases: Mapping[str, str] = field(default_factory=dict)
    otherwise: str | None = None
    values: Mapping[str, str] = field(default_factory=dict)
    required: tuple[str, ...] | None = None
    main: str | None = None
    quick: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    validation: Verdict | None = None


@dataclass
class Process:
    """
    One process, and the switches that can be thrown while it runs.

    :param api_path: its name in URLs.
    :param uuid: 32 hex digits, without dashes.
    :param start_input: names that a given ``start_input`` must hold.
    :param first_no: number of the first order.
    :param first_id: id of the first row.
    :param latency: seconds between accepting a request and doing its work.
    :param commits: how far apart the commits of one step are.
    :param input_mapped: whether the validation at the start has an input mapping; without one the vendor's
        server answers with the number of a phantom order.
    """

    api_path: str
    name: str
    app: str
    uuid: str
    fields: Mapping[str, FormField]
    flow: Mapping[str, Component]
    start_input: tuple[str, ...] = ()
    first_no: int = 1
    first_id: int = 1
    latency: float = 0.0
    commits: Commits = field(default_factory=lambda: Commits(0))
    api: bool = True
    enabled: bool = True
    deployed: bool = True
    input_mapped: bool = True

    @property
    def start(self) -> Component:
        """The component where orders begin."""
        return next(component for component in self.flow.values() if component.kind == "start")

    def incoming(self, key: str) -> list[str]:
        """Return the components that lead to one, in the order of declaration."""
        return [component.key for component in self.flow.values() if key in component.to]


@dataclass(frozen=True)
class User:
    """
    One account.

    :param rights: by process; ``*`` stands for all others.
    """

    name: str
    password: str
    rights: Mapping[str, frozenset[str]]
    active: bool = True

    def may(self, right: str, api_path: str) -> bool:
        """Whether the user has a right on a process."""
        return right in self.rights.get(api_path, self.rights.get("*", frozenset()))
