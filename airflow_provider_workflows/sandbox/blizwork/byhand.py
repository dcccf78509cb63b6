"""What people see of a case in the vendor's pages, and do there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from airflow_provider_workflows.sandbox.blizwork.acting import typed
from airflow_provider_workflows.sandbox.blizwork.cases import Case, Entry
from airflow_provider_workflows.sandbox.blizwork.declared import Form
from airflow_provider_workflows.sandbox.blizwork.refusal import Refusal
from airflow_provider_workflows.sandbox.blizwork.state import Notification, State
from airflow_provider_workflows.sandbox.records import Records, named_newest
from airflow_provider_workflows.sandbox.vendor import Action, CommandError, Event, Input, Record

PERSON = "person@example.com"


def records_of(vendor: str, state: State) -> Records[Case | Notification]:
    """All cases of a server, and the notifications that it sent."""
    return Records(state.held, lambda one: _record(vendor, one), lambda one: _record(vendor, one, brief=True))


def _record(vendor: str, one: Case | Notification, *, brief: bool = False) -> Record:
    return _case(vendor, one, brief=brief) if isinstance(one, Case) else _notification(vendor, one)


def _notification(vendor: str, sent: Notification) -> Record:
    return Record(
        vendor=vendor,
        kind="notification",
        id=sent.key,
        state="finished",
        fields={"template": sent.template, "recipients": str(sent.recipients)},
        process="notification",
        title=sent.template,
        history=(Event(sent.at, "Sent"),),
    )


def _case(vendor: str, case: Case, *, brief: bool) -> Record:
    files = [value for value in case.values.values() if isinstance(value, dict)]
    texts = {name: str(value) for name, value in case.values.items() if not isinstance(value, dict)}
    return Record(
        vendor=vendor,
        kind="case",
        id=case.key,
        state=state_of(case),
        standing=() if case.pending is None else (case.pending.id,),
        stops=case.passed,
        fields=texts,
        files=tuple({"name": file["fileName"], "url": file["fileUrl"]} for file in files),
        actions=() if brief else tuple(_actions(case)),
        process=case.workflow.id,
        title=next(iter(texts.values()), ""),
        history=() if brief else tuple(_event(case, entry) for entry in case.history),
    )


def _event(case: Case, entry: Entry) -> Event:
    to = f", on to {entry.next_form}" if entry.next_form is not None else ", closed"
    ran = f"Ran {entry.form}{to}"
    return Event(
        entry.date, ran if entry.form is not None else f"Opened at {case.workflow.start}", entry.author
    )


def state_of(case: Case) -> str:
    """Return the case's state; an activity that the platform runs by itself is running."""
    if case.pending is None:
        return "finished"
    return "waiting" if case.pending.seconds is None else "running"


def _actions(case: Case) -> Iterator[Action]:
    form = case.pending
    if form is None or form.seconds is not None:
        return
    place = {"workflow": case.workflow.id, "case": str(case.number), "form": form.id}
    inputs = tuple(_inputs(case, form))
    for to, label in zip(form.to, _labels(form), strict=True):
        yield Action(label, "run", {**place, "to": to}, form.id, inputs, f"→ {to}")


def _labels(form: Form) -> tuple[str, ...]:
    return tuple(f"Run “{form.id}” → “{to}”" for to in form.to)


def stops_of(state: State) -> dict[str, tuple[str, ...]]:
    """Where cases wait for a person, and the labels of what can be done there."""
    forms = [form for workflow in state.declared.workflows.values() for form in workflow.forms.values()]
    found: dict[str, tuple[str, ...]] = {}
    for form in forms:
        if form.seconds is None and not form.end:
            found[form.id] = (*found.get(form.id, ()), *_labels(form))
    return found


def _inputs(case: Case, form: Form) -> Iterator[Input]:
    hints = {"int": "a whole number", "decimal": "a number"}
    for name in form.fields or tuple(case.workflow.fields):
        kind = case.workflow.fields[name]
        if kind != "attachment":
            yield Input(name, value=str(case.values.get(name, "")), hint=hints.get(kind, ""))


def run(
    state: State,
    *,
    workflow: str,
    case: int | str,
    form: str,
    to: str,
    values: Mapping[str, str] | None = None,
) -> None:
    """
    Run a pending activity as a person would in the vendor's own pages.

    :param values: what was filled in, as text; blank ones are left out.
    :raises CommandError: if the case does not wait for that.
    """
    found = state.cases.get(workflow, _number(case))
    pending = None if found is None else found.pending
    if found is None or pending is None or pending.id != form or to not in pending.to:
        raise CommandError(
            f"case {workflow}/{case} does not wait for {form!r} with {to!r}; {_instead(state, found)}"
        )
    try:
        given = typed(found, pending, values or {})
    except Refusal as refusal:
        fields = ", ".join(one.name for one in _inputs(found, pending))
        raise CommandError(f"{form}: {refusal.message}; it takes {fields or 'nothing'}") from None
    state.cases.run(found, PERSON, to, given)


def _number(case: int | str) -> int:
    try:
        return int(case)
    except ValueError:
        raise CommandError(f"a case cannot be {case!r}: it is a number") from None


def _instead(state: State, case: Case | None) -> str:
    if case is None:
        return f"there is no such case; {named_newest(state.held)}"
    if case.pending is None:
        return "it is closed"
    return f"it waits for {case.pending.id!r}, which leads to {', '.join(case.pending.to) or 'nothing'}"
