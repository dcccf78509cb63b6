"""A case as BlizWork tells it, and who moved it: pure functions over the case document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import cached_property
from typing import Any, Literal

Trace = Literal["standing", "ours", "not ours"]


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

    def ran(self, form_id: str, *, since: int) -> tuple[Entry, ...]:
        """
        Return the entries by which an activity was run.

        :param since: length of the history beyond which entries count
        """
        return tuple(entry for entry in self.history[since:] if entry.form_id == form_id)


def trace(case: Case, form_id: str, *, since: int, author: str, values: Mapping[str, Any]) -> Trace:
    """
    Tell what became of an activity that was to be run.

    ``ours`` takes the same author, where the history tells one by e-mail, and every value that was sent. If
    neither can be compared, or a later step has changed a value, the answer is ``not ours``: rather a doubt
    than a wrong certainty.

    :param since: length of the history right before
    :param author: e-mail of the user in whose name it was run
    :param values: the form data that was sent
    """
    entries = case.ran(form_id, since=since)
    if not entries:
        return "standing"
    authors = {entry.author for entry in entries}
    comparable = bool(values) or None not in authors
    same_author = author.lower() in authors or None in authors
    same_values = all(_holds(case, name, value) for name, value in values.items())
    return "ours" if comparable and same_author and same_values else "not ours"


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
