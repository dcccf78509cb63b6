"""One execution while it runs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_workflows.sandbox.kiban.declared import Node, Workfloo
from airflow_provider_workflows.sandbox.vendor import Event

#: ``lagging``: answered, but the status still shows the step; ``working``: the engine is at it.
Stage = Literal["standing", "lagging", "working"]


@dataclass
class Visit:
    """
    One stay at a node.

    :param phase: of a NIP or OTP.
    :param state: of a VALIDATION.
    :param form: answered values, by field.
    :param documents: answered documents, by id: Base64, or objects of a "set".
    :param wrong: how many wrong codes were given.
    :param sent: how many codes were sent.
    :param send_error: why the code could not be delivered.
    :param review: the reviewer's last decision.
    :param failed: whether it is left by its error branch.
    :param options: candidates that a validator named, by field.
    :param checks: ids of what validators have checked, by the values.
    :param asked_for: when its file was first asked for; it is being made from then on (chosen).
    """

    node: Node
    begun: float
    ended: float | None = None
    phase: str = ""
    state: str = ""
    form: Mapping[str, Any] | None = None
    documents: dict[str, Any] | None = None
    wrong: int = 0
    sent: int = 0
    send_error: Mapping[str, Any] | None = None
    review: Mapping[str, Any] | None = None
    failed: bool = False
    options: dict[str, list[str]] = field(default_factory=dict)
    checks: dict[str, str] = field(default_factory=dict)
    asked_for: float | None = None


@dataclass
class Execution:
    """
    One execution.

    :param number: the legacy ``idUnykoo``.
    :param is_sandbox: whether it belongs to the sandbox; production does not know it.
    :param initial: answers given at the start and not used up, by ``form`` and ``document``.
    :param status: the vendor's word.
    :param visits: stays at nodes, the current one last; empty before the first.
    :param stage: at the current node.
    :param moves: raised with each move, so that planned work for an earlier one comes to nothing.
    :param shown_type: node type that the status shows in place of the real one; for what is not known yet.
    :param history: what happened to it, as people would be told.
    """

    id: str
    number: int
    workfloo: Workfloo
    is_sandbox: bool
    scenario: str | None
    created: float
    initial: dict[str, Any] = field(default_factory=dict)
    status: str = "PROGRESS"
    modified: float = 0.0
    visits: list[Visit] = field(default_factory=list)
    stage: Stage = "working"
    moves: int = 0
    labels: list[str] = field(default_factory=list)
    cancelled_at: float | None = None
    callback_url: str | None = None
    shown_type: str | None = None
    history: list[Event] = field(default_factory=list)

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.status not in ("SUCCESS", "ERROR", "ABANDONED")

    @property
    def visit(self) -> Visit | None:
        """The current stay."""
        return self.visits[-1] if self.visits else None

    def searchable(self) -> Iterator[tuple[str, str]]:
        """Yield the answered values that a history can be searched by, each with the name for that."""
        for visit in self.visits:
            for one in visit.node.fields:
                if one.searchable_by and visit.form and one.id in visit.form:
                    yield one.searchable_by, str(visit.form[one.id])

    @property
    def standing(self) -> Visit | None:
        """The stay that waits for somebody."""
        return self.visit if self.is_alive and self.stage == "standing" else None

    @property
    def shown(self) -> Visit | None:
        """The stay that the status shows as waiting, which it still does right after an answer."""
        return self.visit if self.is_alive and self.stage != "working" else None
