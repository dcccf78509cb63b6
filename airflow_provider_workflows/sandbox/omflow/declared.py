"""The ``[omflow]`` table of a declaration file: what it says, checked."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import get_args

from airflow_provider_workflows.sandbox.declaration import DeclarationError, Table, Types, check_table
from airflow_provider_workflows.sandbox.omflow.commits import Commits
from airflow_provider_workflows.sandbox.omflow.model import Component, FormField, Kind, Process, User, Verdict
from airflow_provider_workflows.sandbox.plan import PLAN_KEYS

ALL_RIGHTS = ("add", "modify", "view", "delete", "design")


@dataclass
class Declared:
    """All that one OMFlow server holds at the beginning, by name."""

    processes: dict[str, Process]
    users: dict[str, User]
    first_file: int = 1


_TOP: Mapping[str, Types] = {
    **PLAN_KEYS,
    "latency": (int, float),
    "torn_writes": (int, float),
    "first_file": int,
    "users": list,
    "processes": dict,
}
_USER: Mapping[str, Types] = {"name": str, "password": str, "rights": (list, dict), "active": bool}
_FIELD: Mapping[str, Types] = {
    "type": str,
    "label": str,
    "required": bool,
    "regex": str,
    "default": str,
    "null": bool,
    "choices": list,
    "labels": dict,
}
_COMPONENT: Mapping[str, Types] = {
    "kind": str,
    "text": str,
    "to": (str, list),
    "seconds": (int, float),
    "fails": str,
    "on": str,
    "cases": dict,
    "otherwise": str,
    "values": dict,
    "required": list,
    "main": str,
    "quick": dict,
    "validation": str,
}
_PROCESS: Mapping[str, Types] = {
    "name": str,
    "app": str,
    "uuid": str,
    "fields": dict,
    "flow": dict,
    "start_input": list,
    "first_no": int,
    "first_id": int,
    "latency": (int, float),
    "api": bool,
    "enabled": bool,
    "deployed": bool,
    "input_mapped": bool,
}
# Components that pass a row on in the same instant.
_INSTANT = ("switch", "set", "fork", "collect")
_FIELD_ID = re.compile(r"FORMITM_\d+")
# Names in the vendor's UUIDs must be the same in every run, so that a person can compare runs.
_NAMESPACE = uuid.UUID("6f1c51f4-6cb9-4a3c-8a55-0d1f6f0a0c11")


def read_declared(table: Table) -> Declared:
    """
    Turn the table into the model.

    :raises DeclarationError: naming the place that cannot be used.
    """
    check_table(table, _TOP, place="[omflow]")
    latency = table.get("latency", 0.0)
    users = [read_user(item) for item in table.get("users", [])]
    commits = Commits(table.get("torn_writes", 0))
    processes = [
        _process(api_path, item, latency=latency, commits=commits)
        for api_path, item in table.get("processes", {}).items()
    ]
    return Declared(
        {item.api_path: item for item in processes},
        {item.name: item for item in users},
        first_file=table.get("first_file", 1),
    )


def read_user(table: Table) -> User:
    """
    Turn the declaration of a user into the model.

    :raises DeclarationError: if something is missing or means nothing.
    """
    check_table(table, _USER, place="omflow user")
    if "name" not in table or "password" not in table:
        raise DeclarationError("omflow user: name or password is missing")
    place = f"omflow user {table['name']!r}"
    rights = table.get("rights", [])
    by_process = rights if isinstance(rights, dict) else {"*": rights}
    return User(
        name=table["name"],
        password=table["password"],
        rights={api_path: _rights(names, place) for api_path, names in by_process.items()},
        active=table.get("active", True),
    )


def _rights(names: Sequence[str], place: str) -> frozenset[str]:
    unknown = sorted(set(names) - set(ALL_RIGHTS))
    if unknown:
        raise DeclarationError(f"{place}: no right {', '.join(unknown)}; there are {', '.join(ALL_RIGHTS)}")
    return frozenset(names)


def _process(api_path: str, table: Table, *, latency: float, commits: Commits) -> Process:
    place = f"omflow process {api_path!r}"
    check_table(table, _PROCESS, place=place)
    settings: Table = {
        "name": api_path,
        "app": "sandbox",
        "uuid": uuid.uuid5(_NAMESPACE, api_path).hex,
        "latency": latency,
        "commits": commits,
        **table,
    }
    settings["fields"] = {key: _field(key, item, place) for key, item in table.get("fields", {}).items()}
    settings["flow"] = {
        key: _component(number, key, item, place)
        for number, (key, item) in enumerate(table.get("flow", {}).items(), start=1)
    }
    settings["start_input"] = tuple(table.get("start_input", ()))
    process = Process(api_path=api_path, **settings)
    _check_flow(process, place)
    return process


def _field(key: str, table: Table, place: str) -> FormField:
    if not _FIELD_ID.fullmatch(key):
        raise DeclarationError(f"{place}: field {key!r} is not called FORMITM_<number>")
    check_table(table, _FIELD, place=f"{place}, field {key}")
    try:
        re.compile(table.get("regex", ""))
    except re.error as error:
        raise DeclarationError(f"{place}, field {key}: regex: {error}") from None
    return FormField(id=key, **table)


def _component(number: int, key: str, table: Table, place: str) -> Component:
    place = f"{place}, component {key!r}"
    check_table(table, _COMPONENT, place=place)
    if table.get("kind") not in get_args(Kind):
        raise DeclarationError(f"{place}: kind must be one of {', '.join(get_args(Kind))}")
    if table.get("validation") not in (None, *get_args(Verdict)):
        raise DeclarationError(f"{place}: validation must be one of {', '.join(get_args(Verdict))}")
    to = table.get("to", [])
    required = table.get("required")
    settings = table | {
        "text": table.get("text", key),
        "to": (to,) if isinstance(to, str) else tuple(to),
        "required": None if required is None else tuple(required),
    }
    return Component(key=key, uuid=f"FITEM_{number}", **settings)


def _check_flow(process: Process, place: str) -> None:
    starts = [component for component in process.flow.values() if component.kind == "start"]
    if len(starts) != 1:
        raise DeclarationError(f"{place}: {len(starts)} components of kind start; there must be one")
    for component in process.flow.values():
        wrong = _wrong_with(component, process)
        if wrong:
            raise DeclarationError(f"{place}, component {component.key!r}: {wrong}")


def _wrong_with(component: Component, process: Process) -> str | None:
    unknown = [target for target in _targets(component) if target not in process.flow]
    if unknown:
        return f"leads to unknown {', '.join(map(repr, unknown))}"
    if len(component.to) > 1 and component.kind != "fork":
        return "only a fork leads to several"
    if component.kind in ("fork", "collect") and not component.to:
        return f"a {component.kind} must lead somewhere"
    if component.kind == "switch" and component.on not in process.fields:
        return f"no field {component.on!r} to switch on"
    written = [*component.values, *(component.required or ()), *itertools.chain(*component.quick.values())]
    missing = [name for name in written if name not in process.fields]
    if missing:
        return f"no field {', '.join(map(repr, missing))}"
    if _comes_back(component, process):
        return "leads back to itself without ever waiting"
    return None


def _targets(component: Component) -> list[str]:
    ways = [*component.to, *component.cases.values(), component.otherwise]
    return [str(way) for way in ways if way is not None]


def _comes_back(component: Component, process: Process) -> bool:
    """Whether a row could run in a circle at one instant."""
    seen: set[str] = set()
    ahead = [component.key]
    while ahead:
        passed = process.flow[ahead.pop()]
        if passed.kind in _INSTANT or (passed.kind in ("sleep", "code") and not passed.seconds):
            if component.key in _targets(passed):
                return True
            ahead += [key for key in _targets(passed) if key not in seen and key in process.flow]
            seen.update(ahead)
    return False
