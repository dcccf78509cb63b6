"""The calls that do something to a case: init and exec."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from airflow_provider_workflows.sandbox.blizwork.cases import Case
from airflow_provider_workflows.sandbox.blizwork.declared import Form
from airflow_provider_workflows.sandbox.blizwork.refusal import Refusal
from airflow_provider_workflows.sandbox.blizwork.state import Body, State

_ATTACHMENT_KEYS = {"fileName", "fileUrl"}


def init(state: State, body: Body) -> dict[str, Any]:
    """Open a case; form data cannot go along, and is ignored."""
    author = _author(state, body)
    environment = state.environment(body)
    workflow = state.workflow(body.text("workflowId"), environment)
    _check_role(state, author, workflow.role)
    cap = state.declared.case_cap
    if cap is not None and len(state.cases) >= cap:
        raise Refusal(state.declared.case_cap_code, "cases")
    case = state.cases.open(workflow, environment, author)
    state.held[case.key] = case
    return {"caseNumber": case.number}


def execute(state: State, body: Body) -> dict[str, Any]:
    """Run the pending activity of a case."""
    author = _author(state, body)
    environment = state.environment(body)
    body.take("skipExtensions", bool, optional=True)
    workflow = state.workflow(body.text("workflowId"), environment)
    case = state.cases.find(workflow, body.take("caseNumber", int), environment)
    if case is None:
        raise Refusal(4)
    form = _runnable(case, body.text("formId"))
    _check_role(state, author, form.role)
    to = _action(case, form, body.text("nextFormId"))
    state.cases.run(case, author, to, _values(state, case, form, body.take("formData", dict)))
    return {}


def _author(state: State, body: Body) -> str:
    """Return the acting user. That a token for another organisation is code 2 is a choice."""
    user = state.user(body.text("userId"))
    if body.text("companyId") != state.declared.company:
        raise Refusal(2)
    acting = body.take("execUserId", str, optional=True)
    return user if acting is None else state.user(acting)


def _check_role(state: State, author: str, role: str | None) -> None:
    """Refuse who lacks a role, with 2 (chosen): the vendor says only that permissions are needed."""
    if role is not None and role not in state.declared.users[author].roles:
        raise Refusal(2, role)


def _runnable(case: Case, name: str) -> Form:
    if case.pending is None:
        raise Refusal(5)
    form = case.workflow.forms.get(name)
    if form is None or (name in case.passed and form is not case.pending):
        raise Refusal(6)
    if form is not case.pending or form.seconds is not None:
        raise Refusal(8)
    return form


def _action(case: Case, form: Form, name: str) -> str:
    """Refuse what is no next form: with 9 an id that the process does not have, else with 7 (chosen)."""
    if name not in case.workflow.forms:
        raise Refusal(9)
    if name not in form.to:
        raise Refusal(7)
    return name


def _values(state: State, case: Case, form: Form, given: dict[str, Any]) -> dict[str, Any]:
    allowed = form.fields or tuple(case.workflow.fields)
    for name, value in given.items():
        if name not in allowed:
            raise Refusal(10, name)
        kind = case.workflow.fields[name]
        if not _fits(kind, value) or (kind == "attachment" and value["fileUrl"] not in state.file_urls):
            # "An error", say the vendor's pages of wrong types and dead URLs; the code is a choice.
            raise Refusal(100, name)
    return {name: _kept(value) for name, value in given.items()}


def typed(case: Case, form: Form, given: Mapping[str, str]) -> dict[str, Any]:
    """
    Return what a person typed into an activity's form as its fields want it; what is left blank is left out.

    :raises Refusal: 10 if the form has no such field, 100 if a value is none of the field's type.
    """
    allowed = form.fields or tuple(case.workflow.fields)
    values: dict[str, Any] = {}
    for name, text in given.items():
        if name not in allowed or case.workflow.fields[name] == "attachment":
            raise Refusal(10, name)
        if text:
            values[name] = _kept(_read(case.workflow.fields[name], name, text))
    return values


def _read(kind: str, name: str, text: str) -> Any:
    try:
        return int(text) if kind == "int" else Decimal(text) if kind == "decimal" else text
    except (ValueError, ArithmeticError):
        raise Refusal(100, name) from None


def _fits(kind: str, value: Any) -> bool:
    match kind:
        case "string":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "decimal":
            return isinstance(value, (int, Decimal)) and not isinstance(value, bool)
    return (
        isinstance(value, dict)
        and set(value) == _ATTACHMENT_KEYS
        and all(isinstance(text, str) for text in value.values())
    )


def _kept(value: Any) -> Any:
    """Decimals are kept as text, so that no digit is lost on the way out."""
    return str(value) if isinstance(value, Decimal) else value
