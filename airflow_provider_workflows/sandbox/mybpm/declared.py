"""The ``[mybpm]`` table of a declaration file: business objects, users and tokens, checked."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.plan import PLAN_KEYS

# The first four are the vendor's, as far as documented. How it calls a reference field is not; this is ours.
FieldType = Literal["INPUT_TEXT", "INPUT_NUMBER", "FULL_DATE", "RADIO_BUTTON_GROUP", "REFERENCE"]
BoType = Literal["PROCESS", "DICTIONARY", "PANEL", "CO", "BO"]
STATES = ("ALL", "REMOVED", "ARCHIVED", "DEV")


@dataclass(frozen=True)
class Field:
    """
    A field of a business object.

    :param id: 16 characters.
    :param options: of a selection field: id of the option -> label.
    :param to: of a reference field: code of the nested object.
    :param held_by: inside a CO: code of the grouped object that the field belongs to.
    """

    id: str
    code: str
    label: str
    type: FieldType = "INPUT_TEXT"
    unique: bool = False
    options: Mapping[str, str] = field(default_factory=dict)
    to: str | None = None
    held_by: str | None = None


@dataclass(frozen=True)
class Step:
    """
    A step of an object's process, done some seconds after the step before, or by a person.

    :param after: seconds.
    :param values: what it writes: field code -> text.
    :param state: the state it brings the instance to.
    :param choices: makes it a step for a person: label of a button -> what that writes. So does an update
        that writes the same.
    """

    name: str
    after: float = 0.0
    values: Mapping[str, str] = field(default_factory=dict)
    state: str | None = None
    choices: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True)
class BusinessObject:
    """
    A business object.

    :param fields: by code.
    :param process: what happens to an instance once it is created.
    :param reticent: its structure tells neither types nor options nor what is unique.
    """

    id: str
    code: str
    name: str
    type: BoType
    fields: Mapping[str, Field]
    process: tuple[Step, ...] = ()
    reticent: bool = False


@dataclass(frozen=True)
class Declared:
    """
    All that a declaration says.

    :param users: e-mail -> password.
    :param timezone: of the user behind the API tokens, in the form ``GMT+0600``.
    :param session_seconds: how long a session token lives.
    :param page_limit: instances in a page at the most, whatever is asked for.
    :param instances: what is there from the beginning: code of the object and values.
    """

    objects: Mapping[str, BusinessObject]
    users: Mapping[str, str]
    api_tokens: frozenset[str]
    timezone: str
    session_seconds: float
    page_limit: int
    instances: tuple[tuple[str, Mapping[str, str]], ...]


_TOP: Mapping[str, Types] = {
    **PLAN_KEYS,
    "users": dict,
    "api_tokens": list,
    "timezone": str,
    "session_seconds": (int, float),
    "page_limit": int,
    "objects": dict,
    "instances": list,
}
_OBJECT: Mapping[str, Types] = {
    "name": str,
    "type": str,
    "fields": dict,
    "process": list,
    "reticent": bool,
}
_FIELD: Mapping[str, Types] = {
    "label": str,
    "type": str,
    "unique": bool,
    "options": dict,
    "to": str,
    "held_by": str,
}
_STEP: Mapping[str, Types] = {
    "name": str,
    "after": (int, float),
    "set": dict,
    "state": str,
    "choices": dict,
}


def read_declared(table: Table) -> Declared:
    """
    Turn the table into the model.

    :raises DeclarationError: naming the place that cannot be used.
    """
    check_table(table, _TOP, place="[mybpm]")
    objects = {code: _object(code, item) for code, item in table.get("objects", {}).items()}
    for one in objects.values():
        _check_references(one, objects)
    return Declared(
        objects=objects,
        users={email: str(password) for email, password in table.get("users", {}).items()},
        api_tokens=frozenset(str(token) for token in table.get("api_tokens", ())),
        timezone=table.get("timezone", "GMT+0000"),
        session_seconds=float(table.get("session_seconds", 1800)),
        page_limit=table.get("page_limit", 50),
        instances=tuple(_instance(item, objects) for item in table.get("instances", ())),
    )


def _object(code: str, table: Any) -> BusinessObject:
    place = f"[mybpm.objects.{code}]"
    check_table(table, _OBJECT, place=place)
    kind = table.get("type", "BO")
    if kind not in get_args(BoType):
        raise DeclarationError(f"{place}: type cannot be {kind!r}")
    fields = {name: _field(name, item, place) for name, item in table.get("fields", {}).items()}
    process = tuple(_step(item, fields, f"{place} process") for item in table.get("process", ()))
    return BusinessObject(
        id=id_of("bo", code),
        code=code,
        name=table.get("name", code),
        type=kind,
        fields=fields,
        process=process,
        reticent=table.get("reticent", False),
    )


def _field(code: str, table: Any, place: str) -> Field:
    place = f"{place} field {code}"
    check_table(table, _FIELD, place=place)
    kind = table.get("type", "INPUT_TEXT")
    if kind not in get_args(FieldType):
        raise DeclarationError(f"{place}: type cannot be {kind!r}")
    if (kind == "REFERENCE") != ("to" in table) or (kind == "RADIO_BUTTON_GROUP") != ("options" in table):
        raise DeclarationError(f"{place}: a REFERENCE needs `to`, a RADIO_BUTTON_GROUP `options`")
    if wrong := [option for option in table.get("options", {}) if len(option) != 16]:
        raise DeclarationError(f"{place}: ids of options have 16 characters, not {', '.join(wrong)}")
    return Field(
        id=id_of(place, code),
        code=code,
        label=table.get("label", code),
        type=kind,
        unique=table.get("unique", False),
        options=table.get("options", {}),
        to=table.get("to"),
        held_by=table.get("held_by"),
    )


def _step(table: Any, fields: Mapping[str, Field], place: str) -> Step:
    check_table(table, _STEP, place=place)
    if "name" not in table:
        raise DeclarationError(f"{place}: a step needs a name")
    choices = table.get("choices", {})
    for values in (table.get("set", {}), *choices.values()):
        if not isinstance(values, dict) or set(values) - set(fields):
            raise DeclarationError(f"{place}: {table['name']} writes to {values!r}, not to fields")
    if table.get("state", "ALL") not in STATES:
        raise DeclarationError(f"{place}: state cannot be {table['state']!r}")
    return Step(
        name=table["name"],
        after=float(table.get("after", 0)),
        values=table.get("set", {}),
        state=table.get("state"),
        choices=choices,
    )


def _check_references(one: BusinessObject, objects: Mapping[str, BusinessObject]) -> None:
    for item in one.fields.values():
        for code in (item.to, item.held_by):
            if code is not None and code not in objects:
                raise DeclarationError(f"[mybpm.objects.{one.code}] field {item.code}: no object {code!r}")


def _instance(table: Any, objects: Mapping[str, BusinessObject]) -> tuple[str, Mapping[str, str]]:
    place = "[[mybpm.instances]]"
    check_table(table, {"object": str, "values": dict}, place=place)
    code, values = table.get("object"), table.get("values", {})
    if code not in objects:
        raise DeclarationError(f"{place}: no object {code!r}")
    if wrong := set(values) - set(objects[code].fields):
        raise DeclarationError(f"{place}: {code} has no {', '.join(sorted(wrong))}")
    return code, values


def id_of(*names: object) -> str:
    """Return an id of 16 characters, the same in every run; two of them are neither letter nor digit."""
    text = hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()
    return f"{text[:7]}~{text[7:14]}@"
