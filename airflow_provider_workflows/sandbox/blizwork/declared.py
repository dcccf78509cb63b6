"""The ``[blizwork]`` table of a declaration file: processes, users and master tables, checked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from airflow_provider_workflows.sandbox.blizwork.refusal import MESSAGES
from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.plan import PLAN_KEYS

FieldType = Literal["string", "int", "decimal", "attachment"]
#: How the history of a new case begins: with nothing, or with an entry that names the first activity.
Beginning = Literal["empty", "opening"]
Row = dict[str, Any]


@dataclass(frozen=True)
class User:
    """
    A user of BlizWork, of this organisation or another.

    :param active: others may not do anything.
    :param roles: those that activities and processes may want of who acts.
    """

    email: str
    active: bool = True
    roles: tuple[str, ...] = ()


@dataclass(frozen=True)
class File:
    """
    A file that was uploaded before.

    :param deleted: it is there no more, so a link to it is dead.
    """

    url: str
    deleted: bool = False


@dataclass(frozen=True)
class Form:
    """
    An activity.

    :param fields: ids of the fields that it takes; all of the process's if empty.
    :param to: activities that may be chosen as the next.
    :param end: it closes the case on arrival, and nobody runs it.
    :param seconds: the platform itself runs it after so long, and goes on to the first of ``to``.
    :param deadline: the platform runs it so late if nobody has; likewise.
    :param role: of the users who may run it; any user if None.
    """

    id: str
    fields: tuple[str, ...] = ()
    to: tuple[str, ...] = ()
    end: bool = False
    seconds: float | None = None
    deadline: float | None = None
    role: str | None = None


@dataclass
class Workflow:
    """
    A process.

    :param start: the activity that a new case waits for.
    :param enabled: others are as good as missing.
    :param published: others exist in the environment ``draft`` only.
    :param private: as good as missing, too; whom a private one is open to, the vendor does not say.
    :param role: of the users who may open a case; any user if None.
    """

    id: str
    start: str
    fields: Mapping[str, FieldType]
    forms: Mapping[str, Form]
    enabled: bool = True
    published: bool = True
    private: bool = False
    role: str | None = None
    version: int = 1


@dataclass
class Declared:
    """
    Everything that a server begins with.

    :param history: how the history of a new case begins.
    :param case_cap: how many cases the plan allows; None without limit. It is known that the plan Free has
        such a cap of 10, and that later ones fail.
    :param case_cap_code: how; the vendor does not say.
    :param files: what was uploaded before.
    """

    token: str
    company: str
    users: dict[str, User]
    workflows: dict[str, Workflow]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    history: Beginning = "opening"
    case_cap: int | None = None
    case_cap_code: int = 2
    files: tuple[File, ...] = ()


_TOP: Mapping[str, Types] = {
    **PLAN_KEYS,
    "token": str,
    "company": str,
    "history": str,
    "case_cap": int,
    "case_cap_code": int,
    "files": list,
    "users": list,
    "workflows": dict,
    "tables": dict,
}
_USER: Mapping[str, Types] = {"email": str, "active": bool, "roles": list}
_FILE: Mapping[str, Types] = {"url": str, "deleted": bool}
_WORKFLOW: Mapping[str, Types] = {
    "start": str,
    "fields": dict,
    "forms": dict,
    "enabled": bool,
    "published": bool,
    "private": bool,
    "role": str,
    "version": int,
}
_FORM: Mapping[str, Types] = {
    "fields": list,
    "to": list,
    "end": bool,
    "seconds": (int, float),
    "deadline": (int, float),
    "role": str,
}
#: The keys of a process that are taken as they are.
_SETTINGS = ("enabled", "published", "private", "role", "version")


def read_declared(table: Table) -> Declared:
    """
    Turn the table into the model.

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
        users={user.email: user for user in users},
        workflows={name: _workflow(name, one) for name, one in table.get("workflows", {}).items()},
        tables={name: [dict(row) for row in rows] for name, rows in table.get("tables", {}).items()},
        history=read_beginning(table.get("history", "opening")),
        case_cap=table.get("case_cap"),
        case_cap_code=_code(table.get("case_cap_code", 2)),
        files=tuple(_file(one) for one in table.get("files", [])),
    )


def read_beginning(text: Any) -> Beginning:
    """
    Return how a history begins.

    :raises DeclarationError: if it is no such word.
    """
    if text not in get_args(Beginning):
        raise DeclarationError(
            f"[blizwork]: history cannot be {text!r}, but {' or '.join(get_args(Beginning))}"
        )
    return text  # type: ignore[no-any-return]


def read_user(table: Any) -> User:
    """
    Return a user from its table.

    :raises DeclarationError: if it cannot be used.
    """
    check_table(table, _USER, place="user")
    if "@" not in table.get("email", ""):
        raise DeclarationError("user: email is missing")
    return User(**{**table, "roles": tuple(table.get("roles", ()))})


def _file(table: Any) -> File:
    check_table(table, _FILE, place="file")
    if not table.get("url"):
        raise DeclarationError("file: url is missing")
    return File(**table)


def _code(code: int) -> int:
    if code not in MESSAGES or code == 0:
        raise DeclarationError(f"[blizwork]: case_cap_code cannot be {code!r}")
    return code


def _workflow(name: str, table: Table) -> Workflow:
    place = f"workflow {name}"
    check_table(table, _WORKFLOW, place=place)
    fields = table.get("fields", {})
    for field_id, kind in fields.items():
        if kind not in get_args(FieldType):
            raise DeclarationError(f"{place}: field {field_id} cannot be of type {kind!r}")
    forms = {form: _form(form, one, place) for form, one in table.get("forms", {}).items()}
    settings = {key: table[key] for key in _SETTINGS if key in table}
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
