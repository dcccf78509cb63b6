"""A case document, and who ran its activities; pure functions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Literal

from airflow_provider_workflows.core.lazy import cached_property
from airflow_provider_workflows.exceptions import one_line

#: What a case shows about an activity that a task ran; all but the first two leave a doubt.
Verdict = Literal[
    "standing",
    "ours",
    "no history",
    "nameless step",
    "another author",
    "several runs",
    "another action",
    "other values",
    "no action",
    "by name only",
]

#: Characters of an activity's id, and of another text of an entry.
LONGEST_FORM_ID = 500
LONGEST_TEXT = 500


@dataclass(frozen=True)
class Entry:
    """
    One step of a case's history.

    :param author: e-mail address of the user who made the step; None if the document does not contain it
    :param form_id: the activity that was run. An entry for the opening of a case, if there is one, also names
        an activity (vendor's SDK: it reads one of every entry)
    :param next_form_id: the activity that became pending; None if there is none
    :param by: who made the step, as BlizWork names them; an e-mail address or another text
    :param at: when; begins with an ISO date (vendor's SDK)
    """

    author: str | None
    form_id: str | None
    next_form_id: str | None
    by: str | None = None
    at: str | None = None


@dataclass(frozen=True)
class Case:
    """
    A case document; its keys are those that the vendor's SDK reads.

    :param document: the document as BlizWork sent it
    """

    document: Mapping[str, Any]

    @cached_property
    def history(self) -> tuple[Entry, ...]:
        """The steps so far, oldest first."""
        entries = self.document.get("history")
        listed = entries if isinstance(entries, list) else []
        return tuple(_entry(entry) for entry in listed if isinstance(entry, Mapping))

    @property
    def is_fresh(self) -> bool:
        """Whether the history is shown and empty, so that no activity was run yet."""
        return self.document.get("history") == []

    @property
    def pending(self) -> str | None:
        """The pending activity (vendor's SDK: the next activity of the last entry); None if not shown."""
        return self.history[-1].next_form_id if self.history else None

    def pending_first(self, first_form_id: str | None) -> str | None:
        """Return the pending activity; with an empty history, it is the process's first."""
        return first_form_id if self.is_fresh else self.pending

    @property
    def status(self) -> str:
        """What is pending, for messages."""
        if self.is_fresh:
            return "no activity was run yet"
        return f"{self.pending!r} is pending" if self.pending is not None else "nothing is pending"

    @property
    def fields(self) -> Mapping[str, Any]:
        """Values by field id."""
        fields = self.document.get("fields")
        return fields if isinstance(fields, Mapping) else {}

    @property
    def files(self) -> Mapping[str, Any]:
        """URLs of the attachments by field id."""
        values = self.document.get("fieldValues")
        rows = [row for row in (values if isinstance(values, list) else ()) if isinstance(row, Mapping)]
        return {str(row.get("slug")): row.get("fileUrl") for row in rows if row.get("fileUrl")}

    def is_closed(
        self, *, end_forms: Sequence[str] = (), closed_where: Mapping[str, Any] | None = None
    ) -> bool:
        """
        Return whether the case is closed.

        Assumption: by default, a case is closed if there is a history and its last entry has no next
        activity, because the vendor does not document how a closed case looks. Wrong if a case
        that shows nothing pending takes another run, or if one that takes none shows an activity as pending.

        :param end_forms: next activities that mean that the case has ended, for processes that have such
        :param closed_where: values of the document's own keys that mean closed, instead of the inference
        """
        if closed_where:
            return all(self.document.get(key) == value for key, value in closed_where.items())
        return bool(self.history) and (self.pending is None or self.pending in end_forms)

    def shows(self, **keys: Any) -> bool:
        """Return whether the document has these values for its keys; missing keys are ignored."""
        return all(str(self.document.get(key, value)) == str(value) for key, value in keys.items())

    def is_meant(self, workflow_id: str, number: int, *, company_id: str, reader: str) -> bool:
        """
        Return whether this is the requested case.

        A read does not name an organisation, so BlizWork may return a case of another one.

        :param company_id: the organisation of the requested case
        :param reader: the connection's organisation, which applies if the document names none
        """
        organisation = str(self.document.get("companyId") or reader)
        return organisation == company_id and self.shows(processSlug=workflow_id, caseNumber=number)

    def ran(self, form_id: str, *, since: int) -> tuple[Entry, ...]:
        """
        Return the entries of an activity's runs.

        :param since: number of entries at the start of the history to skip
        """
        return tuple(entry for entry in self.history[since:] if entry.form_id == form_id)

    @property
    def last_run(self) -> str | None:
        """The activity that was run last; None if none was, or perhaps none."""
        runs = self.history[1:] if self.may_begin_with_opening else self.history
        return runs[-1].form_id if runs else None

    @property
    def may_begin_with_opening(self) -> bool:
        """
        Whether the first entry may be the case's opening and not a run.

        An opening entry leaves the first activity pending. If it also names it as the current one, it looks
        like a run that leads back to the same activity.
        """
        return bool(self.history) and self.history[0].form_id == self.history[0].next_form_id


@dataclass(frozen=True, kw_only=True)
class Move:
    """
    One run of an activity, as a task requests it.

    :param author: e-mail address of the user in whose name it runs
    :param acting: whether that user is not the connection's, and so may also have run the activity in person
    :param values: the form data that is sent
    """

    form_id: str
    next_form_id: str
    author: str
    acting: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def judge_move(case: Case, move: Move, *, since: int) -> Verdict:
    """
    Return what the case shows about an activity that a task ran.

    ``ours`` requires exactly one run by the same user, identified by e-mail address, with the same action and
    every value that was sent; BlizWork itself may have run the activity at its deadline, and a person at any
    time. If the history has no next activity, as at the end of a case, only the values can show the action.
    ``standing`` requires a history that goes back far enough and in which every later step names its
    activity. An empty history goes back far enough if it was empty before the run, too: there are two ways in
    which the history of a new case may begin.

    :param since: length of the history right before the run
    """
    if len(case.history) < since or not (case.history or case.is_fresh):
        return "no history"
    if any(entry.form_id is None for entry in case.history[since:]):
        return "nameless step"
    entries = case.ran(move.form_id, since=since)
    return _whose(case, move, entries) if entries else "standing"


def _whose(case: Case, move: Move, entries: Sequence[Entry]) -> Verdict:
    same = [entry for entry in entries if entry.author == move.author.lower()]
    if not same:
        return "another author"
    if len(same) > 1:
        return "several runs"
    # After an action that ends the case, there may be no next activity.
    if same[0].next_form_id not in (move.next_form_id, None):
        return "another action"
    if not all(_holds(case, name, value) for name, value in move.values.items()):
        return "other values"
    if same[0].next_form_id is None and not move.values:
        return "no action"
    return "by name only" if move.acting and not move.values else "ours"


def _entry(entry: Mapping[str, Any]) -> Entry:
    by = entry.get("updatedBy")
    return Entry(
        _email(by),
        _form(entry.get("currentActivity")),
        _form(entry.get("nextActivity")),
        by=_text(_address(by)),
        at=_text(entry.get("updatedOn")),
    )


def _form(activity: Any) -> str | None:
    form_id = activity.get("formId") if isinstance(activity, Mapping) else None
    # An id that is too long is of no activity that anybody waits for.
    return form_id[:LONGEST_FORM_ID] if isinstance(form_id, str) and form_id else None


def _email(author: Any) -> str | None:
    """Return an e-mail address in lower case; None for an opaque id or an object without an address."""
    author = _address(author)
    return author.lower() if isinstance(author, str) and "@" in author else None


def _address(author: Any) -> Any:
    if isinstance(author, Mapping):
        return next((author[key] for key in ("email", "userId", "user") if key in author), None)
    return author


def _text(value: Any) -> str | None:
    return one_line(value, LONGEST_TEXT) if isinstance(value, str) and value else None


def _holds(case: Case, name: str, sent: Any) -> bool:
    if isinstance(sent, Mapping):
        return bool(case.files.get(name) == sent["fileUrl"])
    found = case.fields.get(name)
    if isinstance(sent, str):
        return bool(found == sent)
    return _number(found) == Decimal(str(sent))


def _number(value: Any) -> Decimal | None:
    """Return a number, which the document may contain as a number or as text."""
    try:
        return None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None
