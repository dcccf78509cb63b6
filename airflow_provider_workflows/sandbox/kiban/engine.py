"""Moves executions from node to node on the sandbox clock."""

from __future__ import annotations

import itertools
import secrets
from bisect import bisect_left, bisect_right
from collections.abc import Callable
from operator import attrgetter
from typing import Any

from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.index import Index
from airflow_provider_workflows.sandbox.journal import Journal
from airflow_provider_workflows.sandbox.kiban.declared import Node, Workfloo
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit
from airflow_provider_workflows.sandbox.vendor import Event


class Engine:
    """
    Runs all executions of the vendor.

    :param work: seconds between two nodes.
    :param lag: seconds for which the status still shows an answered step.
    """

    def __init__(self, agenda: Agenda, journal: Journal, *, work: float, lag: float) -> None:
        self.executions: dict[str, Execution] = {}
        self._in_order: list[Execution] = []
        #: By name of a searchable value, by the value without regard to case.
        self._searchable: dict[str, Index[Execution]] = {}
        self._agenda = agenda
        self._journal = journal
        self._work = work
        self._lag = lag
        self._numbers = itertools.count(1001)

    def start(
        self, workfloo: Workfloo, *, is_sandbox: bool, scenario: str | None, initial: dict[str, Any]
    ) -> Execution:
        """Begin an execution; its first node comes a moment later."""
        now = self._agenda.now()
        execution = Execution(
            id=secrets.token_hex(12),
            number=next(self._numbers),
            workfloo=workfloo,
            is_sandbox=is_sandbox,
            scenario=scenario,
            created=now,
            modified=now,
            initial=initial,
        )
        self.executions[execution.id] = execution
        self._in_order.append(execution)
        self._journal.effect("started")
        self._tell(execution, "Started")
        self._agenda.after(workfloo.lives, lambda: self.abandon(execution, by_hand=False))
        self._later(execution, self._work, lambda: self._enter(execution, workfloo.nodes[0]))
        return execution

    def answered(self, execution: Execution) -> None:
        """Go on from the current node, which somebody has answered."""
        self._journal.effect("answered")
        self._tell_answer(execution)
        self._index(execution)
        execution.stage = "lagging"
        self._touch(execution)
        self._later(execution, self._lag, lambda: self._leave_answered(execution))

    def returned(self, execution: Execution) -> None:
        """Show the current node in its new state, after somebody has answered."""
        self._journal.effect("answered")
        self._tell_answer(execution)
        self._index(execution)
        self._touch(execution)

    def created(self, begin: float, end: float) -> list[Execution]:
        """Return the executions that were created in a time, oldest first."""
        first = bisect_left(self._in_order, begin, key=lambda one: one.created)
        last = bisect_right(self._in_order, end, key=lambda one: one.created)
        return self._in_order[first:last]

    def answering(self, name: str, beginning: str) -> list[Execution]:
        """Return the executions that have, or had before a correction, a searchable value that begins so."""
        index = self._searchable.get(name)
        return index.beginning(beginning.casefold()) if index else []

    def _index(self, execution: Execution) -> None:
        for name, value in execution.searchable():
            index = self._searchable.setdefault(name, Index(attrgetter("number")))
            index.add(value.casefold(), execution)

    def code_sent(self, visit: Visit) -> None:
        """Count a code, which the vendor bills."""
        visit.sent += 1
        self._journal.effect("codes_sent")

    def render(self, visit: Visit) -> float:
        """Return for how many seconds a file is still being made; asked for again, it is not begun anew."""
        now = self._agenda.now()
        visit.asked_for = now if visit.asked_for is None else visit.asked_for
        return visit.asked_for + visit.node.renders - now

    def abandon(self, execution: Execution, *, by_hand: bool) -> None:
        """Give an execution up: it expired, or somebody cancelled it in the console."""
        if execution.is_alive:
            execution.cancelled_at = self._agenda.now() if by_hand else None
            self._end(execution, "ABANDONED")

    def fail(self, execution: Execution) -> None:
        """End an execution with ERROR."""
        self._end(execution, "ERROR")

    def _enter(self, execution: Execution, node: Node) -> None:
        visit = Visit(node, begun=self._agenda.now())
        execution.visits.append(visit)
        self._tell(execution, f"Reached {node.name}")
        execution.stage = "standing" if node.waits else "working"
        self._touch(execution)
        match node.kind:
            case "FORM" | "DOCUMENT":
                self._use_initial(execution, visit)
            case "NIP":
                visit.phase = "CREATE_ACCOUNT"
            case "OTP":
                visit.phase = "VALIDATE"
                self.code_sent(visit)
            case "VALIDATION":
                visit.state = "REVIEW"
            case "TIMER" | "WORK":
                self._later(execution, node.seconds, lambda: self._finish(execution))
            case "FAIL":
                self.fail(execution)

    def _use_initial(self, execution: Execution, visit: Visit) -> None:
        """Answer with what the start brought; the first node of the kind gets it (chosen)."""
        given = execution.initial.pop(visit.node.kind.lower(), None)
        if given is not None:
            setattr(visit, "form" if visit.node.kind == "FORM" else "documents", given)
            self.answered(execution)

    def _leave_answered(self, execution: Execution) -> None:
        execution.stage = "working"
        self._later(execution, self._work, lambda: self._finish(execution))

    def _finish(self, execution: Execution) -> None:
        visit = execution.visits[-1]
        visit.ended = self._agenda.now()
        execution.labels += [label for label in visit.node.labels if label not in execution.labels]
        following = self._following(execution, visit)
        if following is None:
            self._end(execution, "SUCCESS")
        else:
            self._enter(execution, following)

    def _following(self, execution: Execution, visit: Visit) -> Node | None:
        nodes, node = execution.workfloo.nodes, visit.node
        if visit.failed:
            return next(one for one in nodes if one.name == node.on_error)
        stays = sum(one.node is node for one in execution.visits)
        if node.back_to is not None and stays <= node.times:
            return next(one for one in nodes if one.name == node.back_to)
        ahead = nodes[nodes.index(node) + 1 :]
        return ahead[0] if ahead else None

    def _end(self, execution: Execution, status: str) -> None:
        execution.status = status
        self._tell(execution, f"Ended with {status}")
        execution.stage = "working"
        execution.moves += 1
        self._touch(execution)

    def _tell_answer(self, execution: Execution) -> None:
        visit = execution.visits[-1]
        decision = (visit.review or {}).get("decision") if visit.node.kind == "VALIDATION" else None
        self._tell(execution, f"{visit.node.name}: {str(decision or 'answered').lower()}")

    def _tell(self, execution: Execution, what: str) -> None:
        execution.history.append(Event(self._agenda.now(), what))

    def _touch(self, execution: Execution) -> None:
        execution.modified = self._agenda.now()

    def _later(self, execution: Execution, seconds: float, action: Callable[[], None]) -> None:
        """Plan a move, which comes to nothing if another one comes before it."""
        execution.moves += 1
        planned = execution.moves

        def act() -> None:
            if execution.is_alive and execution.moves == planned:
                action()

        self._agenda.after(seconds, act)
