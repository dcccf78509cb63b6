"""What a declaration file says of Kiban: keys, and workfloos with their nodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["FORM", "DOCUMENT", "NIP", "OTP", "WIDGET", "VALIDATION", "TIMER", "WORK", "FAIL"]

#: Kinds that the vendor reports as one node type.
LINKS = ("NIP", "OTP", "WIDGET")


@dataclass(frozen=True)
class Validator:
    """
    A service that checks a field before the form is answered, such as one of post codes.

    :param inputs: ids of other fields whose values it needs.
    :param accepts: values that it knows; None for any.
    :param fill: what it fills in, by field.
    :param options: fields of which one of several values must be chosen.
    """

    inputs: tuple[str, ...] = ()
    accepts: tuple[str, ...] | None = None
    fill: Mapping[str, Any] = field(default_factory=dict)
    options: Mapping[str, list[str]] = field(default_factory=dict)


@dataclass(frozen=True)
class FormField:
    """
    One field of a FORM.

    :param type: ``text`` or ``number``.
    :param regex: that a given value must match.
    :param show_if: values of another field for which this one is shown, by its id.
    :param searchable_by: name under which the history can be searched by it.
    :param example: what a person answers on the desk.
    :param validator: that checks it.
    """

    id: str
    name: str = ""
    type: str = "text"
    required: bool = False
    regex: str | None = None
    show_if: Mapping[str, list[str]] = field(default_factory=dict)
    default: Any = None
    searchable_by: str | None = None
    example: Any = "example"
    validator: Validator | None = None


@dataclass(frozen=True)
class FileField:
    """
    One document of a DOCUMENT.

    :param set: ids of the files that each object of a "set" holds; none for a single file.
    :param source_pdf: name of the node that makes the file.
    """

    id: str
    name: str = ""
    required: bool = True
    formats: tuple[str, ...] = ("pdf",)
    set: tuple[str, ...] = ()
    source_pdf: str | None = None


@dataclass(frozen=True)
class Node:
    """
    One node of a workfloo; nodes follow one another.

    :param kind: what it does.
    :param type: what the vendor reports.
    :param seconds: how long a TIMER or WORK takes.
    :param code: the right code of a NIP or OTP.
    :param second_code: what a NIP asks for after the first, if anything.
    :param tries: how many wrong codes are borne.
    :param resends: how many codes an OTP sends again.
    :param on_error: node to which an OTP leads once its tries are used up; None to end with ERROR.
    :param renders: seconds that the file of WORK is being made, from when it is first asked for.
    :param undeliverable: whether a NIP reaches nobody unless a phone number is given.
    :param back_to: node to which WORK leads back, ``times`` times.
    :param variables: that WORK leaves behind.
    :param exit: of WORK's rule set.
    :param decision: of WORK's decision tree.
    :param labels: that WORK puts on the execution.
    """

    id: str
    name: str
    kind: Kind
    type: str
    fields: tuple[FormField, ...] = ()
    documents: tuple[FileField, ...] = ()
    seconds: float = 0.0
    code: str = "123456"
    second_code: str | None = None
    tries: int = 3
    resends: int = 1
    on_error: str | None = None
    renders: float = 0.0
    undeliverable: bool = False
    back_to: str | None = None
    times: int = 1
    variables: Mapping[str, Any] = field(default_factory=dict)
    exit: str | None = None
    decision: bool | None = None
    labels: tuple[str, ...] = ()

    @property
    def waits(self) -> bool:
        """Whether an execution stands still here."""
        return self.kind not in ("WORK", "FAIL")


@dataclass
class Workfloo:
    """
    One definition.

    :param id: 24 hexadecimal digits.
    :param published: with a version; a switch that may be thrown.
    :param scenarios: ids of its test scenarios.
    :param lives: seconds after which an execution that has not ended is ABANDONED; not documented.
    :param legacy_id: whether starts answer ``idUnykoo`` too.
    """

    id: str
    key: str
    name: str
    nodes: tuple[Node, ...]
    scenarios: tuple[str, ...] = ()
    published: bool = True
    lives: float = 30 * 24 * 3600.0
    legacy_id: bool = True

    @property
    def has_connectors(self) -> bool:
        """Whether it has LINK nodes, for which the sandbox wants a scenario (vendor's SDK)."""
        return any(node.kind in LINKS for node in self.nodes)


@dataclass(frozen=True)
class Key:
    """
    One API key.

    :param workfloos: keys of the definitions that it may use; None for all.
    """

    key: str
    workfloos: frozenset[str] | None = None

    def may(self, workfloo: Workfloo) -> bool:
        """Whether it has access to a definition."""
        return self.workfloos is None or workfloo.key in self.workfloos


@dataclass
class Choices:
    """
    Where the vendor's sources differ or say nothing; switches that may be thrown.

    :param content_key: name under which an item of the second history holds its execution with
        ``content=true``; empty if the item is the execution (vendor's SDK).
    :param delay: seconds after its start for which an execution is not listed.
    :param most_items: of a page: 10,000 (vendor's SDK), or 1,000 (error message in the documentation).
    :param always_scenario: whether each start in sandbox mode needs a scenario (vendor documentation), or
        only that of a workfloo with LINK nodes (vendor's SDK).
    """

    content_key: str = ""
    delay: float = 0.0
    most_items: int = 10_000
    always_scenario: bool = False


@dataclass(frozen=True)
class Declared:
    """
    A whole ``[kiban]`` table.

    :param work: seconds that the engine works between two nodes.
    :param lag: seconds for which the status still shows a step that has been answered.
    :param pools: id of a pool -> key of the workfloo that it runs.
    :param choices: how it does what the sources leave open.
    """

    work: float
    lag: float
    keys: Mapping[str, Key]
    workfloos: Mapping[str, Workfloo]
    pools: Mapping[str, str]
    choices: Choices
