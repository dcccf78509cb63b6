"""Event triggers for BlizWork cases, which the user lists by number: no search for changes is known."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.blizwork.api.case import Case
from airflow_provider_workflows.blizwork.api.operations import BlizWorkApi
from airflow_provider_workflows.blizwork.api.values import case_number
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.core.events.feed import (
    BATCH,
    BEGINNING,
    NOW,
    Batch,
    Cursor,
    Feed,
    Occurrence,
    as_list,
    check_names,
    check_start,
    check_text,
)
from airflow_provider_workflows.core.events.trigger import FeedTrigger
from airflow_provider_workflows.core.protocol.operation import Operation
from airflow_provider_workflows.core.runtime.durations import Duration
from airflow_provider_workflows.exceptions import NotFound, Rejected


def blizwork_activities(
    *,
    workflow_id: str,
    case_numbers: Sequence[int],
    form_id: str | None = None,
    first_form_id: str | None = None,
    start: str = NOW,
    blizwork_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports activities that become pending.

    An occurrence is ``{"occurrence_id", "conn_id", "workflow_id", "case_number", "form_id",
    "history_length"}``. If a case reaches an activity again, that is another occurrence.

    :param workflow_id: slug of the workflow
    :param case_numbers: numbers of the cases to watch; each read reads every case
    :param form_id: id of the activity; None for any activity
    :param first_form_id: id of the workflow's first activity. It is needed to report that this activity is
        pending in a new case, if BlizWork shows the history of a new case as empty; its ``history_length`` is
        then 0
    :param start: ``"now"`` for what happens after the first read, or ``"beginning"`` for the whole history
    :param blizwork_conn_id: id of the Airflow connection
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = ActivitiesPending(
        workflow_id=workflow_id,
        case_numbers=as_list(case_numbers, "case_numbers"),
        form_id=form_id,
        first_form_id=first_form_id,
        start=start,
    )
    return FeedTrigger(conn_id=blizwork_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


def blizwork_closed(
    *,
    workflow_id: str,
    case_numbers: Sequence[int],
    end_forms: Sequence[str] = (),
    closed_where: Mapping[str, Any] | None = None,
    start: str = NOW,
    blizwork_conn_id: str = FORM.default_conn_id,
    poll_interval: Duration = 60.0,
) -> FeedTrigger:
    """
    Return a trigger for an ``AssetWatcher`` that reports closed cases.

    An occurrence is ``{"occurrence_id", "conn_id", "workflow_id", "case_number",
    "last_form_id"}``.

    :param workflow_id: slug of the workflow
    :param case_numbers: numbers of the cases to watch; each read reads every case
    :param end_forms: form ids that mean the end if the history names them as the next activity
    :param closed_where: values of the case document's keys that mean closed; see
        :meth:`~airflow_provider_workflows.blizwork.api.case.Case.is_closed`
    :param start: ``"now"`` for cases that end after the first read, or ``"beginning"`` to include earlier
        ones
    :param blizwork_conn_id: id of the Airflow connection
    :param poll_interval: seconds between two reads, or a ``timedelta``
    :raises InvalidInput: an argument is invalid; the message names it
    """
    feed = CasesClosed(
        workflow_id=workflow_id,
        case_numbers=as_list(case_numbers, "case_numbers"),
        end_forms=as_list(end_forms, "end_forms"),
        closed_where=closed_where,
        start=start,
    )
    return FeedTrigger(conn_id=blizwork_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class _CaseFeed(Feed):
    """
    A feed of cases, listed by number; its cursor is a position for each case.

    :param start: see :func:`blizwork_activities`
    """

    workflow_id: str
    case_numbers: Sequence[int]
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class
    #: The position of a case that was not seen yet.
    unseen: ClassVar[int] = 0

    def __post_init__(self) -> None:
        check_text(self.workflow_id, "workflow_id")
        check_names(self.case_numbers, "case_numbers")
        for number in self.case_numbers:
            case_number(number, "case_numbers")
        check_start(self.start)

    @property
    def _cases(self) -> str:
        return f"BlizWork cases {', '.join(map(str, self.case_numbers))} of {self.workflow_id!r}"

    def first(self, api: BlizWorkApi) -> Operation[Cursor]:
        """Return the cursor after the cases' present state; a case that does not exist yet is not in it."""
        if self.start == BEGINNING:
            return {"reached": {}}
        cases, _ = yield from self._load(api)
        return {"reached": {number: self._position(case) for number, case in cases.items()}}

    def read(self, api: BlizWorkApi, cursor: Cursor) -> Operation[Batch]:
        """Return what is new, case by case."""
        cases, troubles = yield from self._load(api)
        reached = dict(cursor["reached"])
        found: list[Occurrence] = []
        for number, case in cases.items():
            if blind := self._blind(case):
                troubles = (*troubles, f"case {number}: {blind}")
            for position, occurrence in self._since(number, case, reached.get(number, self.unseen)):
                if len(found) == BATCH:
                    break
                found.append(occurrence)
                reached[number] = position
        return Batch(occurrences=tuple(found), cursor={"reached": reached}, troubles=troubles)

    def _load(self, api: BlizWorkApi) -> Operation[tuple[dict[str, Case], tuple[str, ...]]]:
        """Return the cases by number, and messages about those that cannot be read."""
        cases: dict[str, Case] = {}
        troubles: list[str] = []
        for number in self.case_numbers:
            try:
                cases[str(number)] = yield from api.load_case(self.workflow_id, number)
            except (NotFound, Rejected) as error:
                troubles.append(f"case {number}: {error}")
        return cases, tuple(troubles)

    def _blind(self, case: Case) -> str:
        """Return what the case does not show; nothing by default."""
        return ""

    def _position(self, case: Case) -> int:
        raise NotImplementedError

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        raise NotImplementedError
        yield

    def _facts(self, number: str, **more: Any) -> dict[str, Any]:
        return {"workflow_id": self.workflow_id, "case_number": int(number), **more}


@dataclass(frozen=True, kw_only=True)
class ActivitiesPending(_CaseFeed):
    """
    Activities that become pending.

    The next activity of the last entry of a case's history is the pending one (vendor's SDK).

    Assumption: a history only grows. Wrong if the history of a case gets shorter. So
    the length of the history up to an entry identifies the occurrence. Length 0, before any entry, is one
    only if new cases have an empty history; then the process's first activity is pending.

    :param form_id: see :func:`blizwork_activities`
    :param first_form_id: see :func:`blizwork_activities`
    """

    form_id: str | None = None
    first_form_id: str | None = None

    unseen: ClassVar[int] = -1

    def __str__(self) -> str:
        what = f"activity {self.form_id!r}" if self.form_id is not None else "activities"
        return f"{what} pending in {self._cases}"

    def _blind(self, case: Case) -> str:
        if case.is_fresh and self.first_form_id is None:
            return "its history is empty, so its pending activity is not reported. Set first_form_id"
        return ""

    def _position(self, case: Case) -> int:
        return len(case.history)

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        first = self.first_form_id if self._began_empty(case) else None
        pending = [first, *(entry.next_form_id for entry in case.history)]
        for length, form_id in enumerate(pending):
            if length > reached and form_id is not None and self.form_id in (None, form_id):
                yield (
                    length,
                    Occurrence(
                        occurrence_id=f"{self.workflow_id}/{number}/{length}",
                        facts=self._facts(number, form_id=form_id, history_length=length),
                    ),
                )

    def _began_empty(self, case: Case) -> bool:
        """Whether the history was empty at first; not if its first entry may be the case's opening."""
        if case.is_fresh or case.may_begin_with_opening:
            return case.is_fresh
        return bool(case.history) and case.history[0].form_id == self.first_form_id


@dataclass(frozen=True, kw_only=True)
class CasesClosed(_CaseFeed):
    """
    Cases that are closed; one occurrence per case.

    :param end_forms: see :func:`blizwork_closed`
    :param closed_where: see :func:`blizwork_closed`
    """

    end_forms: Sequence[str] = ()
    closed_where: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"closed cases among {self._cases}"

    def _position(self, case: Case) -> int:
        return int(case.is_closed(end_forms=self.end_forms, closed_where=self.closed_where))

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        if not reached and self._position(case):
            id = f"{self.workflow_id}/{number}/closed"
            yield 1, Occurrence(occurrence_id=id, facts=self._facts(number, last_form_id=case.last_run))
