"""One execution: where it stands and what was done in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from airflow_provider_workflows.sandbox.kiban.model import Node, Workfloo

#: ``lagging``: answered, but the status still shows the step; ``working``: the engine is at it.
Stage = Literal["standing", "lagging", "working"]


@dataclass
class Visit:
    """One stay at a node.

    :param phase: of a NIP or OTP.
    :param state: of a VALIDATION.
    :param form: answered values, by field.
    :param documents: answered documents, by id: Base64, or objects of a "set".
    :param wrong: how many wrong codes were given.
    :param sent: how many codes were sent.
    :param send_error: why the code could not be delivered.
    :param review: the reviewer's last decision.
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


@dataclass
class Execution:
    """One execution.

    :param number: the legacy ``idUnykoo``.
    :param is_sandbox: whether it belongs to the sandbox; production does not know it.
    :param initial: answers given at the start and not used up, by ``form`` and ``document``.
    :param status: the vendor's word.
    :param visits: stays at nodes, the current one last; empty before the first.
    :param stage: at the current node.
    :param moves: raised with each move, so that planned work for an earlier one comes to nothing.
    :param shown_type: node type that the status shows in place of the real one; for what is not known yet.
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

    @property
    def is_alive(self) -> bool:
        """Whether it has not ended."""
        return self.status not in ("SUCCESS", "ERROR", "ABANDONED")

    @property
    def visit(self) -> Visit | None:
        """The current stay."""
        return self.visits[-1] if self.visits else None

    @property
    def standing(self) -> Visit | None:
        """The stay that waits for somebody."""
        return self.visit if self.is_alive and self.stage == "standing" else None

    @property
    def shown(self) -> Visit | None:
        """The stay that the status shows as waiting, which it still does right after an answer."""
        return self.visit if self.is_alive and self.stage != "working" else None
