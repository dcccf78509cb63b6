"""Turns the ``[kiban]`` table of a declaration file into the model, checked."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from typing import get_args

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.kiban.declared import (
    LINKS,
    Choices,
    Declared,
    FileField,
    FormField,
    Key,
    Kind,
    Node,
    Validator,
    Workfloo,
)
from airflow_provider_workflows.sandbox.plan import PLAN_KEYS

_TOP: Mapping[str, Types] = {
    **PLAN_KEYS,
    "work": (int, float),
    "lag": (int, float),
    "keys": list,
    "workfloos": dict,
    "pools": dict,
    "content_key": str,
    "listed_after": (int, float),
    "most_items": int,
    "always_scenario": bool,
}
_KEY: Mapping[str, Types] = {"key": str, "workfloos": list}
_WORKFLOO: Mapping[str, Types] = {
    "id": str,
    "name": str,
    "nodes": list,
    "scenarios": list,
    "published": bool,
    "lives": (int, float),
    "legacy_id": bool,
}
_NODE: Mapping[str, Types] = {
    "name": str,
    "kind": str,
    "type": str,
    "fields": list,
    "documents": list,
    "seconds": (int, float),
    "code": str,
    "second_code": str,
    "tries": int,
    "resends": int,
    "on_error": str,
    "renders": (int, float),
    "undeliverable": bool,
    "back_to": str,
    "times": int,
    "variables": dict,
    "exit": str,
    "decision": bool,
    "labels": list,
}
_FIELD: Mapping[str, Types] = {
    "id": str,
    "name": str,
    "type": str,
    "required": bool,
    "regex": str,
    "show_if": dict,
    "default": (str, int, float),
    "searchable_by": str,
    "example": (str, int, float),
    "validator": dict,
}
_VALIDATOR: Mapping[str, Types] = {"inputs": list, "accepts": list, "fill": dict, "options": dict}
_DOCUMENT: Mapping[str, Types] = {
    "id": str,
    "name": str,
    "required": bool,
    "formats": list,
    "set": list,
    "source_pdf": str,
}
_ID = re.compile("[0-9a-f]{24}")


def read_declared(table: Table) -> Declared:
    """
    Turn the table into the model.

    :raises DeclarationError: naming the place that cannot be used.
    """
    check_table(table, _TOP, place="[kiban]")
    workfloos = {key: _workfloo(key, item) for key, item in table.get("workfloos", {}).items()}
    keys = [read_key(item, workfloos) for item in table.get("keys", [])]
    pools = table.get("pools", {})
    if unknown := sorted(set(pools.values()) - set(workfloos)):
        raise DeclarationError(f"kiban pools: no workfloo {', '.join(unknown)}")
    return Declared(
        work=table.get("work", 0.0),
        lag=table.get("lag", 0.0),
        keys={item.key: item for item in keys},
        workfloos={item.id: item for item in workfloos.values()},
        pools=pools,
        choices=Choices(
            content_key=table.get("content_key", ""),
            delay=table.get("listed_after", 0.0),
            most_items=table.get("most_items", 10_000),
            always_scenario=table.get("always_scenario", False),
        ),
    )


def read_key(table: Table, workfloos: Mapping[str, Workfloo]) -> Key:
    """
    Turn the declaration of a key into the model.

    :raises DeclarationError: if it is missing or means nothing.
    """
    check_table(table, _KEY, place="kiban key")
    if not table.get("key"):
        raise DeclarationError("kiban key: key is missing")
    names = table.get("workfloos")
    if unknown := sorted(set(names or ()) - set(workfloos)):
        raise DeclarationError(f"kiban key: no workfloo {', '.join(unknown)}")
    return Key(table["key"], None if names is None else frozenset(names))


def _workfloo(key: str, table: Table) -> Workfloo:
    place = f"kiban workfloo {key!r}"
    check_table(table, _WORKFLOO, place=place)
    if not _ID.fullmatch(table.get("id", "")):
        raise DeclarationError(f"{place}: id must be 24 hexadecimal digits")
    nodes = tuple(_node(item, workfloo=key, place=place) for item in table.get("nodes", []))
    names = [node.name for node in nodes]
    if not nodes or len(set(names)) < len(names):
        raise DeclarationError(f"{place}: nodes are missing, or two have one name")
    referred = [name for node in nodes for name in (node.back_to, node.on_error) if name]
    referred += [one.source_pdf for node in nodes for one in node.documents if one.source_pdf]
    if unknown := sorted(set(referred) - set(names)):
        raise DeclarationError(f"{place}: no node {', '.join(unknown)}")
    settings = {"name": key, **table, "scenarios": tuple(table.get("scenarios", ()))}
    return Workfloo(**{**settings, "key": key, "nodes": nodes})


def _node(table: Table, *, workfloo: str, place: str) -> Node:
    check_table(table, _NODE, place=f"{place}, node")
    name, kind = table.get("name", ""), table.get("kind")
    place = f"{place}, node {name!r}"
    if not name or kind not in get_args(Kind):
        raise DeclarationError(f"{place}: name is missing, or kind is none of {', '.join(get_args(Kind))}")
    settings = {
        **table,
        "type": table.get("type", "LINK" if kind in LINKS else "RULESET" if kind == "WORK" else kind),
        "fields": tuple(_field(item, place) for item in table.get("fields", [])),
        "documents": tuple(_document(item, place) for item in table.get("documents", [])),
        "labels": tuple(table.get("labels", [])),
    }
    # The same in every run, so that a person can compare runs.
    node_id = hashlib.sha256(f"{workfloo}/{name}".encode()).hexdigest()[:24]
    return Node(id=node_id, **settings)


def _field(table: Table, place: str) -> FormField:
    check_table(table, _FIELD, place=f"{place}, field")
    if not table.get("id"):
        raise DeclarationError(f"{place}: a field has no id")
    try:
        re.compile(table.get("regex", ""))
    except re.error as error:
        raise DeclarationError(f"{place}, field {table['id']}: regex: {error}") from None
    checks: Table = {"validator": _validator(table["validator"], place)} if "validator" in table else {}
    return FormField(**(table | checks))


def _validator(table: Table, place: str) -> Validator:
    check_table(table, _VALIDATOR, place=f"{place}, validator")
    lists: Table = {name: tuple(table[name]) for name in ("inputs", "accepts") if name in table}
    return Validator(**(table | lists))


def _document(table: Table, place: str) -> FileField:
    check_table(table, _DOCUMENT, place=f"{place}, document")
    if not table.get("id"):
        raise DeclarationError(f"{place}: a document has no id")
    lists: Table = {name: tuple(table[name]) for name in ("formats", "set") if name in table}
    return FileField(**(table | lists))
