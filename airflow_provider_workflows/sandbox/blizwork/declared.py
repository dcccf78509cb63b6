"""The ``[blizwork]`` table of a declaration file, checked and turned into the model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_args

from airflow_provider_workflows.sandbox.blizwork.model import Declared, FieldType, Form, User, Workflow
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table

_TOP: Mapping[str, Types] = {
    "token": str,
    "company": str,
    "transactions_per_second": (int, float),
    "users": list,
    "workflows": dict,
    "tables": dict,
}
_USER: Mapping[str, Types] = {"email": str, "active": bool}
_WORKFLOW: Mapping[str, Types] = {
    "start": str,
    "fields": dict,
    "forms": dict,
    "enabled": bool,
    "published": bool,
    "version": int,
}
_FORM: Mapping[str, Types] = {
    "fields": list,
    "to": list,
    "end": bool,
    "seconds": (int, float),
    "deadline": (int, float),
}


def read_declared(table: Table) -> Declared:
    """Turn the table into the model.

    :raises DeclarationError: naming the place that cannot be used.
    """
    check_table(table, _TOP, place="[blizwork]")
    for needed in ("token", "company"):
        if not table.get(needed):
            raise DeclarationError(f"[blizwork]: {needed} is missing")
    users = [read_user(one) for one in table.get("users", [])]
    return Declared(
        token=table["token"],
        company=table["company"],
        rate=table.get("transactions_per_second"),
        users={user.email: user for user in users},
        workflows={name: _workflow(name, one) for name, one in table.get("workflows", {}).items()},
        tables={name: [dict(row) for row in rows] for name, rows in table.get("tables", {}).items()},
    )


def read_user(table: Any) -> User:
    """A user from its table.

    :raises DeclarationError: if it cannot be used.
    """
    check_table(table, _USER, place="user")
    if "@" not in table.get("email", ""):
        raise DeclarationError("user: email is missing")
    return User(**table)


def _workflow(name: str, table: Table) -> Workflow:
    place = f"workflow {name}"
    check_table(table, _WORKFLOW, place=place)
    fields = table.get("fields", {})
    for field, kind in fields.items():
        if kind not in get_args(FieldType):
            raise DeclarationError(f"{place}: field {field} cannot be of type {kind!r}")
    forms = {form: _form(form, one, place) for form, one in table.get("forms", {}).items()}
    settings = {key: table[key] for key in ("enabled", "published", "version") if key in table}
    workflow = Workflow(id=name, start=table.get("start", ""), fields=fields, forms=forms, **settings)
    _check_names(workflow, place)
    return workflow


def _form(name: str, table: Any, place: str) -> Form:
    check_table(table, _FORM, place=f"{place}: form {name}")
    lists = {key: tuple(table.get(key, ())) for key in ("fields", "to")}
    return Form(id=name, **{**table, **lists})


def _check_names(workflow: Workflow, place: str) -> None:
    named = [workflow.start, *(to for form in workflow.forms.values() for to in form.to)]
    if lost := sorted(set(named) - set(workflow.forms)):
        raise DeclarationError(f"{place}: no form {', '.join(lost)}")
    used = {field for form in workflow.forms.values() for field in form.fields}
    if lost := sorted(used - set(workflow.fields)):
        raise DeclarationError(f"{place}: no field {', '.join(lost)}")
    if dead := sorted(form.id for form in workflow.forms.values() if not form.end and not form.to):
        raise DeclarationError(f"{place}: nothing follows {', '.join(dead)}, which is no end")
