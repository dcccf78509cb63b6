"""A case as BlizWork tells it, and who moved it: pure functions over the case document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal

#: What a case shows of an activity that was to be run; all but the first two leave a doubt.
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


@dataclass(frozen=True)
class Entry:
    """
    One step of a case's history.

    :param author: e-mail of who made it; None where the document does not tell one
    :param form_id: the activity that was run; None for the opening of the case (assumption)
    :param next_form_id: the activity that became pending by it; None if none did
    """

    author: str | None
    form_id: str | None
    next_form_id: str | None


@dataclass(frozen=True)
class Case:
    """
    A case document, whose keys are those that the vendor's SDK reads.

    :param document: as it came
    """

    document: Mapping[str, Any]

    @cached_property
    def history(self) -> tuple[Entry, ...]:
        """What has happened, oldest first."""
        entries = self.document.get("history")
        return tuple(_entry(entry) for entry in entries or () if isinstance(entry, Mapping))

    @property
    def pending(self) -> str | None:
        """The activity that waits to be run (vendor's SDK: the last entry's next one)."""
        return self.history[-1].next_form_id if self.history else None

    @property
    def fields(self) -> Mapping[str, Any]:
        """The values by field id."""
        fields = self.document.get("fields")
        return fields if isinstance(fields, Mapping) else {}

    @property
    def files(self) -> Mapping[str, Any]:
        """The URLs of the attachments by field id."""
        values = self.document.get("fieldValues")
        rows = [row for row in values or () if isinstance(row, Mapping)]
        return {str(row.get("slug")): row.get("fileUrl") for row in rows if row.get("fileUrl")}

    def is_closed(
        self, *, end_forms: Sequence[str] = (), closed_where: Mapping[str, Any] | None = None
    ) -> bool:
        """
        Tell whether the case has ended.

        No page of the vendor's documents a mark of a closed case. By default it is inferred: there is a
        history, and its last entry names no next activity.

        :param end_forms: next activities that are ends, for processes that name theirs
        :param closed_where: instead of all that, values of the document's own keys
        """
        if closed_where:
            return all(self.document.get(key) == value for key, value in closed_where.items())
        return bool(self.history) and (self.pending is None or self.pending in end_forms)

    def shows(self, **keys: Any) -> bool:
        """Tell whether the document contradicts none of these values of its keys; a key may be missing."""
        return all(str(self.document.get(key, value)) == str(value) for key, value in keys.items())

    def is_meant(self, workflow_id: str, number: int, *, company_id: str, reader: str) -> bool:
        """
        Tell whether this is the case that was asked for.

        Reading takes no organisation, so a case of another one may be shown in place of the one meant.

        :param company_id: the organisation of the case that is meant
        :param reader: the connection's organisation, of which a case is that names none
        """
        told = str(self.document.get("companyId") or reader)
        return told == company_id and self.shows(processSlug=workflow_id, caseNumber=number)

    def ran(self, form_id: str, *, since: int) -> tuple[Entry, ...]:
        """
        Return the entries by which an activity was run.

        :param since: length of the history beyond which entries count
        """
        return tuple(entry for entry in self.history[since:] if entry.form_id == form_id)


@dataclass(frozen=True, kw_only=True)
class Move:
    """
    One run of an activity as it was asked for.

    :param author: e-mail of the user in whose name it is run
    :param acting: that user is not the connection's, and may have run the activity as well
    :param values: the form data that is sent
    """

    form_id: str
    next_form_id: str
    author: str
    acting: bool = False
    values: Mapping[str, Any] = field(default_factory=dict)


def trace(case: Case, move: Move, *, since: int) -> Verdict:
    """
    Tell what became of an activity that was to be run.

    ``ours`` takes exactly one run by the same user, who is told by e-mail, with the same action and every
    value that was sent; BlizWork itself may have run the activity at its deadline, and a person at any time.
    Where the history names no next activity, as at a case's end, only values can tell the action.
    ``standing`` takes a history that goes back far enough and whose later steps all name their activity.

    :param since: length of the history right before
    """
    if len(case.history) < max(since, 1):
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
    # An action that ends the case may leave no next activity.
    if same[0].next_form_id not in (move.next_form_id, None):
        return "another action"
    if not all(_holds(case, name, value) for name, value in move.values.items()):
        return "other values"
    if same[0].next_form_id is None and not move.values:
        return "no action"
    return "by name only" if move.acting and not move.values else "ours"


def _entry(entry: Mapping[str, Any]) -> Entry:
    return Entry(
        _email(entry.get("updatedBy")), _form(entry.get("currentActivity")), _form(entry.get("nextActivity"))
    )


def _form(activity: Any) -> str | None:
    form_id = activity.get("formId") if isinstance(activity, Mapping) else None
    return form_id if isinstance(form_id, str) and form_id else None


def _email(author: Any) -> str | None:
    """Return an e-mail address in lower case; an opaque id, or an object without one, tells nothing."""
    if isinstance(author, Mapping):
        author = next((author[key] for key in ("email", "userId", "user") if key in author), None)
    return author.lower() if isinstance(author, str) and "@" in author else None


def _holds(case: Case, name: str, sent: Any) -> bool:
    if isinstance(sent, Mapping):
        return bool(case.files.get(name) == sent["fileUrl"])
    found = case.fields.get(name)
    if isinstance(sent, str):
        return bool(found == sent)
    return _number(found) == Decimal(str(sent))


def _number(value: Any) -> Decimal | None:
    """Return a number that the document may show as one or as text."""
    try:
        return None if isinstance(value, bool) else Decimal(str(value))
    except InvalidOperation:
        return None
