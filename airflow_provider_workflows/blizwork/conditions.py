"""Conditions on BlizWork cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from airflow_provider_workflows.blizwork.api.case import Case
from airflow_provider_workflows.blizwork.api.operations import VENDOR, BlizWorkApi
from airflow_provider_workflows.blizwork.api.values import case_number as number
from airflow_provider_workflows.blizwork.api.values import closing, identifier, names, optional_identifier
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import Condition, Done, Pending
from airflow_provider_workflows.exceptions import InvalidInput, RunFailed


@dataclass(frozen=True, kw_only=True)
class _CaseCondition(Condition):
    """
    A condition on one case.

    :param end_forms: next activities that mean that the case has ended
    :param closed_where: values of the case document's keys that mean closed; see
        :meth:`~airflow_provider_workflows.blizwork.api.case.Case.is_closed`
    """

    workflow_id: str
    case_number: int
    end_forms: Sequence[str] = ()
    closed_where: Mapping[str, Any] | None = None

    hook_class: ClassVar[str] = "airflow_provider_workflows.blizwork.hooks.BlizWorkHook"

    @property
    def remote_id(self) -> str:
        """The process and the case's number."""
        return f"{self.workflow_id}/{self.case_number}"

    def _is_closed(self, case: Case) -> bool:
        return case.is_closed(end_forms=self.end_forms, closed_where=self.closed_where)


@dataclass(frozen=True, kw_only=True)
class ActivityPending(_CaseCondition):
    """
    An activity is pending.

    :param form_id: id of the activity; None for any activity
    :param after_history: in a process with loops, the length of the history right before the last run of the
        activity; only what comes after that run counts
    :param first_form_id: the process's first activity, which is pending while the history is empty
    """

    form_id: str | None = None
    after_history: int | None = None
    first_form_id: str | None = None

    @classmethod
    def read(cls, *, form_id: Any, after_history: Any, first_form_id: Any = None, **case: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        return cls(
            **_read_case(**case),
            form_id=optional_identifier(form_id, "form_id"),
            after_history=None if after_history is None else number(after_history, "after_history"),
            first_form_id=optional_identifier(first_form_id, "first_form_id"),
        )

    def __str__(self) -> str:
        activity = f"activity {self.form_id!r}" if self.form_id is not None else "an activity"
        return f"{activity} of BlizWork case {self.remote_id} pending"

    def check(self, api: BlizWorkApi) -> Operation[Pending | Done]:
        """
        Check which activity is pending.

        :raises RunFailed: the case is closed, or the activity was run and another one is pending
        :raises InvalidInput: no activity was run yet, and nobody has said which one is the first
        """
        case = yield from api.load_case(self.workflow_id, self.case_number)
        if self._is_closed(case):
            raise self._over("is closed", case)
        moved = self.after_history is None or len(case.history) > self.after_history
        if moved and case.is_fresh and self.first_form_id is None:
            raise self._unnamed()
        pending = case.pending_first(self.first_form_id)
        if moved and pending is not None and self.form_id in (None, pending):
            return Done(pending)
        if moved and self._runs(case):
            raise self._over(f"now waits for {pending!r}", case)
        return Pending(case.status)

    def _runs(self, case: Case) -> int:
        """Return how often the activity was run; the entry at ``after_history`` is the previous run."""
        since = 0 if self.after_history is None else self.after_history + 1
        return len(case.ran(self.form_id, since=since)) if self.form_id is not None else 0

    def _unnamed(self) -> InvalidInput:
        # To wait would be to wait for ever if the first activity is the one that is meant.
        return InvalidInput(
            f"BlizWork case {self.remote_id} has an empty history, which does not name the pending activity\n"
            "No activity was run yet, so the workflow's first one is pending\n"
            "Set first_form_id to the form id of the workflow's first activity",
            vendor=VENDOR,
            operation="wait for activity",
        )

    def _over(self, what: str, case: Case) -> RunFailed:
        how = ""
        if self._runs(case):
            how = f", and {self.form_id!r} was run. To wait for its next run in a loop, set after_history"
        return RunFailed(
            f"BlizWork case {self.remote_id} {what}{how}", vendor=VENDOR, operation="wait for activity"
        )


@dataclass(frozen=True, kw_only=True)
class CaseClosed(_CaseCondition):
    """
    The case is closed.

    A BlizWork case has no outcome of its own; a field or the last activity shows it.

    :param fields: ids of the fields whose values are added to the result
    """

    fields: Sequence[str] = ()

    @classmethod
    def read(cls, *, fields: Any, **case: Any) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        return cls(**_read_case(**case), fields=names(fields, "fields"))

    def __str__(self) -> str:
        return f"the end of BlizWork case {self.remote_id}"

    def check(self, api: BlizWorkApi) -> Operation[Pending | Done]:
        """Check whether the case is closed."""
        case = yield from api.load_case(self.workflow_id, self.case_number)
        if not self._is_closed(case):
            return Pending(case.status)
        return Done(
            {
                "case_number": self.case_number,
                "last_form_id": case.last_run,
                "fields": {name: case.fields.get(name) for name in self.fields},
            }
        )


def _read_case(*, workflow_id: str, case_number: Any, end_forms: Any, closed_where: Any) -> dict[str, Any]:
    """Return the arguments that all conditions on a case share."""
    return {
        "workflow_id": identifier(workflow_id, "workflow_id"),
        "case_number": number(case_number),
        **closing(end_forms, closed_where),
    }
