"""Starting an execution once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Hashable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from airflow_provider_workflows.core.submission.effect import LookupResult, Start, Unknown, Words
from airflow_provider_workflows.exceptions import Conflict, InvalidInput
from airflow_provider_workflows.kiban.api.values import VENDOR, identifier
from airflow_provider_workflows.kiban.conditions import ExecutionSucceeded
from airflow_provider_workflows.kiban.effects import search

if TYPE_CHECKING:
    from airflow_provider_workflows.core.protocol.operation import Operation
    from airflow_provider_workflows.core.submission.record import Record
    from airflow_provider_workflows.kiban.api.operations import KibanApi

#: Seconds before the request from which on the search includes executions, because clocks may differ, as by a
#: step of one hour.
#: Assumption: Kiban's clock is behind this machine's by less than that. Wrong if an execution's ``createdAt``
#: is earlier than the request that started it by more.
CLOCK_MARGIN = 3900.0


class WorkflooStart(Start["KibanApi"]):
    """
    One start of a workfloo.

    Kiban has no idempotency key. After a lost answer, the look-up searches its history from
    :data:`CLOCK_MARGIN` seconds before the request on.

    Assumption: without a filter by status, the history lists every execution that the API key may see, at the
    latest ``settle`` seconds after its start, and ``from`` filters by the start. Wrong if the status call
    knows an execution of that time which the history does not list.

    :param body: of the call, as :func:`~airflow_provider_workflows.kiban.api.operations.start_body` returns
        it
    :param run_key_field: id of the form field that gets the mark; None for none
    :param result_fields: of the condition of its end
    :param begun: Unix time before which this task cannot have sent anything; for Airflow before 3.3, where no
        record says when it did. None if unknown
    :raises InvalidInput: the field is not an id, or the form already has a value for it
    """

    repeatable = False

    def __init__(
        self,
        body: Mapping[str, Any],
        *,
        run_key_field: str | None = None,
        result_fields: Sequence[str] = (),
        begun: float | None = None,
    ) -> None:
        self.payload = dict(body)
        workfloo = body["idWorkflooDefinition"]
        self.subject = f"an execution of workfloo {workfloo}"
        self._form: Mapping[str, Any] = body.get("form", {})
        self._field = None if run_key_field is None else self._free_field(run_key_field)
        self._result_fields = result_fields
        self._begun = begun
        self.words = Words(
            vendor="Kiban",
            verb="start",
            participle="started",
            noun=self.subject,
            look_in="Kiban's history",
            look_for=f"{self.subject}, started",
            mark_in="" if self._field is None else f"the form field {self._field!r}",
        )
        if self._field is not None:
            self.mark_place = (
                f"an execution of workfloo {workfloo} in Kiban's history, by its form field {self._field!r}"
            )

    @property
    def carries_mark(self) -> bool:
        """Whether there is a ``run_key_field``."""
        return self._field is not None

    def submit(self, api: KibanApi, record: Record, *, again: bool) -> Operation[str]:
        """Start the execution and return its id."""
        body = self.payload
        if self._field is not None:
            body = {**body, "form": {**self._form, self._field: record.mark}}
        return (yield from api.start_checked(body))

    def look_up(self, api: KibanApi, record: Record) -> Operation[LookupResult]:
        """Search the history for the mark or, without one, for any execution at all."""
        return (yield from self.look_up_many(api, [record]))[record.mark]

    @property
    def group(self) -> Hashable | None:
        """Executions with marks in one field; without marks, one reading of the history tells of all, too."""
        return (type(self), self._field)

    def look_up_many(self, api: KibanApi, records: Sequence[Record]) -> Operation[Mapping[str, LookupResult]]:
        """Search the history once for all, from the first of the requests on."""
        dated = [record for record in records if record.intended_at or self._begun]
        results: dict[str, LookupResult] = {
            record.mark: Unknown("the record does not say since when to search Kiban's history")
            for record in records
        }
        if not dated:
            return results
        begun = min(record.intended_at or self._begun or 0.0 for record in dated)
        since = dt.datetime.fromtimestamp(begun - CLOCK_MARGIN, tz=dt.UTC)
        marks = [record.mark for record in dated]
        if self._field is None:
            found = dict.fromkeys(marks, (yield from search.in_period(api, since=since)))
        else:
            found = yield from search.by_marks(api, since=since, field=self._field, marks=marks)
        for mark, result in found.items():
            results[mark] = self._forbidding(result) if isinstance(result, search.Several) else result
        return results

    def check_id(self, api: KibanApi, id: Any) -> Operation[str]:
        """Return the id of an execution that a person wrote."""
        yield from ()
        return identifier(id, "The id in the record")

    def end(self, id: str) -> ExecutionSucceeded:
        """Return the condition of its success."""
        return ExecutionSucceeded(
            execution_id=id, result_fields=self._result_fields, workfloo=self.payload["idWorkflooDefinition"]
        )

    def _forbidding(self, several: search.Several) -> LookupResult:
        """Forbid another start, even with ``on_lost_answer="resubmit"``."""
        error = Conflict(
            f"Airflow starts no other execution: {several.why}", vendor=VENDOR, operation="start workfloo"
        )
        return Unknown(several.why, forbids=error)

    def _free_field(self, name: Any) -> str:
        field = identifier(name, "run_key_field")
        if field in self._form:
            raise InvalidInput(
                f"form must not have the run_key_field {field!r}: the operator fills it. Nothing was sent"
            )
        return field
