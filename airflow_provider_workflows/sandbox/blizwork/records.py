"""Cases and notifications as a person or a test looks at them."""

from __future__ import annotations

from airflow_provider_workflows.sandbox.blizwork.cases import Case
from airflow_provider_workflows.sandbox.blizwork.state import State
from airflow_provider_workflows.sandbox.vendor import Action, Record


def records_of(vendor: str, state: State) -> list[Record]:
    """All cases of a server, and the notifications that it sent."""
    return [*(_record(vendor, case) for case in state.cases.all()), *_notifications(vendor, state)]


def _notifications(vendor: str, state: State) -> list[Record]:
    return [
        Record(
            vendor=vendor,
            kind="notification",
            id=f"notification-{number}",
            state="finished",
            fields={"template": template, "recipients": str(recipients)},
        )
        for number, (template, recipients) in enumerate(state.notifications, start=1)
    ]


def _record(vendor: str, case: Case) -> Record:
    files = [value for value in case.values.values() if isinstance(value, dict)]
    texts = {name: str(value) for name, value in case.values.items() if not isinstance(value, dict)}
    return Record(
        vendor=vendor,
        kind="case",
        id=f"{case.workflow.id}/{case.number}",
        state=state_of(case),
        standing=() if case.pending is None else (case.pending.id,),
        stops=case.passed,
        fields=texts,
        files=tuple({"name": file["fileName"], "url": file["fileUrl"]} for file in files),
        actions=tuple(_actions(case)),
    )


def state_of(case: Case) -> str:
    """The case's state; an activity that the platform runs by itself is running."""
    if case.pending is None:
        return "finished"
    return "waiting" if case.pending.seconds is None else "running"


def _actions(case: Case) -> list[Action]:
    form = case.pending
    if form is None or form.seconds is not None:
        return []
    place = {"workflow": case.workflow.id, "case": str(case.number), "form": form.id}
    return [Action(f"Run “{form.id}” → “{to}”", "run", {**place, "to": to}) for to in form.to]
