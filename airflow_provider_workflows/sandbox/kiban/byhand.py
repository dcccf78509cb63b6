"""What people do at the vendor: answer steps, decide, cancel."""

from __future__ import annotations

import base64
from collections.abc import Collection, Mapping
from typing import Any

from airflow_provider_workflows.sandbox.kiban import answering
from airflow_provider_workflows.sandbox.kiban.engine import Engine
from airflow_provider_workflows.sandbox.kiban.execution import Execution, Visit
from airflow_provider_workflows.sandbox.kiban.refusal import Refusal
from airflow_provider_workflows.sandbox.kiban.seen import NOTE
from airflow_provider_workflows.sandbox.records import named_newest
from airflow_provider_workflows.sandbox.vendor import Command, CommandError

Body = Mapping[str, Any]


class Desk:
    """The people in front of the vendor's console and forms."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @property
    def commands(self) -> Mapping[str, Command]:
        """By name."""
        return {
            "answer": self.answer,
            "reject": self.reject,
            "cancel": self.cancel,
            "pretend": self.pretend,
        }

    def _held(self, execution_id: str) -> Execution:
        execution = self._engine.executions.get(execution_id)
        if execution is None:
            raise CommandError(f"no execution {execution_id!r}; {named_newest(self._engine.executions)}")
        return execution

    def answer(self, *, execution_id: str, values: Body | None = None) -> None:
        """Do what a person would at the current step; ``values`` in place of the examples."""
        execution = self._held(execution_id)
        visit = execution.standing
        if visit is None or visit.node.kind == "TIMER":
            raise CommandError(f"execution {execution_id} waits for nobody: it is {execution.status}")
        try:
            match visit.node.kind:
                case "FORM":
                    example = {one.id: one.example for one in visit.node.fields}
                    answering.answer_form(self._engine, execution, example if values is None else values)
                case "DOCUMENT":
                    documents = {one.id: _example(bool(one.set)) for one in visit.node.documents}
                    given = documents if values is None else values
                    answering.answer_document(self._engine, execution, given)
                case "VALIDATION" if visit.state == "CORRECTION":
                    wanted = (visit.review or {}).get("reviews", [])
                    corrected = {one["fieldId"]: "corrected" for one in wanted}
                    answering.correct(self._engine, execution, corrected if values is None else values)
                case "VALIDATION":
                    answering.review(self._engine, execution, {"decision": answering.APPROVED})
                case _:
                    self._engine.answered(execution)
        except Refusal as refusal:
            raise CommandError(f"refused with {refusal.status}: {refusal.body}; {_wanted(visit)}") from None

    def reject(self, *, execution_id: str, fields: Collection[str] = (), values: Body | None = None) -> None:
        """
        Ask for the correction of some fields; of the first one answered if none are named.

        ``values`` may hold the ``reviewerNote``.
        """
        execution = self._held(execution_id)
        names = fields or [name for visit in execution.visits for name in visit.form or {}][:1]
        reviews = [{"fieldId": name, "message": "please correct"} for name in names]
        note = str((values or {}).get("reviewerNote", NOTE.value))
        try:
            decision = {"decision": answering.REJECTED, "reviewerNote": note, "reviews": reviews}
            answering.review(self._engine, execution, decision)
        except Refusal:
            standing = execution.standing
            where = f"it waits at {standing.node.name}" if standing else f"it is {execution.status}"
            raise CommandError(f"execution {execution_id} waits for no review: {where}") from None

    def cancel(self, *, execution_id: str) -> None:
        """Cancel in the console, for which there is no call."""
        self._engine.abandon(self._held(execution_id), by_hand=True)

    def pretend(self, *, execution_id: str, status: str = "PROGRESS", node_type: str | None = None) -> None:
        """Let the status tell words that no source names: the API keeps growing."""
        execution = self._held(execution_id)
        execution.status = status
        execution.shown_type = node_type


def _wanted(visit: Visit) -> str:
    """Say what a node can be answered with."""
    fields = [f"{one.id} (required)" if one.required else one.id for one in visit.node.fields]
    names = fields or [one.id for one in visit.node.documents]
    return f"{visit.node.name} takes {', '.join(names) or 'nothing'}"


def _example(is_set: bool) -> Any:
    content = base64.b64encode(b"%PDF-1.4 example").decode()
    return [{"file": content}] if is_set else content
