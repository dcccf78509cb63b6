"""What BlizWork can tell of as it happens, for cases that are named: nothing can be searched for changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from airflow_provider_workflows.base.event_trigger import FeedTrigger
from airflow_provider_workflows.base.feed import (
    BATCH,
    BEGINNING,
    NOW,
    Batch,
    Cursor,
    Feed,
    Occurrence,
    check_names,
    check_start,
    check_text,
)
from airflow_provider_workflows.blizwork.api import BlizWorkApi
from airflow_provider_workflows.blizwork.case import Case
from airflow_provider_workflows.blizwork.connection import FORM
from airflow_provider_workflows.blizwork.values import case_number
from airflow_provider_workflows.protocol.errors import NotFound, Rejected
from airflow_provider_workflows.protocol.operation import Operation


def blizwork_activities(
    *,
    workflow_id: str,
    case_numbers: Sequence[int],
    form_id: str | None = None,
    start: str = NOW,
    blizwork_conn_id: str = FORM.default_conn_id,
    poll_interval: float = 60.0,
) -> FeedTrigger:
    """
    Return the trigger of an ``AssetWatcher`` that tells of activities becoming pending.

    An occurrence is ``{"occurrence_id", "conn_id", "workflow_id", "case_number", "form_id",
    "history_length"}``. An activity that a case comes to again, is told of again.

    :param case_numbers: of the cases to watch; each is read at each look
    :param form_id: the activity; None for any
    :param start: ``"now"`` for what comes after the first look, or ``"beginning"`` for the whole history
    :param poll_interval: seconds between two looks
    :raises InvalidInput: names the argument
    """
    feed = ActivitiesPending(
        workflow_id=workflow_id, case_numbers=list(case_numbers), form_id=form_id, start=start
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
    poll_interval: float = 60.0,
) -> FeedTrigger:
    """
    Return the trigger of an ``AssetWatcher`` that tells of cases that have ended.

    An occurrence is ``{"occurrence_id", "conn_id", "workflow_id", "case_number",
    "last_form_id"}``.

    :param case_numbers: of the cases to watch; each is read at each look
    :param end_forms: next activities that are ends
    :param closed_where: values of the case document's keys that mean closed; see
        :meth:`~airflow_provider_workflows.blizwork.case.Case.is_closed`
    :param start: ``"now"`` for what ends after the first look, or ``"beginning"`` for what had ended, too
    :param poll_interval: seconds between two looks
    :raises InvalidInput: names the argument
    """
    feed = CasesClosed(
        workflow_id=workflow_id,
        case_numbers=list(case_numbers),
        end_forms=list(end_forms),
        closed_where=closed_where,
        start=start,
    )
    return FeedTrigger(conn_id=blizwork_conn_id, feed=feed.to_json(), poll_interval=poll_interval)


@dataclass(frozen=True, kw_only=True)
class _OfCases(Feed):
    """
    A feed on named cases; its cursor is a number for each.

    :param start: see :func:`blizwork_activities`
    """

    workflow_id: str
    case_numbers: Sequence[int]
    start: str = NOW

    hook_class: ClassVar[str] = FORM.hook_class

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
        """Return the cursor after what the cases show now; one that is not there yet has all before it."""
        if self.start == BEGINNING:
            return {"reached": {}}
        cases, _ = yield from self._load(api)
        return {"reached": {number: self._reached(case) for number, case in cases.items()}}

    def read(self, api: BlizWorkApi, cursor: Cursor) -> Operation[Batch]:
        """Read what has come since, case by case."""
        cases, troubles = yield from self._load(api)
        reached = dict(cursor["reached"])
        found: list[Occurrence] = []
        for number, case in cases.items():
            for position, occurrence in self._since(number, case, reached.get(number, 0)):
                if len(found) == BATCH:
                    break
                found.append(occurrence)
                reached[number] = position
        return Batch(occurrences=tuple(found), cursor={"reached": reached}, troubles=troubles)

    def _load(self, api: BlizWorkApi) -> Operation[tuple[dict[str, Case], tuple[str, ...]]]:
        """Return the cases by number, and what is wrong with those that cannot be read."""
        cases: dict[str, Case] = {}
        troubles: list[str] = []
        for number in self.case_numbers:
            try:
                cases[str(number)] = yield from api.load_case(self.workflow_id, number)
            except (NotFound, Rejected) as error:
                troubles.append(f"case {number}: {error}")
        return cases, tuple(troubles)

    def _reached(self, case: Case) -> int:
        raise NotImplementedError

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        raise NotImplementedError
        yield

    def _facts(self, number: str, **more: Any) -> dict[str, Any]:
        return {"workflow_id": self.workflow_id, "case_number": int(number), **more}


@dataclass(frozen=True, kw_only=True)
class ActivitiesPending(_OfCases):
    """
    Activities that become pending.

    A case's history only grows, and the last entry's next activity is the pending one (vendor's SDK), so an
    entry's place in the history is the occurrence's.

    :param form_id: see :func:`blizwork_activities`
    """

    form_id: str | None = None

    def __str__(self) -> str:
        what = f"activity {self.form_id!r}" if self.form_id is not None else "activities"
        return f"{what} pending in {self._cases}"

    def _reached(self, case: Case) -> int:
        return len(case.history)

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        for length, entry in enumerate(case.history[reached:], start=reached + 1):
            form_id = entry.next_form_id
            if form_id is not None and self.form_id in (None, form_id):
                yield (
                    length,
                    Occurrence(
                        occurrence_id=f"{self.workflow_id}/{number}/{length}",
                        facts=self._facts(number, form_id=form_id, history_length=length),
                    ),
                )


@dataclass(frozen=True, kw_only=True)
class CasesClosed(_OfCases):
    """
    Cases that end; each once.

    :param end_forms: see :func:`blizwork_closed`, as for ``closed_where``
    """

    end_forms: Sequence[str] = ()
    closed_where: Mapping[str, Any] | None = None

    def __str__(self) -> str:
        return f"ends of {self._cases}"

    def _reached(self, case: Case) -> int:
        return int(case.is_closed(end_forms=self.end_forms, closed_where=self.closed_where))

    def _since(self, number: str, case: Case, reached: int) -> Iterator[tuple[int, Occurrence]]:
        if not reached and self._reached(case):
            last = case.history[-1].form_id if case.history else None
            id = f"{self.workflow_id}/{number}/closed"
            yield 1, Occurrence(occurrence_id=id, facts=self._facts(number, last_form_id=last))
