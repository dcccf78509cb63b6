"""The ``[mybpm]`` table of a declaration file, checked and turned into the model."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, get_args

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.mybpm.model import (
    STATES,
    BoType,
    BusinessObject,
    Declared,
    Field,
    FieldType,
    Step,
)

_TOP: Mapping[str, Types] = {
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
    """Turn the table into the model.

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
    """An id of 16 characters, the same in every run; with the two that are neither letter nor digit."""
    text = hashlib.sha256("/".join(map(str, names)).encode()).hexdigest()
    return f"{text[:7]}~{text[7:14]}@"
