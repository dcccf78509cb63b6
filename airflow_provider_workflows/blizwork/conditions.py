"""Conditions on BlizWork cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self, TypedDict

from airflow_provider_workflows.blizwork.api.case import Case, Entry
from airflow_provider_workflows.blizwork.api.operations import VENDOR, BlizWorkApi
from airflow_provider_workflows.blizwork.api.values import case_number as number
from airflow_provider_workflows.blizwork.api.values import closing, identifier, names, optional_identifier
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.waiting.condition import (
    MOST_STEPS,
    Condition,
    Done,
    OnPassed,
    Pending,
    StopCondition,
)
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
    of_run: ClassVar[tuple[str, ...]] = ("case_number", "after_history")

    @property
    def remote_id(self) -> str:
        """The process and the case's number."""
        return f"{self.workflow_id}/{self.case_number}"

    def _is_closed(self, case: Case) -> bool:
        return case.is_closed(end_forms=self.end_forms, closed_where=self.closed_where)


class CaseStep(TypedDict):
    """
    One step of a case's history.

    - ``form_id``: the activity that was run
    - ``next_form_id``: the activity that became pending; None if there is none
    - ``by``: who ran it, as BlizWork names them, such as an e-mail address; None if BlizWork does not say
    - ``at``: when, as BlizWork writes it; None if BlizWork does not say
    """

    form_id: str | None
    next_form_id: str | None
    by: str | None
    at: str | None


class ActivityResult(TypedDict):
    """
    What the wait for an activity returns with ``on_passed="succeed"``.

    - ``passed``: whether the activity was run; False if it is pending
    - ``form_id``: the activity
    - ``next_form_id``: where its last run led, so the action that was chosen; None if it is pending
    - ``by``: who ran it, as in :class:`CaseStep`; None if it is pending
    - ``steps``: the history from its last run on, oldest first, at most 100
    """

    passed: bool
    form_id: str
    next_form_id: str | None
    by: str | None
    steps: list[CaseStep]


@dataclass(frozen=True, kw_only=True)
class ActivityPending(StopCondition, _CaseCondition):
    """
    An activity is pending.

    With ``on_passed="succeed"``, the result is an :class:`ActivityResult`.

    :param form_id: id of the activity; None for any activity
    :param after_history: in a process with loops, the length of the history right before the last run of the
        activity; only what comes after that run counts
    :param first_form_id: the process's first activity, which is pending while the history is empty
    """

    form_id: str | None = None
    after_history: int | None = None
    first_form_id: str | None = None

    @classmethod
    def read(
        cls,
        *,
        form_id: Any,
        after_history: Any,
        first_form_id: Any = None,
        on_passed: OnPassed = "fail",
        **case: Any,
    ) -> Self:
        """
        Return the condition for a sensor's arguments.

        :raises InvalidInput: an argument is invalid
        """
        if on_passed == "succeed" and form_id is None:
            raise InvalidInput("on_passed='succeed' requires form_id")
        return cls(
            **_read_case(**case),
            form_id=optional_identifier(form_id, "form_id"),
            after_history=None if after_history is None else number(after_history, "after_history"),
            first_form_id=optional_identifier(first_form_id, "first_form_id"),
            on_passed=on_passed,
        )

    def __str__(self) -> str:
        activity = f"activity {self.form_id!r}" if self.form_id is not None else "an activity"
        return f"{activity} of BlizWork case {self.remote_id} pending"

    def check(self, api: BlizWorkApi) -> Operation[Pending | Done]:
        """
        Check which activity is pending.

        :raises RunFailed: the case is closed, or the activity was run and another one is pending; with
            ``on_passed="succeed"``, only if the case is closed and the activity was not run
        :raises InvalidInput: no activity was run yet, and nobody has said which one is the first
        """
        case = yield from api.load_case(self.workflow_id, self.case_number)
        if self._is_closed(case):
            return self._over(case, "is closed")
        moved = self.after_history is None or len(case.history) > self.after_history
        if moved and case.is_fresh and self.first_form_id is None:
            raise self._unnamed()
        pending = case.pending_first(self.first_form_id)
        if moved and pending is not None and self.form_id in (None, pending):
            return Done(pending if self.on_passed == "fail" else self._result(()))
        if moved and self._last_run(case) is not None:
            return self._over(case, f"now waits for {pending!r}")
        return Pending(case.status)

    def _last_run(self, case: Case) -> int | None:
        """Return the index of the activity's last run; the entry at ``after_history`` is the previous run."""
        if self.form_id is None:
            return None
        first = int(case.may_begin_with_opening) if self.after_history is None else self.after_history + 1
        runs = [number for number, entry in enumerate(case.history) if entry.form_id == self.form_id]
        return runs[-1] if runs and runs[-1] >= first else None

    def _result(self, entries: Sequence[Entry]) -> ActivityResult:
        """Return what ``on_passed="succeed"`` returns; without entries, the activity is pending."""
        steps: list[CaseStep] = [
            {"form_id": entry.form_id, "next_form_id": entry.next_form_id, "by": entry.by, "at": entry.at}
            for entry in entries[:MOST_STEPS]
        ]
        return {
            "passed": bool(steps),
            "form_id": str(self.form_id),
            "next_form_id": steps[0]["next_form_id"] if steps else None,
            "by": steps[0]["by"] if steps else None,
            "steps": steps,
        }

    def _unnamed(self) -> InvalidInput:
        # To wait would be to wait for ever if the first activity is the one that is meant.
        return InvalidInput(
            f"BlizWork case {self.remote_id} has an empty history, which does not name the pending activity\n"
            "No activity was run yet, so the workflow's first one is pending\n"
            "Set first_form_id to the form id of the workflow's first activity",
            vendor=VENDOR,
            operation="wait for activity",
        )

    def _over(self, case: Case, what: str) -> Done:
        last = self._last_run(case)
        if last is not None and self.on_passed == "succeed":
            return Done(self._result(case.history[last:]))
        how = ""
        if last is not None:
            how = f", and {self.form_id!r} was run. To wait for its next run in a loop, set after_history"
        raise RunFailed(
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
