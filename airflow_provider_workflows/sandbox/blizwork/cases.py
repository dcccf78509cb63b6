"""Cases and what moves them: calls, people, and the platform when it is time."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from airflow_provider_workflows.sandbox.blizwork.declared import Beginning, Form, Workflow
from airflow_provider_workflows.sandbox.clock import Agenda
from airflow_provider_workflows.sandbox.journal import Journal

#: Who runs what nobody has run in time; what the vendor writes there is not known.
PLATFORM = "platform"


@dataclass(frozen=True)
class Entry:
    """One step of a case; that of its opening ran no activity."""

    author: str
    date: float
    form: str | None
    next_form: str | None


@dataclass
class Case:
    """One case; a closed one has nothing pending."""

    workflow: Workflow
    number: int
    environment: str
    author: str
    history: list[Entry] = field(default_factory=list)
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """What it is called among all that a server holds."""
        return f"{self.workflow.id}/{self.number}"

    @property
    def pending(self) -> Form | None:
        """The activity to be run."""
        name = self.history[-1].next_form
        return None if name is None else self.workflow.forms[name]

    @property
    def passed(self) -> tuple[str, ...]:
        """The activities that were run, in order."""
        return tuple(entry.form for entry in self.history if entry.form is not None)


class Cases:
    """All cases, by process and number."""

    def __init__(self, agenda: Agenda, journal: Journal) -> None:
        self._agenda = agenda
        self._journal = journal
        self._cases: dict[tuple[str, int], Case] = {}
        self._opened: Counter[str] = Counter()

    def all(self) -> list[Case]:
        """Every case, oldest first."""
        return list(self._cases.values())

    def __len__(self) -> int:
        return len(self._cases)

    def get(self, workflow: str, number: int) -> Case | None:
        """Return a case, of whatever environment."""
        return self._cases.get((workflow, number))

    def find(self, workflow: Workflow, number: int, environment: str) -> Case | None:
        """Return a case; those of the two environments do not see one another (chosen)."""
        case = self.get(workflow.id, number)
        return case if case is not None and case.environment == environment else None

    def open(self, workflow: Workflow, environment: str, author: str) -> Case:
        """Open a case; numbers count by process (a choice: the vendor is silent)."""
        self._opened[workflow.id] += 1
        number = self._opened[workflow.id]
        case = Case(workflow, number, environment, author)
        self._cases[workflow.id, number] = case
        self._journal.effect("opened")
        self._arrive(case, author, None, workflow.start)
        return case

    def run(self, case: Case, author: str, to: str, values: dict[str, Any]) -> None:
        """Run the pending activity."""
        form = case.pending
        assert form is not None
        case.values |= values
        self._journal.effect("executed")
        self._arrive(case, author, form.id, to)

    def _arrive(self, case: Case, author: str, form: str | None, to: str) -> None:
        target = case.workflow.forms[to]
        case.history.append(Entry(author, self._agenda.now(), form, None if target.end else to))
        wait = target.deadline if target.seconds is None else target.seconds
        if wait is not None and not target.end:
            self._later(case, target, wait)

    def _later(self, case: Case, form: Form, seconds: float) -> None:
        """Plan what the platform does unless the case has moved on."""
        length = len(case.history)

        def act() -> None:
            if len(case.history) == length:
                self._arrive(case, PLATFORM, form.id, form.to[0])

        self._agenda.after(seconds, act)


def document(case: Case, *, company: str, include: int, beginning: Beginning) -> dict[str, Any]:
    """
    Return a case as ``process/case`` tells it, with the keys that the vendor's SDK reads.

    :param beginning: what the history shows of the opening, which is not known: nothing, or an entry. That
        names an activity, because the SDK reads one of every entry; that it is the first one is a choice.
    :param include: 0 the case, 1 its users as well, 2 its history, 3 its process, 4 its organisation.
    """
    workflow = case.workflow
    files = {name: value for name, value in case.values.items() if workflow.fields[name] == "attachment"}
    told: dict[str, Any] = {
        "companyId": company,
        "environment": case.environment,
        "processSlug": workflow.id,
        "processVersion": workflow.version,
        "caseNumber": case.number,
        "createAudit": {"user": case.author},
        "fields": {name: value for name, value in case.values.items() if name not in files},
        "fieldValues": [{"slug": name, "fileUrl": value["fileUrl"]} for name, value in files.items()],
    }
    if include >= 1:
        told["users"] = sorted({entry.author for entry in case.history})
    if include >= 2:
        entries = case.history[1:] if beginning == "empty" else case.history
        told["history"] = [_told(entry, case.workflow.start) for entry in entries]
    if include >= 3:
        told["processDefinition"] = {"companyId": company, "slug": workflow.id}
    if include >= 4:
        told["company"] = {"companyId": company}
    return told


def _told(entry: Entry, start: str) -> dict[str, Any]:
    return {
        "updatedBy": entry.author,
        # Begins with an ISO date (vendor's SDK); the zone is a choice.
        "updatedOn": datetime.fromtimestamp(entry.date, tz=UTC).isoformat(timespec="seconds"),
        "currentActivity": {"formId": entry.form or start},
        "nextActivity": None if entry.next_form is None else {"formId": entry.next_form},
    }
