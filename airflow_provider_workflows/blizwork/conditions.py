"""What can be waited for in BlizWork."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.condition import Condition, Done, Pending
from airflow_provider_workflows.blizwork.api import VENDOR, BlizWorkApi
from airflow_provider_workflows.blizwork.case import Case
from airflow_provider_workflows.protocol.errors import RunFailed
from airflow_provider_workflows.protocol.operation import Operation


@dataclass(frozen=True, kw_only=True)
class _OfCase(Condition):
    """
    A condition on one case.

    :param end_forms: next activities that are ends
    :param closed_where: values of the case document's keys that mean closed; see
        :meth:`~airflow_provider_workflows.blizwork.case.Case.is_closed`
    """

    workflow_id: str
    case_number: int
    end_forms: Sequence[str] = ()
    closed_where: Mapping[str, Any] | None = None

    hook_class: ClassVar[str] = "airflow_provider_workflows.blizwork.hook.BlizWorkHook"

    @property
    def remote_id(self) -> str:
        """The process and the case's number."""
        return f"{self.workflow_id}/{self.case_number}"

    def _is_closed(self, case: Case) -> bool:
        return case.is_closed(end_forms=self.end_forms, closed_where=self.closed_where)


@dataclass(frozen=True, kw_only=True)
class ActivityPending(_OfCase):
    """
    An activity waits to be run.

    :param form_id: this one; None for any
    :param after_history: in a process with loops, the length of the history right before the activity was run
        last: only what came after that run counts
    """

    form_id: str | None = None
    after_history: int | None = None

    def __str__(self) -> str:
        activity = f"activity {self.form_id!r}" if self.form_id is not None else "an activity"
        return f"{activity} of BlizWork case {self.remote_id} pending"

    def check(self, api: BlizWorkApi) -> Operation[Pending | Done]:
        """
        Look which activity is pending.

        :raises RunFailed: the case is closed, or the activity was run and another one is pending
        """
        case = yield from api.load_case(self.workflow_id, self.case_number)
        if self._is_closed(case):
            raise self._over("is closed", case)
        moved = self.after_history is None or len(case.history) > self.after_history
        if moved and case.pending is not None and self.form_id in (None, case.pending):
            return Done(case.pending)
        if moved and self._runs(case):
            raise self._over(f"now waits for {case.pending!r}", case)
        return Pending(f"{case.pending!r} is pending" if case.pending else "nothing is pending")

    def _runs(self, case: Case) -> int:
        """Return how often the activity was run; the entry at ``after_history`` is the run before."""
        since = 0 if self.after_history is None else self.after_history + 1
        return len(case.ran(self.form_id, since=since)) if self.form_id is not None else 0

    def _over(self, what: str, case: Case) -> RunFailed:
        how = ""
        if self._runs(case):
            how = f", and {self.form_id!r} was run; for its next time around a loop, set after_history"
        return RunFailed(
            f"BlizWork case {self.remote_id} {what}{how}", vendor=VENDOR, operation="wait for activity"
        )


@dataclass(frozen=True, kw_only=True)
class CaseClosed(_OfCase):
    """
    The case has ended.

    BlizWork gives a case no outcome; read it from a field or from the last activity.

    :param fields: ids of fields whose values belong to the result
    """

    fields: Sequence[str] = ()

    def __str__(self) -> str:
        return f"end of BlizWork case {self.remote_id}"

    def check(self, api: BlizWorkApi) -> Operation[Pending | Done]:
        """Look whether it has ended."""
        case = yield from api.load_case(self.workflow_id, self.case_number)
        if not self._is_closed(case):
            return Pending(f"{case.pending!r} is pending" if case.pending else "nothing is pending")
        return Done(
            {
                "case_number": self.case_number,
                "last_form_id": case.history[-1].form_id if case.history else None,
                "fields": {name: case.fields.get(name) for name in self.fields},
            }
        )
