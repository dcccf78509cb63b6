"""Starting an execution once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.base.decision import CannotKnow, Trace
from airflow_provider_workflows.base.effect import SendableStart
from airflow_provider_workflows.kiban import search
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.steps import mapping
from airflow_provider_workflows.kiban.values import VENDOR, identifier
from airflow_provider_workflows.protocol.errors import Conflict, InvalidInput

if TYPE_CHECKING:
    from airflow_provider_workflows.base.record import Record
    from airflow_provider_workflows.kiban.api import KibanApi
    from airflow_provider_workflows.kiban.hook import KibanHook
    from airflow_provider_workflows.protocol.operation import Operation

#: Seconds by which Kiban's clock may be behind this machine's: an assumption. What was begun so long before
#: the start is looked at, too.
CLOCK_MARGIN = 300.0


class WorkflooStart(SendableStart):
    """
    One start of a workfloo.

    Kiban has no key for a start, so that after a lost answer its history is looked through, from
    :data:`CLOCK_MARGIN` before the sending on. That it lists all executions that the API key may see, of
    whatever status, and filters them by their beginning, is an assumption.

    :param arguments: of the hook's ``start``
    :param run_key_field: id of the form field that gets the mark; None for none
    :param result_fields: of the condition of its end
    :param begun: Unix time before which this task can have sent nothing; for Airflow before 3.3, which keeps
        no record of when it did. None if that is not known
    :raises InvalidInput: the field is no id, or the form has it already
    """

    hook: KibanHook

    def __init__(
        self,
        hook: KibanHook,
        arguments: Mapping[str, Any],
        *,
        run_key_field: str | None = None,
        result_fields: Sequence[str] = (),
        begun: float | None = None,
    ) -> None:
        super().__init__(hook)
        self.payload = dict(arguments)
        workfloo = arguments["workfloo_id"]
        self.subject = f"an execution of workfloo {workfloo}"
        self.hint = f"an execution of workfloo {workfloo} in Kiban's history"
        self._field = None if run_key_field is None else self._free_field(run_key_field)
        self._result_fields = result_fields
        self._begun = begun
        #: What a look-up saw that forbids another start, whatever the user wants of doubts.
        self._several: search.Several | None = None
        if self._field is not None:
            self.carries_mark = True
            self.hint += f", by its form field {self._field!r}"

    def sending(self, api: KibanApi, record: Record) -> Operation[str]:
        """
        Start it, and return its id.

        :raises Conflict: there is more than one already
        """
        if self._several is not None:
            raise Conflict(
                f"{self.subject}: {self._several.why}; no other is started",
                vendor=VENDOR,
                operation="start workfloo",
            )
        arguments = self.payload
        if self._field is not None:
            arguments = {**arguments, "form": {**self._form, self._field: record.mark}}
        return (yield from api.start(**arguments))

    def searching(self, api: KibanApi, record: Record) -> Operation[Trace]:
        """Look through the history: by the mark, or, without one, for anything at all."""
        begun = record.intended_at or self._begun
        if not begun:
            return CannotKnow("it is not known since when Kiban's history is to be looked through")
        since = dt.datetime.fromtimestamp(begun - CLOCK_MARGIN, tz=dt.UTC)
        if (field := self._field) is None:
            return (yield from search.in_period(api, since=since))
        trace = yield from search.by_mark(api, since=since, field=field, mark=record.mark)
        if isinstance(trace, search.Several):
            self._several = trace
        return trace

    def adopt(self, id: Any) -> str:
        """Return an execution's id that a person has written down."""
        return identifier(id, "The id of the execution in the state store")

    def end(self, id: str) -> ExecutionSucceeded:
        """Return the condition of its success."""
        return ExecutionSucceeded(execution_id=id, result_fields=self._result_fields)

    @property
    def _form(self) -> dict[str, Any]:
        form = self.payload.get("form")
        return {} if form is None else mapping(form, "form")

    def _free_field(self, name: Any) -> str:
        field = identifier(name, "run_key_field")
        if field in self._form:
            raise InvalidInput(
                f"run_key_field: form has a value for {field!r} already, and the task's own mark has to go "
                "there; nothing was sent"
            )
        return field
